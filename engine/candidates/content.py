"""Kernel ridge from what an item is to who chose it: the generator that places items nobody has touched.

The kernel is a weighted sum of cosines: graph facts, words, text vectors, picture vectors. With K over the items that
have history and U the leading item factors of who chose what, an item x gets r(x) = k(x) (K + l2 I)^-1 U and a history
h gets h U: the score is (h U) r(x). Smoothing the targets by U (an SVD of low rank) keeps the taste that items share
and drops the noise of single choices. A new item needs only its row k(x). The same ridge predicts log popularity, a
signal of its own.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse.linalg import svds

from engine.candidates.base import Features, Scores, Tensors, fading, variants
from engine.config import Content as Settings
from engine.history import Histories, Matrix

NAME = "content"


@dataclass(frozen=True)
class Content:
    """The fitted ridge. Shapes: left (items, rank), right (items, rank), prior (items,), dual (known, rank + 1)."""

    half_lives: tuple[float, ...]
    mix: tuple[float, float, float, float]
    """Kernel weights of facts, words, text and image."""
    known: Features
    """Features of the items with history, which new items are compared with."""
    left: NDArray[np.float32]
    right: NDArray[np.float32]
    dual: NDArray[np.float32]
    prior: NDArray[np.float32]
    """Predicted log popularity of every item, from what it is."""
    mean: float
    name: str = NAME

    @property
    def signals(self) -> tuple[str, ...]:
        return (*variants(self.name, self.half_lives), f"{self.name}.prior")

    def score(self, histories: Histories) -> Scores:
        taste = [(histories.weights(h) @ self.left) @ self.right.T for h in self.half_lives]
        prior = np.broadcast_to(self.prior, (len(histories), len(self.prior)))
        return np.stack([*taste, prior])

    def credit(self, history: Histories, item: int) -> Scores:
        taste = fading(history, self.half_lives) * (self.left[history.items] @ self.right[item])
        return np.pad(taste, ((0, 1), (0, 0)))  # the prior owes nothing to the history

    def place(self, features: Features) -> tuple[Scores, NDArray[np.float32]]:
        """(n, rank) factors and (n,) predicted log popularity of items given by their features."""
        solved = kernel(features, self.known, self.mix) @ self.dual
        return np.ascontiguousarray(solved[:, :-1]), solved[:, -1] + np.float32(self.mean)

    def grow(self, features: Features) -> "Content":
        right, prior = self.place(features)
        return replace(
            self,
            left=np.pad(self.left, ((0, len(features)), (0, 0))),
            right=np.concatenate([self.right, right]),
            prior=np.concatenate([self.prior, prior]),
        )

    def tensors(self) -> Tensors:
        known = {
            f"known.{part}.{key}": a
            for part in ("facts", "words")
            for key, a in csr_parts(getattr(self.known, part)).items()
        }
        return {
            "half_lives": np.array(self.half_lives),
            "mix": np.array(self.mix),
            "mean": np.array([self.mean]),
            "left": self.left,
            "right": self.right,
            "dual": self.dual,
            "prior": self.prior,
            "known.text": self.known.text,
            "known.image": self.known.image,
            **known,
        }

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> "Content":
        facts, words = (csr_from({k: tensors[f"known.{part}.{k}"] for k in CSR}) for part in ("facts", "words"))
        known = Features(facts, words, as_f32(tensors["known.text"]), as_f32(tensors["known.image"]))
        left, right, dual, prior = (as_f32(tensors[k]) for k in ("left", "right", "dual", "prior"))
        facts_weight, words_weight, text_weight, image_weight = tensors["mix"].tolist()
        mix = (facts_weight, words_weight, text_weight, image_weight)
        return cls(
            tuple(tensors["half_lives"].tolist()), mix, known, left, right, dual, prior, float(tensors["mean"][0])
        )


def fit(histories: Histories, features: Features, config: Settings) -> Content:
    """Solve the ridge for the factors and for log popularity in one Cholesky: cubic in the items with history."""
    chosen = histories.seen()
    popularity = np.asarray(chosen.sum(axis=0)).ravel()
    known = np.sort(np.argsort(-popularity, kind="stable")[: min(config.max_items, int((popularity > 0).sum()))])
    mix = (config.facts, config.words, config.text, config.image)
    base = features.take(known)
    factors = item_factors(chosen[:, known], config.rank)
    log_popularity = np.log1p(popularity[known])
    mean = float(log_popularity.mean()) if len(known) else 0.0
    gram = kernel(base, base, mix)
    gram[np.diag_indices_from(gram)] += config.l2
    targets = np.column_stack([factors, log_popularity - mean])
    dual = (
        cho_solve(cho_factor(gram, lower=True, overwrite_a=True), targets).astype(np.float32) if len(known) else targets
    )
    left = np.zeros((len(features), factors.shape[1]), np.float32)
    left[known] = factors
    empty = np.zeros((0, factors.shape[1]), np.float32)
    model = Content(config.half_lives, mix, base, left, empty, as_f32(dual), np.zeros(0, np.float32), mean)
    right, prior = model.place(features)
    return replace(model, right=right, prior=prior)


def item_factors(chosen: Matrix, rank: int) -> NDArray[np.float32]:
    """(items, rank) leading right singular vectors of (users, items) choices: orthonormal columns."""
    rank = min(rank, min(chosen.shape) - 1)
    if rank < 1:
        return np.ones((chosen.shape[1], 1), np.float32) / np.float32(max(chosen.shape[1], 1) ** 0.5)
    start = np.ones(min(chosen.shape))  # a fixed start makes the result the same every time
    _, _, vectors = svds(chosen.astype(np.float64), k=rank, v0=start)
    return np.ascontiguousarray(vectors[::-1].T, dtype=np.float32)


def kernel(a: Features, b: Features, mix: tuple[float, float, float, float], block: int = 4096) -> NDArray[np.float32]:
    """(len(a), len(b)) weighted sum of cosines, by blocks of rows; a missing modality adds zero."""
    facts, words, text, image = mix
    result = np.zeros((len(a), len(b)), np.float32)
    for start in range(0, len(a), block):
        rows = slice(start, start + block)
        out = result[rows]
        for weight, x, y in ((facts, a.facts, b.facts), (words, a.words, b.words)):
            if weight:
                out += weight * (x[rows] @ y.T).toarray()
        for weight, v, w in ((text, a.text, b.text), (image, a.image, b.image)):
            if weight:
                out += weight * (v[rows] @ w.T)
    return result


CSR = ("data", "indices", "indptr", "shape")


def csr_parts(matrix: Matrix) -> dict[str, NDArray[np.generic]]:
    shape = np.array(matrix.shape)
    return {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "shape": shape}


def csr_from(parts: Tensors) -> Matrix:
    rows, columns = parts["shape"].tolist()
    return sparse.csr_array((parts["data"], parts["indices"], parts["indptr"]), shape=(rows, columns))


def as_f32(array: object) -> NDArray[np.float32]:
    return np.asarray(array, np.float32)
