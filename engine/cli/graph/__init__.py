"""The commands of the knowledge graph: `weft graph --help`."""

import typer

from engine.cli.graph import asking, checking, linking, making
from engine.cli.output import example

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Load, ask, check and export knowledge graphs.",
    epilog=example(
        "weft graph load data/ml/weft.toml graphs/ml",
        "weft graph stats graphs/ml",
        "weft graph ask about graphs/ml --item item:1",
        "weft graph COMMAND --help",
    ),
)

app.command(
    epilog=example(
        "weft graph load data/ml/weft.toml graphs/ml",
        "weft graph load data/ml/weft.toml bolt://localhost:7687 --interactions",
        "weft graph load facts.ttl graphs/facts --rejects rejects.csv",
    )
)(making.load)
app.command(
    epilog=example(
        "weft graph merge facts.ttl graphs/ml --relations data/ml/weft.toml", "weft graph merge shop.graphml graphs/ml"
    )
)(making.merge)
app.command(
    epilog=example(
        "weft graph query graphs/ml 'MATCH (a:Item)-[:HAS_GENRE]->(g {name: $genre}) RETURN a.name' -p genre=Comedy",
        "weft graph query graphs/ml 'MATCH (a:Item)-[r]->() RETURN type(r) AS relation, count(*) AS n' --format csv",
        "weft graph query graphs/ml 'MATCH (a:Item) RETURN a.id, a.name' --limit 100000 --out items.parquet",
    )
)(asking.query)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog=example(
        "weft graph ask list",
        "weft graph ask similar graphs/ml --item 1",
        "weft graph ask shared graphs/ml --item 1 --other 588 --format json",
    ),
)(asking.ask)
app.command(
    epilog=example(
        "weft graph neighbours graphs/ml item:1",
        "weft graph neighbours graphs/ml 1 --hops 2 --out near.graphml",
    )
)(asking.neighbours)
app.command(epilog=example("weft graph path graphs/ml item:1 item:588 --longest 4 -n 5"))(asking.path)
app.command(epilog=example("weft graph stats graphs/ml"))(asking.stats)
app.command(epilog=example("weft graph schema graphs/ml --format json"))(asking.schema)
app.command(
    epilog=example(
        "weft graph export graphs/ml ml.graphml",
        "weft graph export artefacts/ml ml-csv --as neo4j-csv",
        "weft graph export data/ml/weft.toml ml.jsonld",
    )
)(making.export)
app.command(
    epilog=example(
        "weft graph check data/ml/weft.toml",
        "weft graph check graphs/ml --strict",
        "weft graph check shop.graphml --json",
    )
)(checking.check)
app.command(
    epilog=example(
        "weft graph link data/ml/weft.toml --review data/ml/review.csv",
        "weft graph link data/ml/weft.toml --out links.parquet",
    )
)(linking.link)
app.command("serve-neo4j", epilog=example("weft graph serve-neo4j graphs/ml --port 7687"))(making.serve_neo4j)
