"""Commands about the experiments of a service: what they tell, and the log by which another policy is judged."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.asking import Artefact, AsJson, opened
from engine.cli.output import Polite, example, interval, say, show, show_json, warn
from engine.errors import WeftError

if TYPE_CHECKING:
    from engine.service.eventlog import EventLog
    from engine.service.experiments import Experiment

File = Annotated[Path, typer.Argument(metavar="FILE", help="The TOML file of the experiments.")]
Name = Annotated[str, typer.Option("--name", help="The experiment; it can be left out where there is one only.")]
Log = Annotated[Path, typer.Option("--events", help="The log of the service.")]

app = typer.Typer(
    cls=Polite, no_args_is_help=True, rich_markup_mode=None, help="What the experiments of a service tell."
)


@app.command(epilog=example("weft experiments results experiments.toml --events artefacts/shop.events"))
def results(file: File, events: Log, name: Name = "", as_json: AsJson = False) -> None:
    """Compare the arms of an experiment by what their users chose.

    `fixed` is right for one look at a time that was set beforehand, `anytime` for looking and stopping at any time.
    """
    from engine.service import outcomes
    from engine.service.api.experiments import told

    one, log = _experiment(file, name), _opened(events)
    found = outcomes.results(one, log, time.time())
    log.close()
    if as_json:
        show_json(told(one, found).model_dump())
        return
    rows = [
        (
            arm.name,
            str(arm.users),
            f"{arm.mean:.4f}" if arm.users else "",
            "" if arm.fixed is None else f"{arm.fixed.mean:+.4f}",
            *("" if each is None else interval(each.low, each.high) for each in (arm.fixed, arm.anytime)),
        )
        for arm in found.compared.arms
    ]
    show(("arm", "users", "reward", "difference", "fixed", "anytime"), rows, title=one.name)
    say(f"{found.waiting} users wait until their {one.days:g} days are over; sample ratio p = {found.ratio:.3f}")
    if found.mismatch:
        warn("users are not shared out by the weights of the arms: believe nothing here before the reason is found")
    if found.moved:
        warn(f"{found.moved} users were shown lists of two arms; they count for their first")


@app.command(
    epilog=example(
        "weft experiments draws experiments.toml artefacts/next --events artefacts/shop.events --out log.csv",
        "weft offpolicy log.csv",
    )
)
def draws(
    file: File,
    artefact: Artefact,
    events: Log,
    to: Annotated[Path, typer.Option("--out", help="Where the table goes: csv or parquet.")],
    name: Name = "",
) -> None:
    """Write the log of drawn places, with the chances that the lists of ARTEFACT would give: for `weft offpolicy`.

    ARTEFACT is built from the tables of the artefact that is served; events of the log are taken in as they came.
    """
    from engine.service import outcomes
    from graph.disk import written_file

    if to.suffix not in (".csv", ".parquet"):
        raise WeftError(f"--out {to}: name a file that ends with .csv or .parquet")
    one, log = _experiment(file, name), _opened(events)
    table = outcomes.draws(one, log.exposures(one.name), list(log.after()), time.time(), opened(artefact))
    log.close()
    with written_file(to) as aside:
        (table.write_csv if to.suffix == ".csv" else table.write_parquet)(aside)
    say(f"{table.height} drawn places in {to}")


def _experiment(file: Path, name: str) -> "Experiment":
    from engine.service.experiments import read

    wanted = read(file)
    one = wanted.named(name) if name else wanted.experiment[0] if len(wanted.experiment) == 1 else None
    if one is None:
        raise WeftError(f"{file}: --name is one of {', '.join(each.name for each in wanted.experiment)}")
    return one


def _opened(events: Path) -> "EventLog":
    from engine.service.eventlog import EventLog

    if not events.is_file():
        raise WeftError(f"{events}: no such log; `weft serve` makes it beside the artefact, as ARTEFACT.events")
    return EventLog(events)
