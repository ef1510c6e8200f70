"""The reranker: boosted trees that correct the fused score of the best candidates.

    score = share * fused + correction(features) * known

LambdaRank (Burges 2010, by LightGBM) learns the correction over the generators' signals and how long the history is.
It starts from the fused score, so it only has to learn what a weighted sum cannot say: thresholds and interactions. An
item without history is left as it is, for nothing was gained there. Contributions stay exact: the fused terms, plus the
trees' SHAP values (Lundberg 2018), which sum to the correction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.config import Fusion as Settings
from engine.fusion import Fusion
from engine.lists import Lists

if TYPE_CHECKING:
    import lightgbm  # loaded where trees are: it brings scikit-learn and pandas

    from engine.listwise import Sample


@dataclass(frozen=True)
class Candidates:
    """The best candidates of many users, flat: row r says that `item[r]` is a candidate of `user[r]`."""

    user: NDArray[np.int64]
    item: NDArray[np.int64]
    sizes: NDArray[np.int64]
    """(users,) candidates a user; rows of a user are together, best first."""


KNOWN = -2
"""The column of a feature table that says whether the item has history; one that has none is not corrected."""


@dataclass(frozen=True)
class Reranker:
    booster: "lightgbm.Booster"
    share: float
    depth: int
    rounds: int

    def correct(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows,) corrections of a feature table (rows, features)."""
        if not len(table):  # LightGBM has no answer to a table without rows
            return np.zeros(0, np.float32)
        return np.asarray(self.booster.predict(table, num_threads=1) * table[:, KNOWN], np.float32)

    def terms(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows, features + 1) SHAP values of the correction; the last column is the same for every known item."""
        if not len(table):
            return np.zeros((0, table.shape[1] + 1), np.float32)
        terms = self.booster.predict(table, pred_contrib=True, num_threads=1)
        return np.asarray(terms * table[:, [KNOWN]], np.float32)


def feature_names(signals: Sequence[str]) -> list[str]:
    """Columns of the feature table; the part a column speaks for is its name up to the first dot."""
    return [*signals, "context.known", "context.history"]


def best(scores: NDArray[np.float32], allowed: NDArray[np.bool_], depth: int) -> Candidates:
    """The `depth` best allowed items of each user, from (users, items) scores."""
    behind = np.where(allowed, -scores, np.inf)
    depth = min(depth, scores.shape[1])
    top = np.argpartition(behind, depth - 1, axis=1)[:, :depth]
    order = np.argsort(np.take_along_axis(behind, top, 1), axis=1, kind="stable")
    top = np.take_along_axis(top, order, 1)
    real = np.isfinite(np.take_along_axis(behind, top, 1))
    user = np.broadcast_to(np.arange(len(scores))[:, None], top.shape)
    return Candidates(user[real], top[real], real.sum(1))


def joined(one: Candidates, other: Candidates, scores: NDArray[np.float32]) -> Candidates:
    """The candidates of both, each once, best first by (users, items) scores."""
    width = scores.shape[1]
    keys = np.unique(np.concatenate([each.user * width + each.item for each in (one, other)]))
    user, item = np.divmod(keys, width)
    order = np.lexsort((-scores[user, item], user))
    return Candidates(user[order], item[order], np.bincount(user, minlength=len(scores)))


def feature_table(
    candidates: Candidates, signals: NDArray[np.float32], trust: NDArray[np.float32], known: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """(rows, features) of the candidates, columns as in `feature_names`, from (rows, signals), (users,) and (rows,)."""
    context = np.column_stack([known, trust[candidates.user]])
    return np.concatenate([signals, context], axis=1, dtype=np.float32)


@dataclass(frozen=True)
class Table:
    """Training rows of one kind of candidate list."""

    features: NDArray[np.float32]
    fused: NDArray[np.float32]
    chosen: NDArray[np.bool_]
    sizes: NDArray[np.int64]


def table(lists: Lists, fusion: Fusion, depth: int) -> Table:
    """What the reranker learns from: the candidates that the fusion would hand it."""
    fused = fusion.score(lists.signals, lists.trust, lists.known)
    candidates = best(fused, lists.allowed, depth)
    at = (candidates.user, candidates.item)
    rows = feature_table(candidates, lists.signals[at], lists.trust, lists.known[at])
    return Table(rows, fused[at], lists.chosen[at], candidates.sizes)


def of_sample(sample: "Sample", fusion: Fusion) -> Table:
    """The same of lists that are cut down to their best candidates already."""
    signals, trust = sample.signals.numpy(), sample.trust.numpy()
    known, real = sample.new.numpy() == 0, np.isfinite(sample.log_odds.numpy())
    fused = fusion.score(signals, trust, known)
    user = np.repeat(np.arange(len(trust)), real.sum(1))
    features = np.column_stack([signals[real], known[real], trust[user]]).astype(np.float32)
    return Table(features, fused[real], sample.chosen.numpy()[real] > 0, real.sum(1))


def of_lists(rows: Table, lists: NDArray[np.bool_]) -> Table:
    """The rows of some of the lists, (users,)."""
    some = np.repeat(lists, rows.sizes)
    return Table(rows.features[some], rows.fused[some], rows.chosen[some], rows.sizes[lists])


def fit(
    learn: Sequence[Table],
    judge: Sequence[Table],
    settings: Settings,
    seed: int,
    rounds: int | None = None,
) -> tuple[Reranker, dict[str, list[float]]]:
    """Boost on `learn`; with `judge`, stop when its NDCG@20 no longer rises, otherwise after `rounds`.

    Returns the reranker and its learning curves.
    """
    import lightgbm

    rows = sum(len(one.features) for one in learn)
    params = {
        "objective": "lambdarank", "metric": "ndcg", "ndcg_eval_at": [20], "learning_rate": 0.06, "num_leaves": 15,
        "min_data_in_leaf": 50, "bagging_fraction": 0.7, "bagging_freq": int(rows > 1), "feature_fraction": 0.5,
        "lambda_l2": 5.0, "lambdarank_truncation_level": 40, "seed": seed, "deterministic": True,
        "force_row_wise": True, "num_threads": 1, "verbose": -1,
    }  # fmt: skip
    data = _dataset(learn, settings.share)
    curves: dict[str, dict[str, list[float]]] = {}
    callbacks = [lightgbm.record_evaluation(curves)]
    if judge:
        callbacks.append(lightgbm.early_stopping(25, verbose=False))
    booster = lightgbm.train(
        params,
        data,
        num_boost_round=rounds or settings.rounds,
        valid_sets=[_dataset(judge, settings.share, data)] if judge else [],
        valid_names=["validation"] if judge else [],
        callbacks=callbacks,
    )
    used = booster.best_iteration if judge else booster.current_iteration()
    reranker = Reranker(booster, settings.share, settings.depth, max(used, 1))
    return reranker, {"reranker NDCG@20 on validation": curves.get("validation", {}).get("ndcg@20", [])}


def _dataset(tables: Sequence[Table], share: float, like: "lightgbm.Dataset | None" = None) -> "lightgbm.Dataset":
    import lightgbm

    return lightgbm.Dataset(
        np.concatenate([t.features for t in tables]),
        label=np.concatenate([t.chosen for t in tables]).astype(np.int32),
        group=np.concatenate([t.sizes[t.sizes > 0] for t in tables]),
        init_score=share * np.concatenate([t.fused for t in tables]).astype(np.float64),
        reference=like,
    )
