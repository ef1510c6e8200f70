"""Autocomplete: what a query that has just begun may become, in English, Chinese and pinyin.

A completion scores what its match is worth times 1 + ln(1 + interactions + items behind it): popular first, and a name
that begins so before one in which a later word does. What needs a typing error to fit comes after all that fits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.search import pinyin
from engine.search.completions import Completions, words
from engine.search.prefixes import Prefixes
from graph.link.normal import key

LONGEST = 64
"""Characters of a prefix that are looked at."""
SHORTEST_ERROR = 4
"""Letters from which on one may be wrong."""
WORTH = {"start": 1.0, "word": 0.6, "sound": 0.8, "sound of a word": 0.5, "initials": 0.5}
"""What a match is worth: at the beginning of a name or of a later word of it; by pinyin, whole or first letters."""
WHOLE = 2.0
"""How many times more the name is worth that is written to its end."""
ERROR = "typo"

Span = tuple[int, int]


@dataclass(frozen=True)
class Suggestion:
    """One completion."""

    text: str
    """The query that it makes, in the language it was found in."""
    kind: str
    """brand, category, colour and so on, item for a title, word for a word of titles."""
    id: str | None
    """Its node in the graph, such as brand:nike or item:p0001, if it is one thing."""
    items: int
    """How many items are behind it."""
    interactions: int
    """How many events these items have."""
    match: str
    """How it fits: a key of WORTH, or typo."""
    score: float


class Keys(NamedTuple):
    """Sorted keys with the name that each leads to, and how it leads there."""

    prefixes: Prefixes
    names: NDArray[np.int64]
    matches: NDArray[np.int8]
    worth: NDArray[np.float64]


class _Found(NamedTuple):
    """A thing found: its score, the name it was found by, and how."""

    score: float
    name: int
    match: str


_MATCHES = tuple(WORTH)


@dataclass(frozen=True)
class Completer:
    """The indices of all completions: one of names, one of how Chinese names sound. Nothing in it is ever written."""

    of: Completions
    written: Keys
    spoken: Keys


def completer(completions: Completions) -> Completer:
    written: list[tuple[str, int, int]] = []
    spoken: list[tuple[str, int, int]] = []
    for name, text in enumerate(completions.keys):
        starts = sorted({0, *(at for at, _ in words(text))})
        written += [(text[at : at + LONGEST], name, _match("start" if at == 0 else "word")) for at in starts]
        if pinyin.has_han(text):
            kinds = (("sound" if at == 0 else "sound of a word", at) for at in starts)
            spoken += [(pinyin.sound(text[at:])[:LONGEST], name, _match(kind)) for kind, at in kinds]
            spoken.append((pinyin.initials(text)[:LONGEST], name, _match("initials")))
    return Completer(completions, _sorted(written), _sorted(spoken))


@dataclass(frozen=True)
class Suggester:
    """Completions in the order of what people choose now."""

    completer: Completer
    interactions: NDArray[np.int64]
    """(things,) events of the items behind each."""
    popular: NDArray[np.float64]
    """(things,) what a match is multiplied by."""

    def suggest(self, prefix: str, n: int) -> list[Suggestion]:
        """The best `n`; none for a prefix without a letter or digit. Raises DataError for `n` below 1."""
        if n < 1:
            raise DataError(f"n must be at least 1, not {n}")
        asked = key(prefix[: 4 * LONGEST])[:LONGEST]
        if not any(map(str.isalnum, asked)):
            return []
        heard = pinyin.sound(asked)[:LONGEST]
        found = self._ranked([(self.completer.written, asked, 1.0), (self.completer.spoken, heard, 1.0)], n)
        if len(found) < n and len(asked) >= SHORTEST_ERROR:
            for thing, one in self._misspelt(asked, heard, n).items():
                found.setdefault(thing, one)
        return [self._told(thing, one) for thing, one in list(found.items())[:n]]

    def _ranked(self, asked: Iterable[tuple[Keys, str, float]], n: int) -> dict[int, _Found]:
        spans = []
        for keys, text, factor in asked:
            low, high = keys.prefixes.span(text)
            whole = min(keys.prefixes.equal(text), high)
            spans += [(keys, (low, whole), factor * WHOLE), (keys, (whole, high), factor)]
        return self._best(spans, n)

    def _misspelt(self, asked: str, heard: str, n: int) -> dict[int, _Found]:
        written, spoken = self.completer.written, self.completer.spoken
        spans = [(written, span, 1.0) for span in written.prefixes.near(asked)]
        spans += [(spoken, span, 1.0) for span in spoken.prefixes.near(heard)]
        found = self._best(spans, 2 * n)
        return {thing: one._replace(match=ERROR) for thing, one in found.items()}

    def _best(self, spans: Iterable[tuple[Keys, Span, float]], n: int) -> dict[int, _Found]:
        """The best things of some spans of keys, each by its best name, best first."""
        best: dict[int, _Found] = {}
        things = self.completer.of.things
        for keys, (low, high), factor in spans:
            scores = keys.worth[low:high] * self.popular[things[keys.names[low:high]]] * factor
            for at in _top(scores, things[keys.names[low:high]], n):
                name = int(keys.names[low + at])
                one = _Found(float(scores[at]), name, _MATCHES[keys.matches[low + at]])
                thing = int(things[name])
                if thing not in best or self._order(one) < self._order(best[thing]):
                    best[thing] = one
        ordered = sorted(best.items(), key=lambda pair: (*self._order(pair[1]), pair[0]))
        return dict(ordered[:n])

    def _order(self, one: _Found) -> tuple[float, int, str]:
        text = self.completer.of.keys[one.name]
        return -one.score, len(text), text

    def _told(self, thing: int, one: _Found) -> Suggestion:
        of = self.completer.of
        counts = int(of.sizes[thing]), int(self.interactions[thing])
        return Suggestion(of.names[one.name], of.kinds[thing], of.ids[thing], *counts, one.match, one.score)


def suggester(completer: Completer, chosen: NDArray[np.int64]) -> Suggester:
    """By how many events each item has, (items,)."""
    interactions = np.asarray(completer.of.members @ chosen, np.int64)
    popular = 1 + np.log1p(interactions + completer.of.sizes)
    return Suggester(completer, interactions, popular)


def _match(name: str) -> int:
    return _MATCHES.index(name)


def _sorted(entries: list[tuple[str, int, int]]) -> Keys:
    entries.sort()
    names = np.array([name for _, name, _ in entries], np.int64)
    return keys_of([text for text, *_ in entries], names, np.array([match for *_, match in entries], np.int8))


def keys_of(texts: Sequence[str], names: NDArray[np.int64], matches: NDArray[np.int8]) -> Keys:
    """Keys of sorted texts, and of each the name that it leads to and how, as a number in the order of WORTH."""
    return Keys(Prefixes(texts), names, matches, np.array(list(WORTH.values()))[matches])


def _top(scores: NDArray[np.float64], things: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Places of the best scores, the first of equal ones, enough for `n` different things where there are as many."""
    take = 4 * n
    while take < len(scores):
        least = -np.partition(-scores, take)[take]
        above, equal = np.flatnonzero(scores > least), np.flatnonzero(scores == least)
        best = np.concatenate([above, equal[: take - len(above)]])
        if len(np.unique(things[best])) >= n:
            return best
        take *= 4
    return np.arange(len(scores))
