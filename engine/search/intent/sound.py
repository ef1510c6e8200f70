"""Chinese by its sound: names typed in pinyin, and names with a character that sounds like the right one.

Typing errors in Chinese are mostly homophones, since it is typed by sound. Tones do not count, nor do the pairs of
sounds that many speakers do not tell apart (zh z, ch c, sh s, ng n, lü lu).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from engine.search.pinyin import syllables
from graph.link.normal import HAN, is_han

LONGEST = 8
"""Characters of a name that is looked for by its sound."""
_HAN_RUN = re.compile(f"[{HAN}]+")
_LATIN = re.compile(r"[a-z]{2,}")
_FUZZY = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"), ("v", "u"), ("ü", "u"))
COMMON = (
    "以下", "以上", "以内", "左右", "不要", "便宜", "电影", "推荐", "类似", "配件",
    "多少钱", "哪个好", "除了", "没有", "适合", "之间",
)  # fmt: skip
"""Words of queries that are no names, for whoever types all in pinyin."""
SHORTEST = 4
"""Letters of pinyin that may be a name: `pan` and `men` are rather something else."""


class Sounds(NamedTuple):
    """One place that sounds like a name: what is there, from `start` to before `end`, and what was meant."""

    start: int
    end: int
    meant: str


class SoundIndex:
    """Names by their sound."""

    def __init__(self, forms: Iterable[str], frequency: dict[str, int]) -> None:
        """`frequency` says which of two that sound alike is commoner."""
        self._spelt: dict[str, str] = {}
        self._heard: dict[tuple[str, ...], list[str]] = {}
        names = [form for form in forms if 2 <= len(form) <= LONGEST and all(map(is_han, form)) and form[-1] != "的"]
        for form in sorted([*names, *COMMON], key=lambda form: (-frequency.get(form, 0), form)):
            spelt = syllables(form)
            self._spelt.setdefault("".join(spelt), form)
            if form in names:
                self._heard.setdefault(tuple(map(_fuzzy, spelt)), []).append(form)
        self._longest = max(map(len, self._spelt))

    def pinyin(self, text: str, odd: Iterable[tuple[int, int]]) -> Iterator[Sounds]:
        """Names written in pinyin, in runs of odd Latin words: each run wholly, or else its words that are names."""
        for start, end in odd:
            joined = text[start:end].replace(" ", "")
            meant = self._decompose(joined) if len(joined) >= SHORTEST else None
            if meant is not None:
                yield Sounds(start, end, " ".join(meant))
                continue
            for word in _LATIN.finditer(text, start, end):
                made = self._decompose(word[0]) if len(word[0]) >= SHORTEST else None
                if made is not None:
                    yield Sounds(word.start(), word.end(), " ".join(made))

    def _decompose(self, letters: str) -> list[str] | None:
        """The names that letters are the pinyin of, the fewest; None where some letter is left over."""
        best: list[list[str] | None] = [[]]
        for end in range(1, len(letters) + 1):
            ways = []
            for start in range(max(0, end - self._longest), end):
                before, form = best[start], self._spelt.get(letters[start:end])
                if before is not None and form is not None:
                    ways.append([*before, form])
            best.append(min(ways, key=len) if ways else None)
        return best[-1]

    def homophones(self, text: str, is_word: Callable[[str], bool], edges: "Edges") -> Iterator[Sounds]:
        """Windows of Chinese that are no word, sound like a name and share a character with it; the longest first."""
        for run in _HAN_RUN.finditer(text):
            heard = [_fuzzy(one) for one in syllables(run[0])]
            if len(heard) != len(run[0]):
                continue  # a character that pypinyin does not know
            taken: list[tuple[int, int]] = []
            for size in range(min(LONGEST, len(run[0])), 1, -1):
                for at in range(len(run[0]) - size + 1):
                    said = run[0][at : at + size]
                    start = run.start() + at
                    if any(start < b and a < start + size for a, b in taken) or is_word(said):
                        continue
                    meant = self._meant(said, tuple(heard[at : at + size]))
                    if meant is not None and edges.odd(start, start + size):
                        taken.append((start, start + size))
                        yield Sounds(start, start + size, meant)

    def _meant(self, said: str, heard: tuple[str, ...]) -> str | None:
        """The name that sounds so and differs least, in half of the characters at most; None if it is said already."""
        choices = self._heard.get(heard, [])
        if said in choices:
            return None
        apart = [(sum(a != b for a, b in zip(said, form, strict=True)), form) for form in choices]
        near = [pair for pair in apart if 2 * pair[0] <= len(said)]
        return min(near, key=lambda pair: pair[0])[1] if near else None


class Edges(NamedTuple):
    """Where the words of a text begin and end."""

    words: tuple[tuple[int, int], ...]
    stray: tuple[bool, ...]
    """Of each word, whether it is a single character that is no name and no particle"""

    def odd(self, start: int, end: int) -> bool:
        """Whether a window cuts no word in two, and holds a stray character."""
        inside = [(a, b, stray) for (a, b), stray in zip(self.words, self.stray, strict=True) if a < end and b > start]
        return all(start <= a and b <= end for a, b, _ in inside) and any(stray for _, _, stray in inside)


def _fuzzy(syllable: str) -> str:
    for written, heard in _FUZZY:
        syllable = syllable.replace(written, heard)
    return syllable
