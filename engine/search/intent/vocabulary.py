"""What one catalogue lets a query mean: its names, its words, and the columns that numbers can be about."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from math import log

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.describe import tokens
from engine.search.intent.learn import nouns
from engine.search.intent.names import LEARNED, SYNONYM, Name, Names, names_of
from engine.search.intent.names import changed as renamed
from engine.search.intent.repair import Repairer
from engine.search.intent.segment import Segmenter
from graph.build import GraphTables
from graph.link.normal import key
from graph.schema import CATEGORY, ITEM

FIELDS = {
    "price": r"price|cost|amount",
    "year": r"(?:release_?)?year",
    "runtime": r"runtime(?:_minutes)?|duration|length",
}


@dataclass(frozen=True)
class Vocabulary:
    """Made once for a graph and a table of items, and never changed; the default knows no name at all."""

    names: Names = field(default_factory=lambda: Names({}, {}, {}, {}, {}))
    words: Counter[str] = field(default_factory=Counter)
    """In how many items each Latin word, or pair of Chinese characters, stands"""
    items: int = 0
    fields: frozenset[str] = frozenset()
    """Of price, year and runtime those that the items have; none: all"""
    belongs: frozenset[tuple[str, str]] = frozenset()
    """(accessory, main) categories"""
    facts: dict[str, frozenset[str]] = field(default_factory=dict)
    """Of each item node, the nodes beside it"""

    @staticmethod
    def learn(graph: GraphTables, items: pl.DataFrame | None = None) -> "Vocabulary":
        """The vocabulary of a graph and of its catalogue's items (item_id, text, numeric columns under their names)."""
        names = names_of(graph)
        texts = [] if items is None or "text" not in items.columns else [text or "" for text in items["text"]]
        if items is not None and texts:
            # Synonyms aside: what the catalogue itself says is surer than what is said everywhere.
            labels = {form: names.labels[several[0].node] for form, several in names.by_key.items()
                      if several[0].kind != SYNONYM and names.labels[several[0].node] != ITEM}  # fmt: skip
            for term, node, sure in nouns(graph, items["item_id"].to_list(), texts, Segmenter(labels), labels):
                names.add(term, Name(node, LEARNED, round(0.9 * sure, 3)))
        return learned(names, _words(texts), graph, items)

    def changed(
        self, graph: GraphTables, before: pl.DataFrame, items: pl.DataFrame, rows: NDArray[np.int64]
    ) -> "Vocabulary":
        """The same after a change of these rows of the items, or after further ones came behind the others."""
        old = rows[rows < before.height]
        ids = [*before["item_id"][old], *items["item_id"][rows]]
        names = renamed(self.names, graph, {f"item:{item}" for item in ids})
        words = self.words.copy()
        words.subtract(_words(text or "" for text in before["text"][old]))
        words.update(_words(text or "" for text in items["text"][rows]))
        words = +words
        made = Vocabulary(names, words, items.height, self.fields, _belongs(graph), _facts(graph))
        if "segmenter" in self.__dict__:
            made.__dict__["segmenter"] = self.segmenter.changed(names.by_key)
        return made

    @cached_property
    def segmenter(self) -> Segmenter:
        return Segmenter(self.names.by_key)

    @cached_property
    def repairer(self) -> Repairer:
        return Repairer(self.names, self.segmenter, self.words)

    def rarity(self, word: str) -> float:
        """How telling a word is, from 0 to 1: 1 for one that hardly any item has."""
        found = min((self.words.get(each, 0) for each in tokens(word)), default=0)
        return 1.0 if not self.items else log((self.items + 1) / (found + 1)) / log(self.items + 1)


def learned(names: Names, words: Counter[str], graph: GraphTables, items: pl.DataFrame | None) -> Vocabulary:
    """The vocabulary of these names and words; all else is read from the graph and the items, which takes no time."""
    schema = {} if items is None else items.schema
    numeric = [name for name, dtype in schema.items() if dtype.is_numeric()]
    fields = {said for said, shape in FIELDS.items() for name in numeric if re.fullmatch(shape, name)}
    count = 0 if items is None or "text" not in schema else items.height
    return Vocabulary(names, words, count, frozenset(fields), _belongs(graph), _facts(graph))


def _words(texts: Iterable[str]) -> Counter[str]:
    """In how many texts each Latin word and each pair of Chinese characters stands."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(tokens(key(text))))
    return counts


def _belongs(graph: GraphTables) -> frozenset[tuple[str, str]]:
    categories = graph.nodes.filter(pl.col("label") == CATEGORY)["id"].implode()
    rows = graph.edges.filter(
        pl.col("relation").str.contains("ACCESSORY", literal=True)
        & pl.col("head").is_in(categories)
        & pl.col("tail").is_in(categories)
    )
    return frozenset(rows.select("head", "tail").iter_rows())


def _facts(graph: GraphTables) -> dict[str, frozenset[str]]:
    rows = graph.edges.filter(pl.col("head").str.starts_with("item:") & ~pl.col("tail").str.starts_with("item:"))
    beside = rows.group_by("head").agg("tail")
    return {head: frozenset(tails) for head, tails in beside.iter_rows()}
