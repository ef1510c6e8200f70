"""Names that are nearly the same: probably one brand written twice."""

import re
from collections.abc import Iterator, Sequence

from rapidfuzz import fuzz

from graph.schema import fold

ALIKE = 90
"""Of 100, by the Indel similarity: 2 * letters in common / all letters. One letter of ten may differ."""
SHORTEST = 5
"""Letters; shorter names are one letter from many others (Nike, Mike)."""
WINDOW = 20
"""Names after a name, in order of the alphabet, that it is compared with."""

_FORMS = {
    "ag",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "gmbh",
    "inc",
    "incorporated",
    "limited",
    "llc",
    "ltd",
    "sa",
}
_FORMS |= {"plc", "spa", "the", "sarl", "oy", "ab"}
_CHINESE_FORMS = re.compile("(股份)?(有限)?公司$|集团$")


def lookalikes(names: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Places of two names and how alike they are, from 90 to 100, which is the same but for blanks, marks and forms
    of companies (Ltd, GmbH, 有限公司).

    Comparing all pairs of 50,000 names would take a billion comparisons. Two names that differ by a letter or two begin
    or end alike, so each is compared only with its neighbours in two sorted lists, of the names and of the names read
    backwards: the sorted-neighbourhood method (Hernández & Stolfo, SIGMOD 1995), two million comparisons. What differs
    at both ends, or stands among more than WINDOW names as close, is missed. Names with other digits in them are never
    taken for one another: a Studio 54 is no Studio 55.
    """
    bare = [_bare(name) for name in names]
    seen: set[tuple[int, int]] = set()
    for order in (
        sorted(range(len(bare)), key=lambda i: bare[i]),
        sorted(range(len(bare)), key=lambda i: bare[i][::-1]),
    ):
        for place, a in enumerate(order):
            for b in order[place + 1 : place + 1 + WINDOW]:
                pair = (a, b) if a < b else (b, a)
                if pair in seen:
                    continue
                alike = _alike(bare[a], bare[b])
                if alike:
                    seen.add(pair)
                    yield *pair, alike


def _alike(a: str, b: str) -> float:
    if a == b:
        return 100.0 if a else 0.0
    if min(len(a), len(b)) < SHORTEST:
        return 0.0
    alike = fuzz.ratio(a, b, score_cutoff=ALIKE)
    return alike if alike and re.findall(r"\d+", a) == re.findall(r"\d+", b) else 0.0


def _bare(name: str) -> str:
    """The letters and digits of a name, without the legal form of a company."""
    words = re.findall(r"\w+", fold(name).replace("_", " ").replace("'", "").replace("’", ""))
    kept = [word for word in words if word not in _FORMS] or words
    joined = "".join(kept)
    return _CHINESE_FORMS.sub("", joined) or joined
