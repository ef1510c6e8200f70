"""A determinantal point process: a list is good whose items score high and span a large volume.

    value(list) = sum of score(i) + weight * log det(alike of the list)

Of all lists this one is hard to find; the greedy one is as good as a known share of it, and log det grows by the log of
d2(i), what is left of item i beside the span of those above it: alike = V V', d2(i) = min |V(i) - span|^2. An item is
held against all those above it together, where MMR looks at the most similar one.

Source: Chen, Zhang and Zhou 2018, Fast greedy MAP inference for determinantal point process (NeurIPS). The rows of a
Cholesky factor are kept, so that a place costs shortlist * places. They weigh by theta and 1 - theta; here the score
keeps its unit.
"""

import numpy as np
from numpy.typing import NDArray

from engine.diversity.making import Floats

LEAST = 1e-4
"""What is left of an item counts as this at least: beyond it there is rounding, and its log would outweigh all."""


class Dpp:
    """A criterion over (shortlist, shortlist) likeness, positive semidefinite, 1 of an item to itself."""

    def __init__(self, alike: NDArray[np.float32], weight: float) -> None:
        self.alike = alike.astype(np.float64)
        self.weight = weight
        self.left = np.ones(len(alike))
        """(shortlist,) d2."""
        self.rows = np.zeros((0, len(alike)))
        """(places, shortlist) of the Cholesky factor."""

    @property
    def size(self) -> int:
        return len(self.alike)

    def added(self) -> Floats:
        return self.weight * np.log(np.maximum(self.left, LEAST))

    def take(self, row: int) -> None:
        if self.left[row] <= LEAST:  # within the span of those above it, so that it adds no direction
            return
        new = (self.alike[row] - self.rows[:, row] @ self.rows) / np.sqrt(self.left[row])
        self.rows = np.vstack([self.rows, new])
        self.left = np.maximum(self.left - np.square(new), 0)
