"""Did you mean: a query whose words the catalogue does not know, with the nearest words that it knows.

Only what no item has is changed. A strange Latin word may be two words (or two one), pinyin of a Chinese name, or a
word with typing errors: one from four letters, two from eight, as in `graph.link.fuzzy`. A strange Chinese one may be a
word of the same sound, or one with another character among three or more.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from bm25s.stopwords import STOPWORDS_EN
from rapidfuzz import process
from rapidfuzz.distance import OSA

from engine.search import pinyin
from engine.search.completions import words
from graph.link.normal import is_han, key
from graph.schema import fold

LONGEST = 500
"""Characters of a query in which words are looked for."""
SHORTEST, TWO_EDITS = 4, 8
"""Letters from which on one and two errors are allowed."""
SHORTEST_HAN, LONGEST_HAN = 3, 8
"""Characters of a Chinese word of which one may be another; and of the longest word looked at."""
SHORTEST_PART = 3
"""Letters of each half of a word that is taken apart."""
_RUN = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]+")


@dataclass(frozen=True)
class Correction:
    """A query as it may have been meant."""

    query: str
    changes: tuple[tuple[str, str], ...]
    """What was written, and what stands there now."""


class _Change(NamedTuple):
    start: int
    end: int
    meant: str


class Speller:
    """Words of a catalogue, ready to be compared with."""

    def __init__(self, frequencies: Mapping[str, int], names: Callable[[], Iterable[str]]) -> None:
        """`frequencies` says how many items have a term (a Latin word or a pair of Chinese characters).

        `names` are looked for Chinese words when a strange word first needs them.
        """
        self._items, self._names = frequencies, names

    @cached_property
    def _by_size(self) -> dict[int, list[str]]:
        """Latin words by their length."""
        found: dict[int, list[str]] = {}
        for word in sorted(self._items):
            if word.isascii() and word.isalpha():
                found.setdefault(len(word), []).append(word)
        return found

    @cached_property
    def _chinese(self) -> list[str]:
        """Chinese words, those of the most items first."""
        return sorted(_chinese_of(self._names()), key=lambda word: (-self._rarest(word), word))

    @cached_property
    def _by_sound(self) -> dict[str, str]:
        """The best word of each sound."""
        return {pinyin.sound(word): word for word in reversed(self._chinese)}

    @cached_property
    def _by_hole(self) -> dict[str, str]:
        """The best word for each pattern of it with one character open."""
        long = [word for word in reversed(self._chinese) if len(word) >= SHORTEST_HAN]
        return {hole: word for word in long for hole in _holes(word)}

    def correct(self, query: str) -> Correction | None:
        """None where every word is known, where nothing is near, and for a query of more than LONGEST characters."""
        if len(query) > LONGEST:
            return None
        text = fold(query)
        changes = list(self._changes(text, [run.span() for run in _RUN.finditer(text)]))
        if not changes:
            return None
        meant, done = [], 0
        for change in changes:
            meant += [text[done : change.start], change.meant]
            done = change.end
        told = tuple((text[change.start : change.end], change.meant) for change in changes)
        return Correction("".join([*meant, text[done:]]), told)

    def _changes(self, text: str, runs: list[tuple[int, int]]) -> Iterator[_Change]:
        """Changes from left to right that do not overlap."""
        place = 0
        while place < len(runs):
            start, end = runs[place]
            word = text[start:end]
            place += 1
            if is_han(word[0]):
                yield from self._han(word, start)
                continue
            following = runs[place] if place < len(runs) else None
            if following and self._joined(text, word, following):
                place += 1
                yield _Change(start, following[1], word + text[slice(*following)])
            elif self._strange(word) and (meant := self._latin(word)):
                yield _Change(start, end, meant)

    def _strange(self, word: str) -> bool:
        return word not in self._items and word not in STOPWORDS_EN and any(map(str.isalpha, word))

    def _joined(self, text: str, word: str, following: tuple[int, int]) -> bool:
        """Whether a word and the next one, of which one is strange, are one that is known."""
        other = text[slice(*following)]
        both = word + other
        return both in self._items and both.isalpha() and (self._strange(word) or self._strange(other))

    def _latin(self, word: str) -> str | None:
        """What a strange word may be; exact readings before errors."""
        if not word.isalpha() or len(word) < SHORTEST:
            return None
        return self._by_sound.get(word) or self._near(word) or self._apart(word)

    def _near(self, word: str) -> str | None:
        """The known word with the fewest errors, and of those the one of most items."""
        allowed = 1 if len(word) < TWO_EDITS else 2
        sizes = range(len(word) - allowed, len(word) + allowed + 1)
        choices = [near for size in sizes for near in self._by_size.get(size, ())]
        hits = process.extract(word, choices, scorer=OSA.distance, score_cutoff=allowed, limit=None)
        # Who errs seldom errs in the first letter; where it is another, one error must do.
        near = [(edits, -self._items[other], other) for other, edits, _ in hits if other[0] == word[0] or edits == 1]
        return min(near)[2] if near else None

    def _apart(self, word: str) -> str | None:
        """Two known words written as one; of several the pair whose rarer word has the most items."""
        parts = [(word[:at], word[at:]) for at in range(SHORTEST_PART, len(word) - SHORTEST_PART + 1)]
        known = [pair for pair in parts if pair[0] in self._items and pair[1] in self._items]
        return " ".join(max(known, key=lambda pair: min(map(self._items.__getitem__, pair)))) if known else None

    def _han(self, run: str, offset: int) -> Iterator[_Change]:
        """Windows of a Chinese run with a pair of characters that no item has, the longest first."""
        strange = [pair not in self._items for pair in _pairs(run)]
        start = 0
        while start < len(run) - 1:
            change = self._window(run, start, strange)
            if change is None:
                start += 1
                continue
            yield _Change(offset + change.start, offset + change.end, change.meant)
            start = change.end

    def _window(self, run: str, start: int, strange: list[bool]) -> _Change | None:
        for end in range(min(len(run), start + LONGEST_HAN), start + 1, -1):
            said = run[start:end]
            if any(strange[start : end - 1]):
                holes = _holes(said) if len(said) >= SHORTEST_HAN else []
                near = (self._by_hole[hole] for hole in holes if hole in self._by_hole)
                meant = self._by_sound.get(pinyin.sound(said)) or next(near, None)
                if meant and meant != said:
                    return _Change(start, end, meant)
        return None

    def _rarest(self, word: str) -> int:
        return min((self._items.get(pair, 0) for pair in _pairs(word)), default=0)


def _chinese_of(names: Iterable[str]) -> set[str]:
    """The Chinese runs of names, and their words, of two characters or more."""
    found: set[str] = set()
    for name in names:
        text = key(name)
        found.update(run[0] for run in _RUN.finditer(text) if is_han(run[0][0]))
        found.update(word for _, word in words(text) if is_han(word[0]))
    return {word for word in found if 2 <= len(word) <= LONGEST_HAN}


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


def _holes(word: str) -> list[str]:
    return [f"{word[:at]}*{word[at + 1 :]}" for at in range(len(word))]
