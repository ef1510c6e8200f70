"""The demonstration: a generated shop, an engine, its measures, a list and an explanation."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.asking import show_explanation
from engine.cli.making import build_engine
from engine.cli.measuring import measure
from engine.cli.output import say
from engine.cli.working import Working


def demo(
    to: Annotated[Path, typer.Option("--out", help="The folder to write.")] = Path("demo"),
    products: Annotated[int, typer.Option(help="Products of the generated shop.")] = 2000,
    users: Annotated[int, typer.Option(help="Simulated users.")] = 3000,
) -> None:
    """Try it all on a generated bilingual shop.

    Generates the shop, builds an engine from it, measures it, recommends and explains.
    """
    from engine import artifact, atomic

    start = time.perf_counter()
    atomic.check_replaceable(to / "artefact", artifact.MANIFEST)
    say(f"1. a shop of {products} products and {users} users")
    with Working(keep=True) as work:
        work.stage("generating")
        from engine.demo.shop import generate

        generate(to / "shop", products=products, users=users, progress=work.counter("pictures"))
    say("2. the engine")
    engine = build_engine(to / "shop" / "weft.toml", to / "artefact")
    say("3. the evaluation")
    measure(engine, to / "report")
    user = engine.catalogue.interactions["user_id"][0]
    best = engine.recommend(user=user, n=5)
    say(f"4. for {user}: " + "; ".join(one.title for one in best))
    show_explanation(engine, user, best[0].item_id, "zh")
    say(f"\nDone in {time.perf_counter() - start:.0f} s.")
    say(f"Report:   {to / 'report' / 'report.html'}")
    say(f"Artefact: {to / 'artefact'}")
    say("Try next:")
    # The command as it was typed (.venv/bin/weft), if it can be typed so again.
    weft = sys.argv[0] if Path(sys.argv[0]).name == "weft" and not Path(sys.argv[0]).is_absolute() else "weft"
    for line in (
        f"recommend {to / 'artefact'} --user {user} -n 10",
        f"search {to / 'artefact'} 白色运动鞋",
        f"serve {to / 'artefact'}",
    ):
        say(f"  {weft} {line}")
