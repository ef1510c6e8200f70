"""implicit: ALS, BPR and nearest neighbours between items, on one thread. Run by the Python of its own environment."""

import warnings
from collections.abc import Iterator
from itertools import product
from typing import Any

import implicit
import numpy as np
import peer_choice
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from peer_split import Events, Ints, Scorer

NEIGHBOURS = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}
GRIDS: dict[str, list[dict[str, Any]]] = {
    "als": [
        {"factors": factors, "alpha": alpha, "regularization": penalty}
        for factors, penalty, alpha in product((128, 256, 64), (10.0, 30.0, 1.0), (1.0, 5.0, 20.0))
    ],
    "bpr": [
        {"factors": factors, "learning_rate": rate, "regularization": penalty}
        for factors, rate, penalty in product((64, 128), (0.05, 0.02), (0.01, 0.001, 0.03))
    ],
    "knn": [{"weight": name, "K": size} for name, size in product(NEIGHBOURS, (5, 10, 20, 50, 100, 200))],
}


def als(known: Events, settings: dict[str, Any], seed: int) -> Iterator[tuple[int, Scorer]]:
    step = 5
    model = implicit.als.AlternatingLeastSquares(**settings, iterations=step, num_threads=1, random_state=seed)
    yield from factorised(model, known, step, 6)


def bpr(known: Events, settings: dict[str, Any], seed: int) -> Iterator[tuple[int, Scorer]]:
    step = 20
    model = implicit.bpr.BayesianPersonalizedRanking(**settings, iterations=step, num_threads=1, random_state=seed)
    yield from factorised(model, known, step, 15)


def factorised(model: Any, known: Events, step: int, checks: int) -> Iterator[tuple[int, Scorer]]:
    """Fitting again goes on from where the factors are."""
    for check in range(1, checks + 1):
        model.fit(known.matrix(), show_progress=False)
        yield step * check, lambda users: model.user_factors[users] @ model.item_factors.T


def knn(known: Events, settings: dict[str, Any], seed: int) -> Iterator[tuple[int, Scorer]]:
    model = NEIGHBOURS[settings["weight"]](K=settings["K"], num_threads=1)
    history = known.matrix()
    # implicit weights its input in place, and asks for doubles.
    model.fit(history.astype(np.float64), show_progress=False)

    def score(users: Ints) -> Any:
        return (history[users] @ model.similarity).toarray()

    yield 1, score


def main() -> None:
    warnings.filterwarnings("ignore", "Method expects CSR")  # about a matrix of its own making
    choice = peer_choice.arguments(list(GRIDS))
    fit = {"als": als, "bpr": bpr, "knn": knn}[choice.model]
    peer_choice.compete(choice, fit, GRIDS[choice.model], {"implicit": implicit.__version__, "numpy": np.__version__})


if __name__ == "__main__":
    main()
