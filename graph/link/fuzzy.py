"""Names that are nearly written: an unknown word one or two edits away from a form."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from graph.link.match import Match
from graph.link.normal import HAN, is_han

SHORTEST, TWO_EDITS = 5, 8
"""Letters of a Latin form that may be misspelt, and of a word that may be two edits away."""
SHORTEST_HAN, LONGEST_HAN = 3, 8
"""Chinese characters of forms of which one may be another."""
MOST_WORDS = 3
_WORD = re.compile(rf"[{HAN}]+|(?:(?![{HAN}])[^\W_])+(?:[-'](?:(?![{HAN}])[^\W_])+)*")
COMMON = 2
"""A word met more often than this in all texts is taken for what it is, unless what was meant is far more frequent."""
RARE = 0.02
"""Share of a word's own occurrences that a misspelling of it may have."""


class Near(NamedTuple):
    """A form that a span may have been meant to be."""

    match: Match
    """`form` is the form meant, not what is written."""
    edits: int
    similarity: float


class Speller:
    """Finds forms near to what is written, by the distance of optimal string alignment (a swap is one edit)."""

    def __init__(self, forms: Iterable[str], counts: Mapping[str, int]) -> None:
        """`counts` tells how often each word occurs in the texts."""
        self._counts = counts
        self._forms = frozenset(forms)
        self._words = {word for form in self._forms for word in form.split()}
        self._by_size: dict[int, list[str]] = {}
        for word in sorted(self._words):
            self._by_size.setdefault(len(word), []).append(word)
        self._han: dict[str, list[str]] = {}
        for form in sorted(self._forms):
            if SHORTEST_HAN <= len(form) <= LONGEST_HAN and all(map(is_han, form)):
                for hole in _holes(form):
                    self._han.setdefault(hole, []).append(form)
        self._seen: dict[str, list[tuple[str, int]]] = {}

    def find(self, text: str, taken: Sequence[Match]) -> list[Near]:
        """What is nearly a form in the gaps of a normalised text that no match has taken; they do not overlap."""
        found: list[Near] = []
        start = 0
        for match in [*taken, Match("", len(text), len(text))]:
            found += self._gap(text, start, match.start)
            start = match.end
        found.sort(key=lambda near: (-near.similarity, near.match.start, -len(near.match.form)))
        kept: list[Near] = []
        for near in found:
            if all(near.match.end <= other.match.start or near.match.start >= other.match.end for other in kept):
                kept.append(near)
        return sorted(kept, key=lambda near: near.match.start)

    def _gap(self, text: str, start: int, end: int) -> list[Near]:
        words = [(word.start(), word.end()) for word in _WORD.finditer(text, start, end)]
        found = []
        for place, (a, b) in enumerate(words):
            if is_han(text[a]):
                found += self._han_windows(text, a, b)
            elif self._strange(text[a:b]):
                found += self._latin(text, words, place)
        return found

    def _strange(self, word: str) -> bool:
        """Whether a word is neither part of a form nor, as far as the texts tell, a word at all."""
        return len(word) >= SHORTEST - 1 and word not in self._words and any(map(str.isalpha, word))

    def _latin(self, text: str, words: list[tuple[int, int]], place: int) -> list[Near]:
        """Forms that the strange word at `place`, set right, makes alone or with the words beside it."""
        a, b = words[place]
        found = []
        for meant, edits in self._near(text[a:b]):
            for first in range(max(0, place - MOST_WORDS + 1), place + 1):
                for last in range(place, min(len(words), first + MOST_WORDS)):
                    start, end = words[first][0], words[last][1]
                    form = text[start:a] + meant + text[b:end]
                    if len(form) >= SHORTEST and form in self._forms:
                        found.append(Near(Match(form, start, end), edits, 1 - edits / len(form)))
        return found

    def _near(self, word: str) -> list[tuple[str, int]]:
        """Words of forms near to a strange one, and how many edits away."""
        if word not in self._seen:
            allowed = 1 if len(word) < TWO_EDITS else 2
            choices = [
                near for size in range(-allowed, allowed + 1) for near in self._by_size.get(len(word) + size, ())
            ]
            hits = process.extract(word, choices, scorer=OSA.distance, score_cutoff=allowed, limit=None)
            # Who errs seldom errs in the first letter; where it is another, one edit must do.
            self._seen[word] = [
                (near, int(edits))
                for near, edits, _ in hits
                if (near[0] == word[0] or edits == 1) and self._rare(word, near)
            ]
        return self._seen[word]

    def _rare(self, word: str, meant: str) -> bool:
        """Whether a word is so rare beside the one that was meant that it may be an error."""
        return self._counts.get(word, 0) <= max(COMMON, RARE * self._counts.get(meant, 0))

    def _han_windows(self, text: str, start: int, end: int) -> list[Near]:
        """Windows of a Chinese run in which one character is another than in a form."""
        if not self._han:
            return []
        found = []
        for a in range(start, end):
            for size in range(SHORTEST_HAN, min(LONGEST_HAN, end - a) + 1):
                said = text[a : a + size]
                for hole in _holes(said):
                    found += [
                        Near(Match(form, a, a + size), 1, 1 - 1 / size)
                        for form in self._han.get(hole, ())
                        if form != said
                    ]
        return found


def count_words(texts: Iterable[str]) -> Counter[str]:
    """How often each word stands in normalised texts."""
    return Counter(word for text in texts for word in _WORD.findall(text))


def _holes(form: str) -> list[str]:
    return [f"{form[:at]}*{form[at + 1 :]}" for at in range(len(form))]
