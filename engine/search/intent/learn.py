"""What makers call a kind of thing, learned from titles: sneakers are Sport shoes, because all who say it make those.

A word or a pair of words is taken for a name of a category if nearly all items whose words have it are of that category,
if it is frequent there, and if several brands use it: else it is a model or a slogan.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import polars as pl

from engine.search.intent.segment import Segmenter
from graph.build import GraphTables
from graph.link.normal import is_han, key
from graph.schema import BELONGS_TO, MADE_BY

SURE, SHARE, ITEMS, MAKERS = 0.9, 0.1, 4, 3
"""Least share of a term's items that are of the category, share of the category's items that have it, items, brands."""
FIXED = 0.9
"""A word that stands before one and the same word so often is only part of a name."""
LONGEST_TITLE = 80
"""Characters of a line that may be a title: a description says more than what a thing is."""
_PIECE = re.compile(r"[^\W\d_][\w'-]*|\d+")


def nouns(
    graph: GraphTables, item_ids: Sequence[str], texts: Sequence[str], known: Segmenter
) -> list[tuple[str, str, float]]:
    """(term, node of the category, share of its items that are of it), for terms that are no name of the graph yet.

    `texts` has a line for each title of an item, as a catalogue's text begins.
    """
    of_item = _ends(graph, BELONGS_TO)
    makers = _ends(graph, MADE_BY)
    categories: dict[str, Counter[str]] = defaultdict(Counter)
    brands: dict[str, set[str]] = defaultdict(set)
    singles: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for item, text in zip(item_ids, texts, strict=True):
        category = of_item.get(f"item:{item}")
        if category is None:
            continue
        said = [words for line in _titles(text) for words in _runs(line, known)]
        for words in said:
            singles.update(words)
            pairs.update(zip(words, words[1:], strict=False))
        for term in {term for words in said for term in _terms(words)}:
            categories[term][category] += 1
            brands[term].add(makers.get(f"item:{item}", ""))
    first = {a for (a, _), count in pairs.items() if count >= FIXED * singles[a]}
    sizes = Counter(of_item.get(f"item:{item}") for item in item_ids)
    found = []
    for term, counts in categories.items():
        category, count = counts.most_common(1)[0]
        sure = count / counts.total()
        if sure < SURE or count < max(ITEMS, SHARE * sizes[category]) or len(brands[term]) < MAKERS:
            continue
        if term not in first and not known.names.get(term):
            found.append((term, category, sure))
    return found


def _ends(graph: GraphTables, relation: str) -> dict[str, str]:
    """Of each item, the one end of this relation."""
    return dict(graph.edges.filter(pl.col("relation") == relation).select("head", "tail").iter_rows())


def _titles(text: str) -> list[str]:
    """The first two lines, if they are short enough to be titles."""
    return [key(line) for line in text.split("\n")[:2] if len(line) <= LONGEST_TITLE]


def _runs(line: str, known: Segmenter) -> Iterator[list[str]]:
    """Runs of words that no name of the graph, number or mark interrupts."""
    at = 0
    for start, end in [*((found.start, found.end) for found in known.find(line)), (len(line), len(line))]:
        for part in re.split(r"[^\w\s'-]+|\d+", line[at:start]):
            words = [word for piece in _PIECE.findall(part) for word in known.words(piece)]
            if words:
                yield words
        at = end


def _terms(words: list[str]) -> Iterator[str]:
    """Words of two letters or more, and pairs of neighbours."""
    for at, word in enumerate(words):
        if len(word) > 1:
            yield word
        if at + 1 < len(words):
            glue = "" if is_han(word[-1]) and is_han(words[at + 1][0]) else " "
            yield word + glue + words[at + 1]
