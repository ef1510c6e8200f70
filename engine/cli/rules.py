"""Commands about rules: check a file, try it, and switch it on or off in an artefact."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.asking import Artefact, Count, opened, titles_of
from engine.cli.output import Polite, count, example, say, show, warn
from engine.cli.working import Working
from engine.errors import DataError

if TYPE_CHECKING:
    from engine.rules.conflicts import Conflict
    from engine.trial import Change
    from graph.rules import Rules

File = Annotated[Path, typer.Argument(metavar="RULES.toml", help="A file of rules; docs/rules.md has the grammar.")]

app = typer.Typer(
    cls=Polite, no_args_is_help=True, rich_markup_mode=None, help="Boost, bury, hide and space out items by rules."
)


@app.command(epilog=example("weft rules check rules.toml", "weft rules check rules.toml --artefact artefacts/shop"))
def check(
    file: File,
    artefact: Annotated[
        Path | None, typer.Option(help="Look for conflicts in the items and users of this artefact, too.")
    ] = None,
) -> None:
    """Read a file of rules and say which of them conflict or do nothing.

    Ends with code 1 if there is such a rule, and with 2 if the file cannot be used.
    """
    from engine.rules import conflicts

    rules = _read(file)
    if artefact is None:
        found = conflicts.in_words(rules)
    else:
        from engine.rules.book import bind

        engine = opened(artefact)
        found = conflicts.in_items(bind(rules, engine.catalogue, engine.graph))
    off = sum(not rule.enabled for rule in rules.rule)
    say(f"{len(rules.rule)} rules" + (f", {off} of them switched off and not looked at" if off else ""))
    _tell(found)
    if found:
        raise typer.Exit(1)
    say("no conflicts" + ("" if artefact else " in the words; --artefact looks at the items, too"))


@app.command(
    "try",
    epilog=example(
        "weft rules try artefacts/shop rules.toml", "weft rules try artefacts/shop rules.toml --user u0001 -n 5"
    ),
)
def try_(
    artefact: Artefact,
    file: File,
    user: Annotated[list[str] | None, typer.Option(help="Whose lists; repeat it. Without it 200 are drawn.")] = None,
    n: Count = 10,
    on: Annotated[
        str,
        typer.Option(metavar="TIME", help="As then: a day, from 0:00 UTC, or 2026-11-27T20:00+08:00; now without it."),
    ] = "",
) -> None:
    """Show what rules would change, and change nothing."""
    from engine.trial import try_rules

    moment, n = _moment(on), count(n)
    rules = _read(file)
    engine = opened(artefact)
    with Working() as work:
        work.stage("making lists with and without each rule")
        trial = try_rules(engine, rules, user, n, moment)
    say(f"lists of {n} for {trial.users} users, at {trial.moment:%Y-%m-%d %H:%M} UTC; nothing is switched on")
    show(
        ("rule", "lists changed", "items in", "out", "moved", "places", "lists short"),
        [_row(change) for change in (*trial.each, trial.all)],
    )
    titles = titles_of(engine)
    for one in trial.examples:
        say("")
        longest = range(max(len(one.before), len(one.after)))
        rows = [
            (str(at + 1), *(titles[list_[at]] if at < len(list_) else "" for list_ in (one.before, one.after)))
            for at in longest
        ]
        show(("", "now", "with the rules"), rows, title=f"for {one.user}")


@app.command(epilog=example("weft rules on artefacts/shop rules.toml"))
def on(artefact: Artefact, file: File) -> None:
    """Write rules into an artefact, in the place of those in it.

    Every engine that is loaded from it from now on keeps them; one that is running does not notice.
    """
    from engine import artifact
    from engine.rules import conflicts
    from engine.rules.book import bind

    rules = _read(file)
    engine = opened(artefact)
    _tell(conflicts.in_items(bind(rules, engine.catalogue, engine.graph)))
    artifact.amend(artefact, {"rules": rules.plain()})
    say(f"{len(rules.rule)} rules are in {artefact}; `weft rules off {artefact}` takes them out")


@app.command(epilog=example("weft rules off artefacts/shop"))
def off(artefact: Artefact) -> None:
    """Take all rules out of an artefact."""
    from engine import artifact

    artifact.amend(artefact, {"rules": {}})
    say(f"no rules are in {artefact}")


@app.command(epilog=example("weft rules show artefacts/shop"), name="show")
def show_(artefact: Artefact) -> None:
    """List the rules in an artefact."""
    from engine.rules.book import now

    rules = opened(artefact).rules
    force = {rule.name for rule in rules.at(now()).rule}
    rows = [(rule.name, rule.kind, "yes" if rule.name in force else "no") for rule in rules.rule]
    show(("rule", "kind", "in force now"), rows)
    if not rows:
        say("no rules")


def _read(file: Path) -> "Rules":
    from engine.rules.rulefile import read

    return read(file)


def _moment(given: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(given) if given else None
    except ValueError:
        raise DataError(f"--on {given}: a day or a time is wanted, such as 2026-11-27T20:00+08:00") from None
    return moment if moment is None else moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _row(change: "Change") -> Sequence[str]:
    figures = (change.lists, change.added, change.removed, change.moved)
    return (change.name, *map(str, figures), f"{change.mean_places:.1f}", str(change.short))


def _tell(found: "Sequence[Conflict]") -> None:
    for one in found:
        warn(" and ".join(map(repr, one.rules)) + f": {one.words}")
