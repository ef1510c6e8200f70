"""How the command line prints a search: what was understood, a table with what was met in the titles, and reasons."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from engine.cli.output import out, plain, say, show, warn

if TYPE_CHECKING:
    from engine.assisted import Assisted
    from engine.engine import Recommendation
    from engine.search.reasons import Highlight, Reasons
    from engine.search.results import Results
    from engine.search.understood import Understood

STYLES = {"word": "bold yellow", "alias": "bold cyan", "translation": "bold magenta"}
"""How a match is shown on a terminal; elsewhere it stands between asterisks."""
AROUND = 30
"""Characters of a text beside a match."""
SNIPPETS, MOST = 2, 4
"""Pieces of a text, and other names met, that are shown of an item."""


def show_assisted(given: "Assisted", reasons: bool) -> None:
    """The items of a search with its help; with `reasons`, why each of them is there."""
    _tell_understood(given.found.understood)
    _show_results(given.found, reasons)
    if given.answer is not None:
        say(f"answer: {given.answer.text}\n  {given.answer.title} ({given.answer.item_id})")
    if given.did_you_mean is not None:
        warn(f"did you mean: {given.did_you_mean.query}")
    if given.instead is not None:
        warn(f"found without the condition on {', '.join(given.dropped)}:")
        _show_results(given.instead, reasons)


def as_json(given: "Assisted") -> dict[str, Any]:
    """The same as JSON takes it."""
    return {
        "understood": given.found.understood.to_dict(),
        "items": _items(given.found),
        "did_you_mean": None if given.did_you_mean is None else vars(given.did_you_mean),
        "relaxed": None if given.instead is None else {"dropped": given.dropped, "items": _items(given.instead)},
        "answer": None if given.answer is None else vars(given.answer),
    }


def _items(found: "Results[Recommendation]") -> list[dict[str, Any]]:
    reasons = [{"why": one.to_dict()} for one in found.reasons] or [{} for _ in found]
    return [vars(one) | why for one, why in zip(found, reasons, strict=True)]


def _tell_understood(understood: "Understood") -> None:
    """One line of what a query was taken for, and one of each thing that could not be obeyed."""
    if understood.line:
        say(f"understood: {understood.line}")
    for note in understood.notes:
        warn(note)
    if understood.dropped:
        warn(f"nothing fits with {', '.join(understood.dropped)}: found without it")


def _show_results(found: "Results[Recommendation]", reasons: bool) -> None:
    rows = [
        (str(place), one.item_id, marked(one.title, why.highlights, "title"), f"{one.score:.2f}", terms(one))
        for place, (one, why) in enumerate(zip(found, found.reasons, strict=True), 1)
    ]
    show(("", "item", "title", "score", "of which"), rows)
    if not rows:
        warn("nothing found")
    if reasons:
        for place, (one, why) in enumerate(zip(found, found.reasons, strict=True), 1):
            say(f"{place}  {one.title} ({one.item_id})")
            _show_reasons(why)


def _show_reasons(why: "Reasons") -> None:
    for told in why.told:
        say(f"   - {told}")
    others = dict.fromkeys(f"{one.text}: {one.by} of {one.of}" for one in why.highlights if one.by != "word")
    for told in list(others)[:MOST]:
        say(f"   - {told}")
    texts = [one for one in why.highlights if one.column == "text"]
    for start, end in _windows(texts):
        inside = [one for one in texts if start <= one.start and one.end <= end]
        out.print("   ...", marked(why.text, inside, "text", start, end), soft_wrap=True)


def _windows(matches: Sequence["Highlight"]) -> list[tuple[int, int]]:
    """Pieces of a text around its first matches, which do not overlap."""
    windows: list[tuple[int, int]] = []
    for one in matches:
        if not windows or one.start >= windows[-1][1]:
            windows.append((max(0, one.start - AROUND, windows[-1][1] if windows else 0), one.end + AROUND))
    return windows[:SNIPPETS]


def marked(text: str, highlights: Sequence["Highlight"], column: str, start: int = 0, end: int | None = None) -> Text:
    """A piece of a text with its matches in colour on a terminal and between asterisks elsewhere.

    What data brings is plain text: neither markup nor characters that steer a terminal.
    """
    made, at, end = Text(), start, len(text) if end is None else min(end, len(text))
    for one in highlights:
        if one.column == column:
            made.append(_flat(text[at : one.start]))
            word = _flat(text[one.start : one.end])
            made.append(word if out.is_terminal else f"*{word}*", STYLES[one.by] if out.is_terminal else "")
            at = one.end
    made.append(_flat(text[at:end]))
    return made


def _flat(text: str) -> str:
    """On one line."""
    return plain(text).replace("\n", " ")


def terms(one: "Recommendation") -> str:
    """What adds something to a score, the largest first, and every rule that touched it; its factors before, if any."""
    contributions = one.contributions
    shown = [(part, value) for part, value in contributions.items() if abs(value) >= 0.005 or part.startswith("rule:")]
    product = " \N{MULTIPLICATION SIGN} ".join(f"{name} {value:.2f}" for name, value in one.factors.items())
    told = ", ".join(f"{part} {value:+.2f}" for part, value in sorted(shown, key=lambda pair: -abs(pair[1])))
    return f"{product}: {told}" if product else told
