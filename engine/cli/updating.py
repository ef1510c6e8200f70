"""Commands that teach an artefact what is new, and that take it back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.asking import Artefact, AsJson, opened
from engine.cli.output import interval, say, show, show_json, warn
from engine.cli.working import Working

if TYPE_CHECKING:
    from engine.update import Updated

REFUSED = 3
"""The code a refused update ends with."""


def update(
    artefact: Artefact,
    events: Annotated[
        Path | None,
        typer.Option(help="A table as that of the interactions, of new ones only: csv, tsv, parquet, jsonl or ndjson."),
    ] = None,
    items: Annotated[
        Path | None,
        typer.Option(help="A table as that of the items: those that are there are described anew, others are added."),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--out", help="Write it there, and leave the artefact as it is: for a service that is running."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also where it makes lists of the newest events worse.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Learn from new events and items without a full build.

    Before anything is written, the update is tried on all new events but the latest fifth, and judged by that fifth. If
    lists get worse it is refused: the artefact stays what it was, and the code is 3. What is unlike what was learned is
    told, with an alarm where it is much. The artefact is replaced in one step and the one before kept beside it, for
    `weft rollback`. A service that is running does not notice: with --out, tell it then to switch (docs/updating.md).
    """
    from engine import artifact, atomic, generations
    from engine.errors import DataError
    from engine.tables.readers import read_table

    if events is None and items is None:
        raise DataError("nothing to learn from: give --events FILE, --items FILE or both")
    if to is not None:
        atomic.check_replaceable(to, artifact.MANIFEST)
    engine = opened(artefact)
    with Working() as work:
        told = None if events is None else read_table(events)
        rows = None if items is None else read_table(items)
        done = engine.update(told, rows, force, work.stage)
        kept = None
        if done.accepted:
            work.stage(f"writing {to or artefact}")
            kept = generations.keep(artefact) if to is None else None
            engine.save(to or artefact)
    if as_json:
        show_json(done.told())
    else:
        tell(done)
        if done.accepted:
            say(
                f"written: {to or artefact}"
                + ("" if kept is None else f"; before: {kept}; to go back: weft rollback {artefact}")
            )
    if not done.accepted:
        warn(f"refused: {artefact} is what it was; --force updates it all the same")
        raise typer.Exit(REFUSED)


def tell(done: "Updated") -> None:
    """Print what an update did."""
    say(f"{done.events} new events, {len(done.added)} new items, {len(done.changed)} described anew")
    if done.drift:
        rows = [
            (one.name, f"{one.value:.3f}", f"{one.limit:g}", "ALARM" if one.alarm else "", one.said)
            for one in done.drift
        ]
        show(("drift", "is", "limit", "", "what it is"), rows)
    if done.judgement is None:
        say("no list to judge by: nobody chose anything new among the newest events")
        return
    one = done.judgement
    say(
        f"NDCG of {one.users} users on the newest events: {one.before:.4f} before, {one.after:.4f} after "
        f"({one.gain.mean:+.4f}, {interval(one.gain.low, one.gain.high)})"
    )
    if done.forced:
        warn("they got worse; updated all the same, as --force says")


def rollback(artefact: Artefact) -> None:
    """Take the last update of an artefact back: what it was before takes its place, in one step.

    Again, and the one before that comes back; three are kept. What was updated since is deleted.
    """
    from engine import generations

    back = generations.rollback(artefact)
    say(f"{artefact} is again what it was before its last update (kept until now as {back.name})")
