"""Walks over the graph as products of sparse matrices: what a history reaches, and which items have a node.

The matrix of each step is kept, not their product: from one history a walk touches a few thousand edges, while the
product over a relation such as gender would hold half of all pairs of items. Memory is 5 bytes an edge and 4 a node for
each step in use; a walk costs the edges that it meets.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from graph.build import GraphTables
from graph.errors import GraphError
from graph.schema import SUBCATEGORY_OF

Reach = sparse.csr_array


@dataclass(frozen=True)
class Walks:
    """The edges between numbered nodes; items come first, in the order of `item_ids`."""

    tables: GraphTables
    item_ids: Sequence[str]
    _steps: dict[str, Reach] = field(default_factory=dict, repr=False)

    @cached_property
    def _numbers(self) -> pl.DataFrame:
        """id, number"""
        items = pl.Series("id", [f"item:{item}" for item in self.item_ids], dtype=pl.String)
        ids = pl.concat([items, self.tables.nodes["id"]]).unique(maintain_order=True)
        return pl.DataFrame({"id": ids}).with_row_index("number")

    @cached_property
    def _edges(self) -> pl.DataFrame:
        """relation, head, tail: numbers in the place of ids."""
        numbers = self._numbers
        return (
            self.tables.edges.join(numbers.rename({"id": "head", "number": "from"}), on="head")
            .join(numbers.rename({"id": "tail", "number": "to"}), on="tail")
            .select("relation", head="from", tail="to")
        )

    @cached_property
    def relations(self) -> tuple[str, ...]:
        """Relations that the graph has, sorted."""
        return tuple(sorted(self.tables.edges["relation"].unique()))

    def step(self, step: str) -> Reach:
        """(nodes, nodes) where `>RELATION` leads along a relation, `<RELATION` against it.

        Raises GraphError for a relation that the graph does not have, with the nearest one.
        """
        if step not in self._steps:
            self._steps[step] = self._matrix(step[1:], backward=step[0] == "<")
        return self._steps[step]

    def _matrix(self, relation: str, backward: bool) -> Reach:
        if relation not in self.relations:
            close = get_close_matches(relation.upper(), self.relations, n=1, cutoff=0)
            nearest = f"; the nearest is {close[0]}" if close else ""
            raise GraphError(f"the graph has no relation {relation}{nearest} (it has {', '.join(self.relations)})")
        ends = self._edges.filter(pl.col("relation") == relation)
        head, tail = ends["head"].to_numpy(), ends["tail"].to_numpy()
        cells = (tail, head) if backward else (head, tail)
        size = self._numbers.height
        return sparse.csr_array((np.ones(ends.height, bool), cells), shape=(size, size))

    def reach(self, starts: Reach, walk: Sequence[str]) -> Reach:
        """(users, items) what a walk reaches from (users, items) where it starts; an item is reached or not."""
        here = sparse.csr_array(
            (np.ones(starts.nnz, bool), starts.indices, starts.indptr), shape=(starts.shape[0], self._numbers.height)
        )
        for step in walk:
            here = here @ self.step(step)
        return here[:, : len(self.item_ids)]

    def sharing(self, relation: str) -> Reach:
        """(items, nodes) what each item has over a relation."""
        return self.step(f">{relation}")[: len(self.item_ids)]

    def having(self, node: str) -> NDArray[np.bool_]:
        """(items,) joined to a node by any relation in either direction, or to one below it; none for an unknown one.

        A tree in the user's own triples may have a cycle, which ends where it began.
        """
        number = self._numbers.filter(pl.col("id") == node)["number"]
        found = np.zeros(self._numbers.height, bool)
        level = found.copy()
        level[number.to_numpy()] = True
        while level.any():
            found |= level
            level = self._step_from(level, self._tree, "tail", "head") & ~found
        joined = self._step_from(found, self._edges, "tail", "head") | self._step_from(
            found, self._edges, "head", "tail"
        )
        return joined[: len(self.item_ids)]

    @cached_property
    def _tree(self) -> pl.DataFrame:
        return self._edges.filter(pl.col("relation") == SUBCATEGORY_OF)

    def _step_from(self, nodes: NDArray[np.bool_], edges: pl.DataFrame, start: str, end: str) -> NDArray[np.bool_]:
        reached = np.zeros(len(nodes), bool)
        reached[edges[end].to_numpy()[nodes[edges[start].to_numpy()]]] = True
        return reached

    def nearest(self, node: str) -> str | None:
        """The node whose id is most like one that the graph does not have; None if it has it, or nothing is alike."""
        ids = self._numbers["id"]
        if (ids == node).any():
            return None
        prefix = node.partition(":")[0]
        alike = ids.filter(ids.str.starts_with(f"{prefix}:")).head(20_000).to_list()
        close = get_close_matches(node, alike or ids.head(20_000).to_list(), n=1, cutoff=0.4)
        return close[0] if close else None

    def knows(self, node: str) -> bool:
        """Has the graph this node?"""
        return bool((self._numbers["id"] == node).any())
