"""Commands that measure: an engine on its own tables, and another policy by what a log says."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.asking import Artefact, AsJson, opened
from engine.cli.output import interval, say, show, show_json, warn
from engine.cli.working import Working

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.evaluation.report import Segment


def evaluate(
    artefact: Artefact,
    to: Annotated[
        Path | None, typer.Option("--out", help="Where the report goes; beside the artefact if not given.")
    ] = None,
) -> None:
    """Measure an engine and its rivals on its own tables.

    Trains anew on the past, ranks the future, and writes report.html and report.json.
    """
    measure(opened(artefact), to or artefact.with_name(f"{artefact.name}.report"))


def measure(engine: "Engine", to: Path) -> None:
    """Evaluate, write the report and print its table."""
    with Working(keep=True) as work:
        work.stage("splitting")
        from engine.evaluation import report

        made = engine.evaluate(work.stage)
        report.write(made, to)
    names = list(made.rankers[0].metrics)
    show(
        ("ranker", *names),
        [(row.name, *(report.figure(row.metrics[name].mean) for name in names)) for row in made.rankers],
        title=made.subtitle,
    )
    show(
        ("part", "users", *made.fits[0].metrics),
        [(one.part, str(one.users), *map(report.figure, one.metrics.values())) for one in made.fits],
    )
    show_harmed(made.segments, made.rival)
    say(f"report: {to / 'report.html'}")


def offpolicy(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="csv, tsv, parquet or jsonl of what was drawn.")],
    clip: Annotated[float | None, typer.Option(help="Cut larger weights to this.")] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate what another policy would have earned, from a log of drawn places.

    A row has propensity (the chance that its item had), target (the chance that the other policy gives it there) and
    reward; user_id, predicted and expected if known. docs/exploration.md has a worked example.
    """
    from engine.evaluation import offpolicy
    from engine.tables.readers import read_table

    found = offpolicy.evaluate(offpolicy.read(read_table(log)), clip)
    if as_json:
        show_json(asdict(found))
        return
    rows = [found.logged, *found.estimates]
    show(
        ("mean reward", "", "95% interval"),
        [(one.name, f"{one.mean:.4f}", f"{one.low:.4f} to {one.high:.4f}") for one in rows],
    )
    worth = f"worth {found.effective:.0f} of the other policy's own"
    say(f"{found.rows} rows of {found.users} users, {worth}; largest weight {found.largest:.1f}")
    if clip is not None:
        say(f"{found.clipped:.1%} of the weights were cut to {clip:g}")
    for each in found.warnings:
        warn(each)


def show_harmed(segments: "list[Segment]", rival: str) -> None:
    """Name the groups that lose against the best rival, or say that there is none."""
    harmed = [one for one in segments if one.harmed]
    if harmed:
        rows = [
            (
                f"{one.by}: {one.label}",
                str(one.users),
                one.metric,
                f"{one.gain:+.4f}",
                interval(one.low, one.high),
            )
            for one in harmed
        ]
        show(("harmed group", "users", "metric", "gain", "95% interval"), rows, title=f"Against {rival}")
    elif segments:
        say(f"no group of {len(segments)} loses against {rival}")
