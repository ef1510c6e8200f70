"""The command that tells what a query means."""

from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.asking import Artefact, AsJson, opened
from engine.cli.output import say, show, show_json

if TYPE_CHECKING:
    from engine.search.intent import Constraint, Intent


def intent(
    artefact: Artefact,
    query: Annotated[str, typer.Argument(help="What is looked for, in English or Chinese.")],
    as_json: AsJson = False,
) -> None:
    """Say what a query means: the things that it names, its limits, what is looked for, and what was set right."""
    found = opened(artefact).intent(query)
    if as_json:
        show_json(found.to_dict())
        return
    _show(found)


def _show(found: "Intent") -> None:
    say(f"{found.kind}, in {found.language}")
    for repair in found.repairs:
        say(f"  {repair.typed} was read as {repair.meant} ({repair.why})")
    if found.head:
        say(
            f"  looked for: {found.head.text}"
            + (f" ({', '.join(found.head.modifiers)})" if found.head.modifiers else "")
        )
    rows = [
        ("not " * one.negated + one.surface, one.label, one.node, f"{one.score:.2f}", one.method)
        for one in found.entities
    ]
    if rows:
        show(("entity", "label", "node", "score", "by"), rows)
    if found.constraints:
        show(("constraint", ""), [(one.field, _limit(one)) for one in found.constraints])
    say("keywords: " + ", ".join(f"{word.text} {word.weight:.2f}" for word in found.keywords))


def _limit(one: "Constraint") -> str:
    """A value, or a range with its unit."""
    if one.value is not None:
        return f"not {one.value}" if one.negated else one.value
    low, high = ("" if bound is None else f"{bound:g}" for bound in (one.low, one.high))
    limits = (
        low if low == high else f"{low} to {high}" if low and high else f"{low} or more" if low else f"up to {high}"
    )
    return f"{limits} {one.unit or ''}".strip()
