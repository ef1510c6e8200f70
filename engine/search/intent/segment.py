"""Where names stand in a query: every place, cut by words, and of those the ones that together cover most."""

import copy
import logging
import re
import warnings
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ahocorasick

from engine.search.models import chinese_words
from graph.link.match import apart
from graph.link.normal import HAN, is_han

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its patterns have escapes that Python frowns upon
    import jieba
jieba.setLogLevel(logging.WARNING)

MOST_LATE = 2000
"""Names that may have come since; with more, all are put together anew."""
_HAN_RUN = re.compile(f"[{HAN}]+")
_SEEN = 1000
"""How often, at least, a name of the graph is taken to be met: with it 悬疑剧情 is 悬疑 and 剧情, not 悬疑剧 and 情."""
_COMPOUND = 4
"""Characters of a word that may be made of names: 皮靴, 男款."""
_FUSED = frozenset(
    {"红包", "白领", "黑客", "书包", "面包", "钱包", "木马", "白酒", "红酒", "绿茶", "红茶", "女王", "男神"}
)
"""Words that are made of names and mean something else."""
_JOINING = frozenset("和与跟及或的")
"""Words that jieba's dictionary has glued to some names: 和澳洲."""


@dataclass(frozen=True)
class Place:
    """A spelling in a normalised text, from `start` to before `end`."""

    form: str
    start: int
    end: int


class Segmenter:
    """Finds the spellings of names, and cuts Chinese into words with those names as its user dictionary."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = self._first = names
        self._automaton, self._since = _automaton(names), _automaton(())
        self._jieba = _dictionary()
        self._learn(names)

    def _learn(self, names: Iterable[str]) -> None:
        for form in names:
            # 美的, a brand, is left as rare as it is: it would be cut out of 完美的.
            if len(form) > 1 and all(map(is_han, form)) and not form.endswith("的"):
                self._jieba.add_word(form, max(_SEEN, self._jieba.FREQ.get(form, 0)))

    def changed(self, names: Mapping[str, Any]) -> "Segmenter":
        """The same for other names; those that came since it was made are few, and in an automaton of their own."""
        came = {form for form in names if form not in self._first}
        if len(came) > MOST_LATE:
            return Segmenter(names)
        made = copy.copy(self)
        made.names, made._since = names, _automaton(came)
        chinese = [form for form in names if form not in self.names and any(map(is_han, form))]
        if chinese:
            made._jieba = _copy(self._jieba)
            made._learn(chinese)
        return made

    def words(self, run: str) -> list[str]:
        """A run of one script as words; a Latin one is a word already."""
        return list(self._jieba.cut(run, HMM=False)) if is_han(run[0]) else [run]

    def is_word(self, text: str) -> bool:
        """Whether the Chinese dictionary, or the graph, has it."""
        return bool(self._jieba.FREQ.get(text))

    def find(self, text: str) -> list[Place]:
        """Spellings that do not overlap and cover most of a normalised text; of equal covers, the fewest."""
        return cover(self.everywhere(text), len(text))

    def everywhere(self, text: str) -> list[Place]:
        """Every spelling in a normalised text that cuts no word in two."""
        found = [pair for each in (self._automaton, self._since) if len(each) and text for pair in each.iter(text)]
        spans = [(last + 1 - size, last + 1) for last, size in found]
        spans = [(start, end) for start, end in spans if text[start:end] in self.names and apart(text, start, end)]
        if any(is_han(text[start]) or is_han(text[end - 1]) for start, end in spans):
            edges = self._edges(text)
            spans = [
                (start, end)
                for start, end in spans
                if all(at in edges for at, inner in ((start, start), (end, end - 1)) if is_han(text[inner]))
            ]
        return [Place(text[start:end], start, end) for start, end in spans]

    def _edges(self, text: str) -> set[int]:
        """Where in a text a Chinese word begins or ends; a word that is wholly made of names ends within too."""
        edges: set[int] = set()
        for run in _HAN_RUN.finditer(text):
            at = run.start()
            edges.add(at)
            for word in self._jieba.cut(run[0], HMM=False):
                edges.update(at + cut for cut in self._within(word))
                at += len(word)
                edges.add(at)
        return edges

    def _within(self, word: str) -> list[int]:
        """The places within a word where two names meet, or a name and another word of the dictionary."""
        if word in _FUSED or word in self.names:
            return []
        return [cut for cut in range(1, len(word)) if self._meet(word[:cut], word[cut:])]

    def _meet(self, first: str, rest: str) -> bool:
        if rest in self.names and (first in _JOINING or (first in self.names and len(first + rest) <= _COMPOUND)):
            return True
        return len(first) > 1 and len(rest) > 1 and self.is_word(first) and self.is_word(rest)


def cover(places: Sequence[Place], size: int) -> list[Place]:
    """Weighted interval scheduling: most characters, then fewest places, then the leftmost."""
    by_end: dict[int, list[Place]] = {}
    for place in places:
        by_end.setdefault(place.end, []).append(place)
    best: list[tuple[int, int, Place | None]] = [(0, 0, None)]
    for end in range(1, size + 1):
        score, fewer, _ = best[end - 1]
        chosen: tuple[int, int, Place | None] = (score, fewer, None)
        for place in by_end.get(end, ()):
            before = best[place.start]
            made = (before[0] + end - place.start, before[1] - 1, place)
            if made[:2] > chosen[:2]:
                chosen = made
        best.append(chosen)
    kept: list[Place] = []
    at = size
    while at > 0:
        last = best[at][2]
        if last is None:
            at -= 1
        else:
            kept.append(last)
            at = last.start
    return kept[::-1]


def _automaton(forms: Iterable[str]) -> Any:
    made = ahocorasick.Automaton()
    for form in forms:
        made.add_word(form, len(form))
    if len(made):
        made.make_automaton()
    return made


def _copy(dictionary: Any) -> Any:
    """One that may learn words without the first."""
    return _tokenizer(dictionary.FREQ.copy(), dictionary.total)


def _dictionary() -> Any:
    """A tokenizer of its own over jieba's dictionary, so that one graph's names are in no other's."""
    words, total = chinese_words()
    return _tokenizer(ChainMap({}, words), total)


def _tokenizer(words: ChainMap[str, int], total: int) -> Any:
    """Only the first map of `words` is written, and copied: the dictionary is there once, and has 500,000 entries."""
    own = jieba.Tokenizer()
    own.FREQ, own.total, own.initialized = words, total, True
    return own


def without(places: Iterable[Place], taken: Iterable[tuple[int, int]]) -> list[Place]:
    """The places that overlap none of the spans."""
    spans = list(taken)
    return [p for p in places if all(p.end <= start or p.start >= end for start, end in spans)]
