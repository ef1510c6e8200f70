"""Queries set right: pinyin into characters, misspelt Latin words, and Chinese names with a wrong character.

A word that is in a name, in the catalogue or in the English dictionary is left alone.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

from engine.search.intent.model import Repair
from engine.search.intent.names import Names, latin_words
from engine.search.intent.quantities import UNITS
from engine.search.intent.segment import Segmenter
from engine.search.intent.sound import Edges, SoundIndex
from engine.search.intent.text import rewrite
from engine.search.models import english_words
from graph.link.fuzzy import Speller
from graph.link.normal import HAN, Normal, is_han

COMMON = 5
"""Items whose words have a word that a misspelling may be set right to although no node is called so."""
_WORD = re.compile(r"[a-z][a-z'-]*[a-z]")
_PARTICLES = frozenset("的了和与或是不要有没除非无别在给用从到")
_HAN_RUN = re.compile(f"[{HAN}]+")


class Repairer:
    """What is known of spelling in one catalogue; the parts are made when a query first needs them."""

    def __init__(self, names: Names, segmenter: Segmenter, counts: Counter[str]) -> None:
        """`counts` tells in how many items each word stands."""
        self._names, self._segmenter, self._counts = names, segmenter, counts
        self._known = set(latin_words(names.by_key))

    def repair(self, normal: Normal, typed: str) -> tuple[Normal, list[Repair]]:
        """The text set right, and what was changed."""
        repairs: list[Repair] = []
        for find, why in ((self._pinyin, "pinyin"), (self._misspelt, "spelling"), (self._homophones, "sound")):
            # From the end on, so that places before stay what they are.
            for start, end, meant in sorted(find(normal.text), reverse=True):
                first, last = normal.span(start, end)
                repairs.append(Repair(typed[first:last], meant, first, last, why))
                normal = rewrite(normal, start, end, meant)
        return normal, sorted(repairs, key=lambda repair: repair.start)

    def _odd(self, word: str) -> bool:
        """Whether a Latin word is none that anybody knows."""
        return not (word in self._known or word in UNITS or self._counts.get(word, 0) or word in english_words())

    def _pinyin(self, text: str) -> Iterator[tuple[int, int, str]]:
        runs: list[tuple[int, int]] = []
        for word in _WORD.finditer(text):
            if not self._odd(word[0]):
                continue
            if runs and text[runs[-1][1] : word.start()] == " ":
                runs[-1] = (runs[-1][0], word.end())
            else:
                runs.append((word.start(), word.end()))
        if runs:
            yield from self._sounds.pinyin(text, runs)

    def _misspelt(self, text: str) -> Iterator[tuple[int, int, str]]:
        if not any(self._odd(word[0]) for word in _WORD.finditer(text)):
            return
        for near in self._speller.find(text, ()):
            yield near.match.start, near.match.end, near.match.form

    def _homophones(self, text: str) -> Iterator[tuple[int, int, str]]:
        if not any(map(is_han, text)):
            return
        words: list[tuple[int, int]] = []
        for run in _HAN_RUN.finditer(text):
            at = run.start()
            for word in self._segmenter.words(run[0]):
                words.append((at, at + len(word)))
                at += len(word)
        names = self._names.by_key
        stray = tuple(b - a == 1 and text[a] not in names and text[a] not in _PARTICLES for a, b in words)
        if any(stray):
            long = {text[a:b] for a, b in words if b - a > 1}
            yield from self._sounds.homophones(
                text, lambda said: said in long or said in names, Edges(tuple(words), stray)
            )

    @cached_property
    def _sounds(self) -> SoundIndex:
        frequency = {form: max(self._names.degrees.get(name.node, 0) for name in several)
                     for form, several in self._names.by_key.items()}  # fmt: skip
        return SoundIndex(self._names.by_key, frequency)

    @cached_property
    def _speller(self) -> Speller:
        forms = [form for form in self._names.by_key if not any(map(is_han, form))]
        words = [word for word, count in self._counts.items() if count >= COMMON and word.isalpha() and word.isascii()]
        counts: dict[str, int] = dict(english_words())
        for word in _plain(self._counts):
            counts[word] = counts.get(word, 0) + self._counts[word]
        counts |= dict.fromkeys(UNITS, max(counts.values()))
        return Speller([*forms, *words], counts)


def _plain(words: Iterable[str]) -> Iterator[str]:
    return (word for word in words if word.isascii())
