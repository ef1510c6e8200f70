"""How a name stands in its text: its case, its neighbours, and what is said on either side."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from graph.link.match import Match
from graph.link.normal import Normal

WINDOW = 120
"""Characters of the text on either side that a name is seen in."""
NEAR = 30
"""Normalised characters on either side that are searched for a turn of phrase."""
_ENDS = ".!?\n"
_OPENING, _CLOSING = "\"“'‘《「『", "\"”'’》」』,."


@dataclass(frozen=True)
class Surroundings:
    """How a span stands in its text."""

    surface: str
    before: str
    """Normalised text before, and after."""
    after: str
    neighbour: bool
    """A capitalised word is beside it, which does not begin the sentence."""
    capital: bool
    """It begins with a capital and the sentence does not begin with it."""
    quoted: bool
    shouted: bool
    """The text is all in one case, so that capitals say nothing."""
    ordinary: float
    """Share of small letters among the places where the form stands in all texts."""


def surroundings(text: str, normal: Normal, match: Match, ordinary: float) -> Surroundings:
    """How a match stands in its text."""
    start, end = normal.span(match.start, match.end)
    before, after = text[:start].rstrip(" "), text[end:]
    return Surroundings(
        surface=text[start:end],
        before=normal.text[max(0, match.start - NEAR) : match.start],
        after=normal.text[match.end : match.end + NEAR],
        neighbour=_named_before(before) or _named_after(after),
        capital=text[start].isupper() and not _begins(before),
        quoted=before[-1:] in tuple(_OPENING) and after[:1] in tuple(_CLOSING),
        shouted=text.isupper() or text.islower(),
        ordinary=ordinary,
    )


def window(text: str, start: int, end: int) -> str:
    """The text around a name without the name: what it says of the thing, not how the thing is called."""
    surface = text[start:end]
    around = text[max(0, start - WINDOW) : start] + " " + text[end : end + WINDOW]
    return " ".join(around.replace(surface, " ").split())


def ordinary_shares(places: Iterable[tuple[str, str, int, int]]) -> dict[str, float]:
    """Of each form, the share of small letters among the places where it stands, sentence beginnings aside.

    `places` are form, text, start and end of every match. Heat in a catalogue of films is mostly heat.
    """
    small: Counter[str] = Counter()
    large: Counter[str] = Counter()
    for form, text, start, end in places:
        if text[start:end].islower():
            small[form] += 1
        elif not _begins(text[:start]):
            large[form] += 1
    return {form: count / (count + large[form] + 1) for form, count in small.items()}


def _begins(before: str) -> bool:
    """Whether a sentence begins after this text."""
    return before.rstrip(" \"“'‘(")[-1:] in ("", *_ENDS)


def _named_before(before: str) -> bool:
    words = before.split()
    if not words or not words[-1][:1].isupper() or not words[-1].isalpha():
        return False
    return not _begins(before[: -len(words[-1])])


def _named_after(after: str) -> bool:
    rest = after.removeprefix("'s").removeprefix("’s")
    return rest[:1] == " " and rest[1:2].isupper()
