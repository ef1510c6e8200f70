"""implicit for new users: ALS that folds them in, and nearest neighbours between items. Run by its own Python."""

import warnings
from collections.abc import Iterator
from itertools import product
from typing import Any

import implicit
import numpy as np
from implicit_peer import GRIDS, NEIGHBOURS
from newcomers import Score, compete, linear
from numpy.typing import NDArray
from peer_split import Events, Ints

ALS: list[dict[str, Any]] = [
    {"factors": factors, "alpha": alpha, "regularization": penalty}
    for factors, penalty, alpha in product((8, 32, 128), (1.0, 10.0, 30.0, 100.0), (1.0, 5.0))
]
STEP, LOOKS = 5, 4


def als(known: Events, settings: dict[str, Any], seed: int) -> Iterator[tuple[int, Score]]:
    """Fitting again goes on from where the factors are."""
    model = implicit.als.AlternatingLeastSquares(**settings, iterations=STEP, num_threads=1, random_state=seed)

    def score(told: Events, users: Ints) -> NDArray[Any]:
        return np.asarray(model.recalculate_user(users, told.matrix()[users]) @ model.item_factors.T)

    for look in range(1, LOOKS + 1):
        model.fit(known.matrix(), show_progress=False)
        yield STEP * look, score


def knn(known: Events, settings: dict[str, Any], seed: int) -> Iterator[tuple[int, Score]]:
    model = NEIGHBOURS[settings["weight"]](K=settings["K"], num_threads=1)
    # implicit weights its input in place, and asks for doubles.
    model.fit(known.matrix().astype(np.float64), show_progress=False)
    yield 1, linear(model.similarity)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", "Method expects CSR")  # about a matrix of its own making
    compete(
        {"implicit-als": (als, ALS), "implicit-knn": (knn, [*GRIDS["knn"], *({"weight": "bm25", "K": 1000},)])},
        {"implicit": implicit.__version__, "numpy": np.__version__},
    )
