"""Maximal marginal relevance: an item loses by how like the most similar one above it is.

    value(i) = score(i) - weight * max over the items j above it of alike(i, j)

Source: Carbonell and Goldstein 1998, The use of MMR, diversity-based reranking. They weigh the score by lambda and the
likeness by 1 - lambda; here the score keeps its unit, so weight is (1 - lambda) / lambda.
"""

import numpy as np
from numpy.typing import NDArray

from engine.diversity.making import Floats


class Mmr:
    """A criterion over (shortlist, shortlist) likeness, 1 of an item to itself."""

    def __init__(self, alike: NDArray[np.float32], weight: float) -> None:
        self.alike = alike
        self.weight = weight
        self.nearest = np.zeros(len(alike))
        """(shortlist,) likeness to the most similar item above; what is unlike all of them gains nothing by it."""

    @property
    def size(self) -> int:
        return len(self.alike)

    def added(self) -> Floats:
        return 0.0 - self.weight * self.nearest

    def take(self, row: int) -> None:
        self.nearest = np.maximum(self.nearest, self.alike[row])
