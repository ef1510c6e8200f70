"""What a query can be completed to: things of the graph by all their names, titles of items, words of titles."""

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl
from bm25s.stopwords import STOPWORDS_EN
from numpy.typing import NDArray
from scipy import sparse

from graph.build import GraphTables
from graph.facts import facts
from graph.link.match import edges
from graph.link.normal import HAN, is_han, key
from graph.schema import ALIAS, ITEM

ITEM_KIND, WORD_KIND = "item", "word"
FEWEST_TITLES = 3
"""Titles that a word must be in to be offered alone."""
_RUNS = re.compile(rf"[{HAN}]+|(?:(?![{HAN}])[^\W_])+")


@dataclass(frozen=True)
class Completions:
    """Things to complete to; each has one or more names, in the order of `names`."""

    kinds: list[str]
    """brand, category, colour, ..., item or word, of each thing."""
    ids: list[str | None]
    """The node of each thing; none for a word, and for a title that several items have."""
    names: list[str]
    """As people write them."""
    things: NDArray[np.int64]
    """(names,) what each is a name of."""
    members: "sparse.csr_array[np.int32]"
    """(things, items) 1 where an item is behind a thing."""

    @cached_property
    def keys(self) -> list[str]:
        """Normalised names: without what spellings differ in."""
        return [key(name) for name in self.names]

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """(things,) how many items are behind each."""
        return np.diff(self.members.indptr).astype(np.int64)


def collect(items: pl.DataFrame, graph: GraphTables) -> Completions:
    """All completions of a catalogue; what no item is behind is left out."""
    made = _Collector(items.height)
    _things(made, items["item_id"].to_list(), graph)
    _titles(made, items)
    _words(made, items["title"].to_list())
    return made.result()


def words(text: str) -> list[tuple[int, str]]:
    """Where the words of a normalised text begin, and the words; Chinese ones by the dictionary."""
    found = []
    for run in _RUNS.finditer(text):
        if not is_han(run[0][0]):
            found.append((run.start(), run[0]))
            continue
        found += [(run.start() + start, run[0][start:end]) for start, end in pairwise(edges(run[0]))]
    return found


class _Collector:
    """Gathers things with their names and items."""

    def __init__(self, n_items: int) -> None:
        self._n_items = n_items
        self._kinds: list[str] = []
        self._ids: list[str | None] = []
        self._names: list[str] = []
        self._things: list[int] = []
        self._members: list[NDArray[np.int64]] = []
        self.known: set[str] = set()
        """Normalised names of all that is there."""

    def add(self, kind: str, node: str | None, names: list[str], members: NDArray[np.int64]) -> None:
        """`members` are rows of items, each once."""
        names = list({key(name): name for name in names if key(name)}.values())
        if not names or not len(members):
            return
        self._things += [len(self._kinds)] * len(names)
        self._kinds.append(kind)
        self._ids.append(node)
        self._names += names
        self._members.append(np.sort(members))
        self.known.update(map(key, names))

    def result(self) -> Completions:
        indptr = np.cumsum([0, *map(len, self._members)])
        columns = np.concatenate([np.zeros(0, np.int64), *self._members])
        cells = (np.ones(len(columns), np.int32), columns, indptr)
        members = sparse.csr_array(cells, shape=(len(self._kinds), self._n_items))
        return Completions(self._kinds, self._ids, self._names, np.array(self._things, np.int64), members)


def _things(made: _Collector, item_ids: list[str], graph: GraphTables) -> None:
    """Brands, categories with all that is below them, values of attributes, and what the user's triples name."""
    found = facts(graph, item_ids)
    entities = found.entities.with_row_index("column")
    entities = entities.filter((pl.col("label") != ITEM) & (pl.col("relation") != ALIAS))
    others = _aliases(graph)
    matrix = found.matrix.tocsc()
    for node, name, columns in entities.group_by("id", "name", maintain_order=True).agg("column").iter_rows():
        rows = [matrix.indices[matrix.indptr[column] : matrix.indptr[column + 1]] for column in columns]
        members = np.unique(np.concatenate(rows)).astype(np.int64)
        made.add(node.partition(":")[0], node, [name, *others.get(node, [])], members)


def _aliases(graph: GraphTables) -> dict[str, list[str]]:
    """By node, the other names it has."""
    edges = graph.edges.filter(pl.col("relation") == ALIAS)
    named = edges.join(graph.nodes, left_on="tail", right_on="id", maintain_order="left")
    called: dict[str, list[str]] = defaultdict(list)
    for head, name in named.select("head", "name").iter_rows():
        called[head].append(name)
    return called


def _titles(made: _Collector, items: pl.DataFrame) -> None:
    """Titles; where there was none the id stands in its place, and nobody types that."""
    rows = items.with_row_index("row").filter(pl.col("title") != pl.col("item_id"))
    for title, ids, members in rows.group_by("title", maintain_order=True).agg("item_id", "row").iter_rows():
        made.add(ITEM_KIND, f"item:{ids[0]}" if len(ids) == 1 else None, [title], np.array(members, np.int64))


def _words(made: _Collector, titles: list[str]) -> None:
    """Words of several titles that are no name of anything."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, title in enumerate(titles):
        for word in {word for _, word in words(key(title))}:
            rows[word].append(row)
    for word, members in rows.items():
        long_enough = len(word) > (1 if is_han(word[0]) else 2) and not word.isdecimal()
        if long_enough and len(members) >= FEWEST_TITLES and word not in made.known and word not in STOPWORDS_EN:
            made.add(WORD_KIND, None, [word], np.array(members, np.int64))
