"""BM25 over what items say and over what the graph calls them, in Latin words and pairs of Chinese characters."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import bm25s
import numpy as np
import polars as pl
from bm25s.stopwords import STOPWORDS_EN
from numpy.typing import NDArray

from engine.describe import tokens
from graph.build import GraphTables
from graph.facts import facts
from graph.schema import ALIAS, ITEM, fold


class Lexical:
    """One BM25 index (Robertson and Zaragoza 2009), in the variant of Lucene with k1 1.5 and b .75.

    Spellings that fold alike are one, so that full-width letters and capitals do not matter.
    """

    def __init__(self, items: Iterable[list[str]]) -> None:
        """`items` are the terms of each item, a term as often as it occurs."""
        numbers: dict[str, int] = {}
        documents = [[numbers.setdefault(term, len(numbers)) for term in item] for item in items]
        self._items = len(documents)
        self._index = bm25s.BM25() if numbers else None  # it has no answer to texts without a single word
        if self._index:
            self._index.index((documents, numbers), create_empty_token=False, show_progress=False)

    def scores(self, query: str) -> NDArray[np.float64]:
        """(items,) never below zero; zero where no word of the query occurs."""
        asked = terms(query)
        # "to" in a query says nothing, unless it is all that is asked, as by the title of the film "It".
        asked = [term for term in asked if term not in STOPWORDS_EN] or asked
        known = [] if self._index is None else [term for term in asked if term in self._index.vocab_dict]
        if self._index is None or not known:
            return np.zeros(self._items)
        return np.asarray(self._index.get_scores(known), np.float64)

    def frequencies(self) -> dict[str, int]:
        """How many items each term occurs in."""
        if self._index is None:
            return {}
        counts = np.diff(self._index.scores["indptr"]).tolist()
        return {term: counts[number] for term, number in self._index.vocab_dict.items() if term}


def terms(text: str) -> list[str]:
    """What of a text is compared: its words, whatever their case and width."""
    return tokens(fold(text))


def text_terms(items: pl.DataFrame) -> list[list[str]]:
    """Terms of title and text. The title counts twice where it is part of the text: it says what the item is."""
    texts = items.select(pl.concat_str("title", "text", separator="\n", ignore_nulls=True)).to_series()
    return [terms(text) for text in texts]


def graph_terms(graph: GraphTables, item_ids: Sequence[str]) -> list[list[str]]:
    """Names and aliases of all that the graph says of each item: brand, categories above it, colour, own triples.

    Other items are left out: an accessory of a phone is not found by the name of the phone.
    """
    names = _names(graph)
    found = facts(graph, item_ids)
    of_fact = [terms(names.get(entity, "")) for entity in found.entities["id"]]
    columns, ends = found.matrix.indices.tolist(), found.matrix.indptr.tolist()
    return [[term for fact in columns[a:b] for term in of_fact[fact]] for a, b in pairwise(ends)]


def _names(graph: GraphTables) -> dict[str, str]:
    """Each node but the items with its name and its aliases, one a line."""
    nodes = graph.nodes.filter(pl.col("label") != ITEM).select("id", "name")
    other = graph.edges.filter(pl.col("relation") == ALIAS).join(nodes, left_on="tail", right_on="id")
    called = pl.concat([nodes, other.select("name", id="head").select("id", "name")]).unique(maintain_order=True)
    return dict(called.group_by("id").agg(pl.col("name").str.join("\n")).iter_rows())
