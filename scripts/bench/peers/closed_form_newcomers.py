"""EASE, nearest neighbours between items and RP3beta for new users, a few lines each. Any Python with scipy runs it."""

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import scipy
from newcomers import Score, compete, linear
from numpy.typing import NDArray
from peer_split import Events

GRIDS: dict[str, list[dict[str, Any]]] = {
    "ease-closed-form": [{"l2": l2} for l2 in (100, 300, 1000, 3000, 10000, 30000, 100000)],
    "item-knn": [
        {"power": power, "shrink": shrink, "keep": keep}
        for power, shrink, keep in product((0.0, 0.25, 0.5), (0, 10, 100), (20, 100, 400))
    ],
    "rp3beta": [
        {"alpha": alpha, "beta": beta, "keep": keep}
        for alpha, beta, keep in product((0.1, 0.2, 0.4, 0.6, 1.0), (-0.2, 0.0, 0.2, 0.4), (100, 400))
    ],
}


def fit(model: str, known: Events, settings: dict[str, Any], seed: int) -> Iterator[tuple[int, Score]]:
    yield 1, linear({"ease-closed-form": ease, "item-knn": neighbours, "rp3beta": rp3beta}[model](known, **settings))


def ease(known: Events, l2: float) -> NDArray[Any]:
    """B = I - P / diag(P) with P = (X'X + l2 I)^-1 (Steck 2019)."""
    chosen = known.matrix()
    inverse = np.linalg.inv((chosen.T @ chosen).toarray() + l2 * np.eye(chosen.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def neighbours(known: Events, power: float, shrink: float, keep: int) -> NDArray[Any]:
    """Common users / (popularity of both^power + shrink); by cosine with power .5, by their number alone with 0."""
    chosen = known.matrix()
    common = (chosen.T @ chosen).toarray()
    scale = np.maximum(np.diag(common), 1) ** power
    return largest(common / (np.outer(scale, scale) + shrink), keep)


def rp3beta(known: Events, alpha: float, beta: float, keep: int) -> NDArray[Any]:
    """Walks of three steps from user to item, each to the power alpha, over popularity^beta (Paudel et al. 2017)."""
    chosen = known.matrix().toarray()
    popularity = np.maximum(chosen.sum(0), 1)
    to_users = (chosen / popularity).T ** alpha
    to_items = (chosen / np.maximum(chosen.sum(1, keepdims=True), 1)) ** alpha
    return largest((to_users @ to_items) / popularity**beta, keep)


def largest(matrix: NDArray[Any], keep: int) -> NDArray[Any]:
    """The `keep` largest of each row, an item no neighbour of its own."""
    np.fill_diagonal(matrix, 0)
    if keep < matrix.shape[1]:
        matrix[matrix < -np.partition(-matrix, keep, axis=1)[:, [keep]]] = 0
    return matrix


if __name__ == "__main__":
    compete({name: (partial(fit, name), grid) for name, grid in GRIDS.items()}, {"scipy": scipy.__version__})
