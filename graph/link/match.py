"""Where the forms of a graph stand in a text: Aho-Corasick, the leftmost of the longest, whole words only.

Aho and Corasick, Efficient string matching: an aid to bibliographic search (1975): all forms are found in one pass,
however many there are.
"""

import logging
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import ahocorasick

from graph.link.normal import HAN, Normal, is_han

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its patterns have escapes that Python frowns upon
    import jieba
jieba.setLogLevel(logging.WARNING)
_HAN_RUN = re.compile(f"[{HAN}]+")


@dataclass(frozen=True)
class Match:
    """A form in a text: normalised characters from `start` to before `end`."""

    form: str
    start: int
    end: int


class Matcher:
    """Finds forms in normalised texts."""

    def __init__(self, forms: Iterable[str], blocked: Iterable[str] = ()) -> None:
        """What is `blocked` is found as well, so that nothing within it is, and then left out."""
        self._blocked = frozenset(blocked)
        self._automaton = ahocorasick.Automaton()
        for form in (*forms, *self._blocked):
            self._automaton.add_word(form, len(form))
        if len(self._automaton):
            self._automaton.make_automaton()

    def find(self, normal: Normal) -> list[Match]:
        """Matches that do not overlap, in order; of those that begin at one place the longest, then the leftmost."""
        if not len(self._automaton) or not normal.text:
            return []
        text = normal.text
        spans = [(last + 1 - size, last + 1) for last, size in self._automaton.iter(text)]
        spans = [(start, end) for start, end in spans if apart(text, start, end) and normal.whole(start, end)]
        if any(is_han(text[start]) for start, _ in spans):
            words = _word_edges(text)
            spans = [(start, end) for start, end in spans if _fits(text, start, end, words)]
        spans.sort(key=lambda span: (span[0], -span[1]))
        kept: list[Match] = []
        reached = 0
        for start, end in spans:
            if start >= reached:
                kept.append(Match(text[start:end], start, end))
                reached = end
        return [match for match in kept if match.form not in self._blocked]


def apart(text: str, start: int, end: int) -> bool:
    """Whether no letter or digit of a script with spaces goes on before or after."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (_joined(before, text[start]) or _joined(text[end - 1], after))


def _joined(a: str, b: str) -> bool:
    """Whether two neighbouring characters are of one word; Chinese has no such words, and ends others."""
    return bool(a and b) and a.isalnum() and b.isalnum() and not is_han(a) and not is_han(b)


def _fits(text: str, start: int, end: int, edges: set[int]) -> bool:
    """Whether a form does not cut a Chinese word of the dictionary in two: 美的 stands in 美的电器, not in 完美的."""
    return all(at in edges for at, inner in ((start, start), (end, end - 1)) if is_han(text[inner]))


def _word_edges(text: str) -> set[int]:
    """The places where a Chinese word begins or ends."""
    return {run.start() + edge for run in _HAN_RUN.finditer(text) for edge in edges(run[0])}


@lru_cache(maxsize=1 << 16)
def edges(run: str) -> tuple[int, ...]:
    """Where in a run of Chinese characters words end; characters in no word are words of their own.

    A word made of two others of two characters or more ends within too: 法国电影.
    """
    edges, at = [0], 0
    for word in jieba.cut(run, HMM=False):
        edges += [at + cut for cut in range(2, len(word) - 1) if _is_word(word[:cut]) and _is_word(word[cut:])]
        at += len(word)
        edges.append(at)
    return tuple(edges)


def _is_word(text: str) -> bool:
    return bool(jieba.dt.FREQ.get(text))
