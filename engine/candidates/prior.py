"""Predicted popularity: how many would choose an item, from what it is, for items that nobody has met.

Boosted trees (LightGBM) over how much is said of the item (see amount.py), the leading directions of the graph's
facts, and what a kernel ridge over facts, words and all vectors predicts; that prediction is leave-one-out for the
items learned from (in closed form, Rifkin and Lippert 2007, eq. 8), or the trees would trust it too much.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from engine.candidates.amount import Amount, learn
from engine.candidates.base import Features, Scores, Tensors, group, grouped
from engine.candidates.content import Ridge, everywhere, kernel, mix_of
from engine.candidates.spectrum import leading
from engine.config import Content
from engine.config import Prior as Settings
from engine.history import Histories

if TYPE_CHECKING:
    import lightgbm  # loaded where trees are used: it brings scikit-learn and pandas

NAME = "prior"
DIRECTIONS = 20


@dataclass(frozen=True)
class Prior:
    """The fitted trees; `expected` (items,) is predicted log(1 + choices)."""

    expected: NDArray[np.float32]
    model: str
    """The trees, as LightGBM writes them."""
    amount: Amount
    directions: NDArray[np.float32]
    """(entities, at most 20) of the facts."""
    ridge: Ridge
    name: str = NAME
    signals: tuple[str, ...] = (NAME,)

    @cached_property
    def _booster(self) -> "lightgbm.Booster":
        import lightgbm

        return lightgbm.Booster(model_str=self.model)

    def score(self, histories: Histories) -> Scores:
        return np.broadcast_to(self.expected, (1, len(histories), len(self.expected)))

    @property
    def places(self) -> Scores:
        return self.expected[:, None]

    def points(self, histories: Histories) -> Scores:
        return np.ones((1, len(histories), 1), np.float32)

    def credit(self, history: Histories, item: int) -> Scores:
        return np.zeros((1, len(history.items)), np.float32)

    def place(self, features: Features) -> NDArray[np.float32]:
        """(items,) predicted log(1 + choices)."""
        return self.of(features, self.ridge.place(features))

    def of(self, features: Features, ridge: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same, given what the ridge says of them, (items, 1)."""
        table = columns(features, self.amount, self.directions, ridge)
        return np.asarray(self._booster.predict(table, num_threads=1), np.float32)

    def grow(self, features: Features) -> "Prior":
        return replace(self, expected=np.concatenate([self.expected, self.place(features)]))

    def change(self, rows: NDArray[np.int64], features: Features, known: NDArray[np.bool_]) -> "Prior":
        expected = self.expected.copy()
        expected[rows] = self.place(features)
        return replace(self, expected=expected)

    def tensors(self) -> Tensors:
        model = np.frombuffer(self.model.encode(), np.uint8)
        parts = {**grouped("amount", self.amount.tensors()), **grouped("ridge", self.ridge.tensors())}
        return {"expected": self.expected, "directions": self.directions, "model": model, **parts}


def restore(tensors: Tensors) -> Prior:
    amount, ridge = Amount.from_tensors(group("amount", tensors)), Ridge.from_tensors(group("ridge", tensors))
    expected, directions = (np.asarray(tensors[name], np.float32) for name in ("expected", "directions"))
    model = tensors["model"].astype(np.uint8).tobytes().decode()
    return Prior(expected, model, amount, directions, ridge)


def fit(histories: Histories, features: Features, config: Settings, content: Content, seed: int) -> Prior:
    """Learn from at most `max_items` items with history, evenly over their popularity: cubic in their number."""
    import lightgbm

    choices = np.asarray(histories.seen().sum(axis=0)).ravel()
    ranked = np.argsort(-choices, kind="stable")[: int((choices > 0).sum())]
    known = np.sort(ranked[:: max(1, -(-len(ranked) // config.max_items))])
    target = np.log1p(choices[known]).astype(np.float32)
    ridge, held_out, fitted = leave_one_out(features.take(known), target, content)
    amount, directions = learn(features), leading(features.facts.astype(np.float64), DIRECTIONS)
    table = columns(features.take(known), amount, directions, held_out[:, None])
    params = {
        "objective": "l2", "learning_rate": 0.03, "num_leaves": 7, "min_data_in_leaf": 15, "feature_fraction": 0.4,
        "bagging_fraction": 0.7, "bagging_freq": int(len(known) > 1), "lambda_l2": 5.0, "seed": seed,
        "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbose": -1,
    }  # fmt: skip
    booster = lightgbm.train(params, lightgbm.Dataset(table, label=target), config.rounds)
    model = Prior(np.zeros(0, np.float32), booster.model_to_string(), amount, directions, ridge)
    return replace(model, expected=model.of(features, everywhere(ridge, features, known, fitted[:, None])))


def leave_one_out(
    features: Features, target: NDArray[np.float32], content: Content
) -> tuple[Ridge, NDArray[np.float32], NDArray[np.float32]]:
    """A kernel ridge for `target` (n,) less its mean, and (n,) what it predicts of each item without and with it."""
    centred = target - target.mean() if len(target) else target
    gram = kernel(features, features, mix_of(content, features))
    gram[np.diag_indices_from(gram)] += content.l2
    inverse = cho_solve(cho_factor(gram, lower=True), np.eye(len(gram), dtype=np.float32)) if len(gram) else gram
    dual = inverse @ centred
    held_out = (centred - dual / np.diag(inverse)).astype(np.float32)
    fitted = (centred - content.l2 * dual).astype(np.float32)
    return Ridge(mix_of(content, features), features, dual.astype(np.float32)[:, None]), held_out, fitted


def columns(
    features: Features, amount: Amount, directions: NDArray[np.float32], ridge: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(items, columns) of the trees' table; ridge is (items, 1)."""
    return np.hstack([amount.of(features), features.facts @ directions, ridge]).astype(np.float32)
