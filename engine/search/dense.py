"""Vectors of items beside that of a query: all of them where they are few, the nearest by an index where they are many.

Up to 50,000 items a query is compared with every item: one product of a matrix, 4 ms for 25,000 on one thread. Beyond,
an index finds the nearest: hierarchical small worlds (Malkov and Yashunin, 2018, by usearch), which keeps a byte a
number; what it finds is compared again by the whole vectors, so a cosine is always exact. scripts/bench/dense_index.py
has how it was chosen, and what it misses.

A change makes another `Dense`, which shares the index: rows that changed since are left out of what the index finds,
and compared one by one. When they have become many, a copy of the index learns them.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from encoders import Vectors
from engine.search.nearest import Nearest, Rows

EXACT = 50_000
"""Items that are compared one by one."""

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Floor:
    """Cosines in a model's space that say nothing."""

    item: float
    """An item below it has nothing to do with the query."""
    best: float
    """A query whose best item is below it is not understood."""


class Dense:
    """Unit vectors of the items of one catalogue, (items, dim). Nothing in it is ever written."""

    def __init__(self, vectors: Vectors, floor: Floor | None, index: Nearest | None = None) -> None:
        """Without a floor, what is nearer than the mean of all counts; without an index, one is made when needed."""
        self.vectors, self.floor = vectors, floor
        if index is not None:
            self.__dict__["index"] = index

    def changed(self, rows: Rows, vectors: Vectors) -> "Dense":
        """The same after a change of some rows, or after further ones came behind the others."""
        known = self.__dict__.get("index")
        return Dense(vectors, self.floor, None if known is None else known.without(rows, vectors))

    def near(self, query: Vectors | None, floor: Floor | None = None) -> "Near":
        """A query, (dim,), beside the items; no item is near to None. `floor` is that of this query, if it has one."""
        if query is None:
            return Near(self, None, Floor(1, 1), -1.0, None)
        floor = floor or self.floor or Floor(float(self._mean @ query), -1)
        if len(self.vectors) <= EXACT:
            cosines: Scores = np.asarray(self.vectors @ query, np.float64)
            return Near(self, query, floor, float(cosines.max(initial=-1)), None, cosines)
        rows = self.index.find(query)
        best = float((self.vectors[rows] @ query).max(initial=-1))
        return Near(self, query, floor, best, rows)

    @cached_property
    def _mean(self) -> Vectors:
        return np.asarray(self.vectors.mean(axis=0), np.float32)

    @cached_property
    def index(self) -> Nearest:
        """Which vectors are nearest; only where they are many."""
        return Nearest.of(self.vectors)


@dataclass(frozen=True)
class Near:
    """How near the items are to one query; scaled so that the nearest has 1."""

    dense: Dense
    query: Vectors | None
    floor: Floor
    best: float
    """The cosine of the nearest item."""
    rows: Rows | None
    """The nearest items, where an index found them; None where all were compared."""
    cosines: Scores | None = None
    """(items,) where all were compared"""

    def scores(self, rows: Rows | None = None) -> Scores:
        """(rows,) from 0 to 1, of all items without `rows`; the same for an item whatever it is asked with."""
        n = len(self.dense.vectors) if rows is None else len(rows)
        span = self.best - self.floor.item
        if self.query is None or self.best < self.floor.best or span <= 0:
            return np.zeros(n)
        return np.clip((self._cosines(self.query, rows) - self.floor.item) / max(span, 1e-9), 0, 1)

    def _cosines(self, query: Vectors, rows: Rows | None) -> Scores:
        if self.cosines is not None:
            return self.cosines if rows is None else self.cosines[rows]
        vectors = self.dense.vectors if rows is None else self.dense.vectors[rows]
        return np.asarray(vectors @ query, np.float64)
