"""The command line: `weft --help`."""

import os

# Threads that wait asleep: on a busy machine, spinning ones make numeric code many times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import typer

from engine import memory
from engine.cli import (
    asking,
    benching,
    experiments,
    graph,
    helping,
    items,
    keys,
    making,
    measuring,
    rules,
    serving,
    tuning,
    updating,
)
from engine.cli.demo import demo
from engine.cli.intent import intent
from engine.cli.output import Polite, example

memory.keep_freed()

app = typer.Typer(
    cls=Polite,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help: markup would swallow the square brackets of examples, and boxes break lines that people search.
    rich_markup_mode=None,
    help="Recommendations and search from words, pictures, relations and history. Start with `weft demo`.",
    epilog=example("weft demo", "weft recommend demo/artefact --user u0001", "weft COMMAND --help"),
)

# In the order in which a newcomer needs them.
app.command(epilog=example("weft demo", "weft demo --out small --products 300 --users 300"))(demo)
app.command(epilog=example("weft init weft.toml"))(making.init)
app.command("import", epilog=making.IMPORT_EXAMPLES)(making.import_)
app.command(epilog=example("weft build data/shop/weft.toml --out artefacts/shop"))(making.build)
app.command(epilog=example("weft evaluate artefacts/shop --out report"))(measuring.evaluate)
app.command(
    epilog=example(
        "weft recommend artefacts/shop --user u0001",
        "weft recommend artefacts/shop --history p0001,p0007 -n 5 --json",
        """weft recommend artefacts/shop --user u0001 --where '{"brand": "Nike", "price": [null, 500]}'""",
    )
)(asking.recommend)
app.command(
    epilog=example(
        'weft search artefacts/shop "white sneakers"',
        "weft search artefacts/shop 白色运动鞋 --user u0001 --personal 0.5 -n 5",
    )
)(asking.search)
app.command(epilog=example('weft intent artefacts/shop "black boots under 500, not leather"'))(intent)
app.command(epilog=example("weft suggest artefacts/shop naik", "weft suggest artefacts/shop 白 -n 5 --json"))(
    helping.suggest
)
app.command(
    epilog=example(
        'weft facets artefacts/shop "white sneakers"',
        """weft facets artefacts/shop --where '{"brand": "Nike", "price": [null, 500]}'""",
    )
)(helping.facets)
app.command(
    epilog=example(
        'weft answer artefacts/shop "what material is it?" --item p0001', "weft answer artefacts/shop 是否免费退换？"
    )
)(helping.answer)
app.command(epilog=example("weft similar artefacts/shop p0001"))(asking.similar)
app.command(epilog=example("weft explain artefacts/shop u0001 p0001 --language zh"))(asking.explain)
app.add_typer(items.app, name="items")
app.command(
    epilog=example(
        "weft update artefacts/shop --events since_monday.csv",
        "weft update artefacts/shop --events new.parquet --items new_items.csv --out artefacts/shop-2",
    )
)(updating.update)
app.command(epilog=example("weft rollback artefacts/shop"))(updating.rollback)
app.add_typer(rules.app, name="rules")
app.command(
    epilog=example("weft serve artefacts/shop --port 8000", "weft serve artefacts/shop --host 0.0.0.0 --keys keys.json")
)(serving.serve)
app.add_typer(keys.app, name="keys")
app.add_typer(experiments.app, name="experiments")
app.command(
    epilog=example(
        "weft bench data/ml --seeds 3",
        "weft bench data/ml --split splits/ml --runs runs/ml --peers implicit:als,recbole:LightGCN",
    )
)(benching.bench)
app.command(epilog=example("weft offpolicy log.csv", "weft offpolicy log.parquet --clip 20 --json"))(
    measuring.offpolicy
)
app.command(epilog=example("weft ablate data/ml --runs runs/ml"))(benching.ablate)
app.command(epilog=example("weft tune data/ml --minutes 60", "weft tune data/ml --trials 80   # goes on"))(tuning.tune)
app.add_typer(graph.app, name="graph")
