"""BM25 over what items say and over what the graph calls them, in Latin words and pairs of Chinese characters."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from bm25s.stopwords import STOPWORDS_EN
from numpy.typing import NDArray
from scipy import sparse

from engine.describe import tokens
from graph.build import GraphTables
from graph.facts import Facts
from graph.schema import ALIAS, ITEM, fold

K1, B = 1.5, 0.75

Rows = NDArray[np.int64]
Postings = Mapping[str, Mapping[int, int]]
"""By term and row, how often it occurs there."""


class Lexical:
    """One BM25 index (Robertson and Zaragoza 2009), in the variant of Lucene with k1 1.5 and b .75.

    Spellings that fold alike are one, so that full-width letters and capitals do not matter. Nothing in it is ever
    written. Scores are worked out from counts when they are asked for, so that an index that has changed gives what one
    made anew would give: how rare a term is and how long items are on average moves with every item.
    """

    def __init__(self, items: Iterable[Sequence[str]], removed: NDArray[np.bool_] | None = None) -> None:
        """`items` are the terms of each item, a term as often as it occurs; `removed` rows, (items,), are no items."""
        self._numbers: dict[str, int] = {}
        documents = [[self._numbers.setdefault(term, len(self._numbers)) for term in item] for item in items]
        self.lengths = np.array([len(document) for document in documents], np.float64)
        """(items,) how many terms each has."""
        rows = np.repeat(np.arange(len(documents), dtype=np.int32), self.lengths.astype(np.int64))
        terms_of = np.array([number for document in documents for number in document], np.int32)
        shape = (len(self._numbers), len(documents))
        # Cells of the same place are added up.
        self.counts = sparse.csr_array((np.ones(len(rows), np.float32), (terms_of, rows)), shape=shape)
        """(terms, items) how often each term occurs."""
        self._unchanged(removed)

    @classmethod
    def of(
        cls,
        terms: Sequence[str],
        counts: "sparse.csr_array[np.float32]",
        lengths: NDArray[np.float64],
        removed: NDArray[np.bool_] | None,
    ) -> "Lexical":
        """The index that has these `terms`, `counts` and `lengths`."""
        made = object.__new__(cls)
        made._numbers = {term: number for number, term in enumerate(terms)}
        made.counts, made.lengths = counts, lengths
        made._unchanged(removed)
        return made

    def _unchanged(self, removed: NDArray[np.bool_] | None) -> None:
        self._removed = np.zeros(len(self.lengths), bool) if removed is None else removed
        self._stale = np.zeros(len(self.lengths), bool)
        self._late: Postings = {}
        self._more: Mapping[str, int] = {}

    @property
    def terms(self) -> list[str]:
        """Those of the rows of `counts`."""
        return list(self._numbers)

    def changed(
        self, rows: Rows, before: Sequence[Sequence[str]], after: Sequence[Sequence[str]], removed: NDArray[np.bool_]
    ) -> "Lexical":
        """The index after a change of some rows, or after further ones came behind the others.

        `before` and `after` are the terms of each row, `removed`, (items,), which rows are no items any more.
        """
        made = object.__new__(Lexical)
        made._numbers, made.counts = self._numbers, self.counts
        grown = (0, len(removed) - len(self.lengths))
        made.lengths, made._stale = np.pad(self.lengths, grown), np.pad(self._stale, grown)
        made.lengths[rows] = [len(terms) for terms in after]
        made._stale[rows] = True
        made._removed = removed
        late, more = dict(self._late), dict(self._more)
        for row, old, new in zip(rows.tolist(), before, after, strict=True):
            for term in set(old):
                late[term] = {other: count for other, count in late.get(term, {}).items() if other != row}
                more[term] = more.get(term, 0) - 1
            for term, count in Counter(new).items():
                late[term] = {**late.get(term, {}), row: count}
                more[term] = more.get(term, 0) + 1
        made._late, made._more = late, more
        return made

    @property
    def late(self) -> int:
        """Rows that changed since the index was made: each costs a little with every query that has its terms."""
        return int(self._stale.sum())

    def scores(self, query: str) -> NDArray[np.float64]:
        """(items,) never below zero; zero where no word of the query occurs."""
        asked = terms(query)
        # "to" in a query says nothing, unless it is all that is asked, as by the title of the film "It".
        asked = [term for term in asked if term not in STOPWORDS_EN] or asked
        total = np.zeros(len(self.lengths))
        for term in asked:
            if term in self._numbers:
                at = self._numbers[term]
                cells = slice(self.counts.indptr[at], self.counts.indptr[at + 1])
                self._add(total, term, self.counts.indices[cells], self.counts.data[cells])
        total[self._stale] = 0
        for term in asked:
            late = self._late.get(term)
            if late:
                self._add(total, term, np.fromiter(late, np.int64), np.fromiter(late.values(), np.float32))
        return total

    def _add(self, total: NDArray[np.float64], term: str, rows: NDArray[Any], counts: NDArray[np.float32]) -> None:
        df, n = self._frequency(term), self._items
        idf = np.log(1 + (n - df + 0.5) / (df + 0.5))
        total[rows] += idf * counts / (counts + self._saturation[rows])

    def _frequency(self, term: str) -> int:
        at = self._numbers.get(term)
        there = 0 if at is None else int(self.counts.indptr[at + 1] - self.counts.indptr[at])
        return there + self._more.get(term, 0)

    @cached_property
    def _items(self) -> int:
        return int(np.count_nonzero(~self._removed))

    @cached_property
    def _saturation(self) -> NDArray[np.float64]:
        """(items,) k1 of each, larger for longer ones."""
        mean = self.lengths.sum() / max(self._items, 1)
        return np.asarray(K1 * (1 - B + B * self.lengths / max(mean, 1e-9)))

    def frequencies(self) -> dict[str, int]:
        """How many items each term occurs in."""
        counts = dict(zip(self._numbers, np.diff(self.counts.indptr).tolist(), strict=True))
        for term, more in self._more.items():
            counts[term] = counts.get(term, 0) + more
        return {term: count for term, count in counts.items() if count > 0}


def terms(text: str) -> list[str]:
    """What of a text is compared: its words, whatever their case and width."""
    return tokens(fold(text))


def text_terms(items: pl.DataFrame) -> list[list[str]]:
    """Terms of title and text. The title counts twice where it is part of the text: it says what the item is."""
    texts = items.select(pl.concat_str("title", "text", separator="\n", ignore_nulls=True)).to_series()
    return [terms(text) for text in texts]


def graph_terms(graph: GraphTables, found: Facts) -> list[list[str]]:
    """Names and aliases of all that the graph says of each item, its facts: brand, categories above it, own triples.

    Other items are left out: an accessory of a phone is not found by the name of the phone.
    """
    names = _names(graph)
    of_fact = [terms(names.get(entity, "")) for entity in found.entities["id"]]
    columns, ends = found.matrix.indices.tolist(), found.matrix.indptr.tolist()
    return [[term for fact in columns[a:b] for term in of_fact[fact]] for a, b in pairwise(ends)]


def _names(graph: GraphTables) -> dict[str, str]:
    """Each node but the items with its name and its aliases, one a line."""
    nodes = graph.nodes.filter(pl.col("label") != ITEM).select("id", "name")
    other = graph.edges.filter(pl.col("relation") == ALIAS).join(nodes, left_on="tail", right_on="id")
    called = pl.concat([nodes, other.select("name", id="head").select("id", "name")]).unique(maintain_order=True)
    return dict(called.group_by("id").agg(pl.col("name").str.join("\n")).iter_rows())
