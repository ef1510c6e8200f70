"""What makers call a kind of thing, learned from titles: sneakers are Sport shoes, because all who say it make those.

A word or a pair of words is taken for a name of a category if nearly all items whose titles have it are of that
category, if it is frequent there, and if several brands use it: else it is a model or a slogan.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import polars as pl
from bm25s.stopwords import STOPWORDS_EN

from engine.search.intent.segment import Segmenter
from graph.build import GraphTables
from graph.link.normal import is_han, key
from graph.schema import BELONGS_TO, CATEGORY, MADE_BY

SURE, SHARE, ITEMS, MAKERS = 0.9, 0.1, 4, 3
"""Least share of a term's items that are of the category, share of the category's items that have it, items, brands."""
FIXED = 0.9
"""A word that stands so often beside one and the same word is only part of a name: power in power bank, and bank."""
LONGEST_TITLE = 80
"""Characters of a line that may be a title: a description says more than what a thing is."""
_PIECE = re.compile(r"[^\W\d_][^\W\d]*(?:['-][^\W\d]+)*|[^\w\s]|\d+")


def nouns(
    graph: GraphTables, item_ids: Sequence[str], texts: Sequence[str], known: Segmenter, labels: Mapping[str, str]
) -> list[tuple[str, str, float]]:
    """(term, node of the category, share of its items that are of it), for terms that are no name of the graph yet.

    `known` finds the graph's own names, whose labels `labels` tells by spelling; `texts` begin with a line for each
    title of an item, as those of a catalogue do.
    """
    of_item, makers = _ends(graph, BELONGS_TO), _ends(graph, MADE_BY)
    categories: dict[str, Counter[str]] = defaultdict(Counter)
    brands: dict[str, set[str]] = defaultdict(set)
    singles: Counter[str] = Counter()
    followed: Counter[tuple[str, str]] = Counter()
    for item, text in zip(item_ids, texts, strict=True):
        category = of_item.get(f"item:{item}")
        if category is None:
            continue
        said = [words for line in _titles(text) for words in _runs(line, known)]
        for words in said:
            singles.update(words)
            followed.update(pairwise(words))
        for term in {term for words in said for term in _terms(words, labels)}:
            categories[term][category] += 1
            brands[term].add(makers.get(f"item:{item}", ""))
    parts = {a for (a, _), count in followed.items() if count >= FIXED * singles[a]}
    parts |= {b for (a, b), count in followed.items() if count >= FIXED * singles[b] and a not in labels}
    sizes = Counter(of_item.get(f"item:{item}") for item in item_ids)
    found = []
    for term, counts in categories.items():
        category, count = counts.most_common(1)[0]
        sure = count / counts.total()
        enough = count >= max(ITEMS, SHARE * sizes[category]) and len(brands[term]) >= MAKERS
        if sure >= SURE and enough and term not in parts and term not in labels:
            found.append((term, category, sure))
    return found


def _ends(graph: GraphTables, relation: str) -> dict[str, str]:
    """Of each item, the one end of this relation."""
    return dict(graph.edges.filter(pl.col("relation") == relation).select("head", "tail").iter_rows())


def _titles(text: str) -> list[str]:
    """The first two lines, if they are short enough to be titles."""
    return [key(line) for line in text.split("\n")[:2] if len(line) <= LONGEST_TITLE]


def _runs(line: str, known: Segmenter) -> Iterator[list[str]]:
    """Runs of words, names among them whole, that no number or mark interrupts."""
    run: list[str] = []
    at = 0
    for start, end, form in [*((one.start, one.end, one.form) for one in known.find(line)), (len(line), len(line), "")]:
        for piece in _PIECE.findall(line[at:start]):
            if piece[0].isalpha():
                run += known.words(piece)
            elif run:
                yield run
                run = []
        run += [form] if form else []
        at = end
    if run:
        yield run


def _terms(words: list[str], labels: Mapping[str, str]) -> Iterator[str]:
    """Words of two letters or more, and pairs of neighbours; of names only categories may be in a pair, as the last."""
    for at, word in enumerate(words):
        if word in labels or word in STOPWORDS_EN:
            continue
        if len(word) > 1:
            yield word
        if (
            at + 1 < len(words)
            and words[at + 1] not in STOPWORDS_EN
            and labels.get(words[at + 1], CATEGORY) == CATEGORY
        ):
            yield word + ("" if is_han(word[-1]) and is_han(words[at + 1][0]) else " ") + words[at + 1]
