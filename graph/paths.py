"""Explaining paths: how an item shown hangs together with the items a user liked.

Three kinds, known by their length:

    1   liked -r- shown                         the graph joins them
    2   liked -r- entity -r- shown              they share an entity
    3   liked -r- entity -s- entity -r- shown   what one has belongs with what the other has

A path is worth the rarity of what it goes through: everything has a colour, few have a director.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graph.build import GraphTables
from graph.facts import Facts
from graph.schema import ALIAS, SUBCATEGORY_OF
from graph.store import Edge

REPEAT = 0.5
"""A relation counts half as much each time it has been told already."""
DETOUR = 0.5
"""A path over two entities counts half of their mean rarity."""
MANY = 200
"""An entity with more edges to others belongs with everything: no path goes from it to another."""
HAN = r"\p{Han}"


@dataclass(frozen=True)
class Path:
    """From a liked item to the one shown."""

    from_item: int
    edges: tuple[Edge, ...]
    """The first and the last run from an item to its entity, one between as the graph has it; a single one too."""
    names: tuple[str, ...]
    """Of the entities between the two items."""
    names_zh: tuple[str, ...]
    """The same in Chinese where the graph has such an alias."""
    weight: float
    """How specific it is: the idf of the entity among all items, or less for a detour."""
    backward: bool = False
    """Of a single edge: it runs from the item shown to the liked one."""

    @property
    def relation(self) -> str:
        """What is told: the relation of the entity that is shared, or the one that joins two."""
        return self.edges[len(self.edges) // 2].relation

    @property
    def entity(self) -> str:
        """The node next to the liked item."""
        return self.edges[0].tail


@dataclass(frozen=True)
class Pathfinder:
    """Finds paths in a graph between items, which are the rows of `facts` and of `item_ids`."""

    tables: GraphTables
    facts: Facts
    item_ids: Sequence[str]

    def find(self, liked: Sequence[int], shown: int, n: int) -> list[Path]:
        """At most `n` paths from liked items to `shown`, the most telling first.

        Rare facts come before common ones; each entity is told once, from the liked item that has most in common with
        the one shown (of equals the first given); and a relation already told counts half each time, so that four
        colours do not hide a brand. Time grows with the facts of these items, not with the catalogue.
        """
        liked = [item for item in dict.fromkeys(liked) if item != shown]
        left = self._direct(liked, shown) + self._shared(liked, shown) + self._linked(liked, shown)
        told, once, chosen = Counter[str](), set[str](), list[Path]()
        while left and len(chosen) < n:
            best = max(left, key=lambda path: path.weight * REPEAT ** told[path.relation])
            chosen.append(best)
            told[best.relation] += 1
            once |= _between(best)
            left = [path for path in left if path is not best and not once & _between(path)]
        return chosen

    def _direct(self, liked: Sequence[int], shown: int) -> list[Path]:
        here = self._node(shown)
        rows = {self._node(item): item for item in liked}
        rarity = float(np.log((1 + len(self.item_ids)) / 2) + 1)  # that of a fact of one item
        return [
            Path(rows[other], (edge,), (), (), rarity, backward=edge.head == here)
            for edge in self._item_edges.get(here, ())
            if (other := _across(edge, here)) in rows
        ]

    def _shared(self, liked: Sequence[int], shown: int) -> list[Path]:
        matrix, idf = self.facts.matrix[np.asarray(liked, np.int64)], self.facts.idf
        place = np.repeat(np.arange(len(liked)), np.diff(matrix.indptr))
        common = np.isin(matrix.indices, self._columns(shown))
        place, columns = place[common], matrix.indices[common]
        in_common = np.bincount(place, idf[columns], minlength=len(liked))
        order = np.lexsort(
            (place, -in_common[place], columns)
        )  # the owner of a column comes first of those who have it
        found, first = np.unique(columns[order], return_index=True)
        owners = [liked[at] for at in place[order][first]]
        return [
            self._path(owner, int(column), None, int(column), shown, float(idf[column]))
            for owner, column in zip(owners, found, strict=True)
        ]

    def _linked(self, liked: Sequence[int], shown: int) -> list[Path]:
        of_shown = {self._id(column): int(column) for column in self._columns(shown)}
        steps = [
            (_across(edge, id), edge, column)
            for id, column in of_shown.items()
            for edge in self._entity_edges.get(id, ())
        ]
        wanted = {other for other, _, _ in steps} - of_shown.keys()
        if not wanted:
            return []
        owners: dict[str, tuple[int, int]] = {}
        for item in liked:
            for column in self._columns(item):
                if (id := self._id(column)) in wanted:
                    owners.setdefault(id, (item, int(column)))
        idf = self.facts.idf
        return [
            self._path(*owners[other], edge, column, shown, DETOUR * float(idf[owners[other][1]] + idf[column]) / 2)
            for other, edge, column in steps
            if other in owners
        ]

    def _path(self, liked: int, first: int, between: Edge | None, last: int, shown: int, weight: float) -> Path:
        """`first` and `last` are columns of the facts, the same one where there is nothing `between`."""
        out = Edge(self._node(liked), self._relations[first], self._id(first))
        back = Edge(self._node(shown), self._relations[last], self._id(last))
        columns = [first] if between is None else [first, last]
        names = tuple(self._names[column] for column in columns)
        chinese = (self._chinese.get(self._id(column), self._names[column]) for column in columns)
        return Path(liked, (out, back) if between is None else (out, between, back), names, tuple(chinese), weight)

    def _node(self, item: int) -> str:
        return f"item:{self.item_ids[item]}"

    def _id(self, column: int) -> str:
        return self._ids[column]

    def _columns(self, item: int) -> NDArray[np.int32]:
        matrix = self.facts.matrix
        return matrix.indices[matrix.indptr[item] : matrix.indptr[item + 1]]

    @cached_property
    def _ids(self) -> list[str]:
        return self.facts.entities["id"].to_list()

    @cached_property
    def _names(self) -> list[str]:
        return self.facts.entities["name"].fill_null(self.facts.entities["id"]).to_list()

    @cached_property
    def _relations(self) -> list[str]:
        return self.facts.entities["relation"].to_list()

    @cached_property
    def _item_edges(self) -> dict[str, list[Edge]]:
        """Edges between items, by either end."""
        items = pl.Series([f"item:{item}" for item in self.item_ids], dtype=pl.String).implode()
        ends = pl.col("head").is_in(items) & pl.col("tail").is_in(items)
        return _by_ends(self.tables.edges.filter(ends))

    @cached_property
    def _entity_edges(self) -> dict[str, list[Edge]]:
        """Edges between what items have, by either end; hubs are left out, and the tree, which facts follow already."""
        entities = self.facts.entities["id"].unique().implode()
        ends = pl.col("head").is_in(entities) & pl.col("tail").is_in(entities)
        kinds = ~pl.col("relation").is_in([ALIAS, SUBCATEGORY_OF])
        items = pl.col("head").str.starts_with("item:") | pl.col("tail").str.starts_with("item:")
        found = _by_ends(self.tables.edges.filter(ends & kinds & ~items))
        return {node: edges for node, edges in found.items() if len(edges) <= MANY}

    @cached_property
    def _chinese(self) -> dict[str, str]:
        """A Chinese alias of each node that has one."""
        aliases = self.tables.edges.filter(pl.col("relation") == ALIAS).select("head", id="tail")
        names = aliases.join(self.tables.nodes.select("id", "name"), on="id", maintain_order="left")
        chinese = names.filter(pl.col("name").str.contains(HAN)).unique("head", keep="first", maintain_order=True)
        return dict(chinese.select("head", "name").rows())


def _between(path: Path) -> set[str]:
    """The entities of a path."""
    return {edge.tail for edge in (path.edges[0], path.edges[-1])} if len(path.edges) > 1 else set()


def _across(edge: Edge, end: str) -> str:
    """The other end of an edge."""
    return edge.tail if edge.head == end else edge.head


def _by_ends(edges: pl.DataFrame) -> dict[str, list[Edge]]:
    found: dict[str, list[Edge]] = defaultdict(list)
    for row in edges.select("head", "relation", "tail").iter_rows():
        edge = Edge(*row)
        for end in {edge.head, edge.tail}:
            found[end].append(edge)
    return dict(found)
