"""Kernel ridge from what an item is to who chose it: places items that nobody has touched, in closed form.

The kernel is a weighted sum of cosines: graph facts, words, text vectors, picture vectors. With K over the items that
have history and U their factors of taste (see factors.py), an item x is put at k(x) (K + l2 I)^-1 U.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from engine.candidates.base import Features, Tensors, csr_from, csr_parts, dense, grouped
from engine.candidates.factors import Factors, from_tensors, taste
from engine.config import Content as Settings
from engine.history import Histories

NAME = "content"
BLOCK = 4096
"""Items whose kernel is worked out at once."""
Mix = tuple[float, float, float, float]


@dataclass(frozen=True)
class Ridge:
    """The solved ridge: `dual` is (known, targets)."""

    mix: Mix
    """Kernel weights of facts, words, text and image."""
    known: Features
    """Features of the items learned from, which others are compared with."""
    dual: NDArray[np.float32]

    def place(self, features: Features) -> NDArray[np.float32]:
        """(items, targets)."""
        parts = [np.zeros((0, self.dual.shape[1]), np.float32)]
        for start in range(0, len(features), BLOCK):  # the kernel of all items at once may be gigabytes
            some = features.take(np.arange(start, min(start + BLOCK, len(features))))
            parts.append(kernel(some, self.known, self.mix) @ self.dual)
        return np.concatenate(parts)

    def tensors(self) -> Tensors:
        known = {name: getattr(self.known, name) for name in ("text", "image", "relations")}
        for part in ("facts", "words"):
            known |= grouped(part, csr_parts(getattr(self.known, part)))
        return {"mix": np.array(self.mix), "dual": self.dual, **known}

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> "Ridge":
        facts, words = (csr_from(tensors, part) for part in ("facts", "words"))
        text, image, dual = (np.asarray(tensors[name], np.float32) for name in ("text", "image", "dual"))
        a, b, c, d = tensors["mix"].tolist()
        return cls((a, b, c, d), Features(facts, words, text, image, tensors["relations"].astype(np.int64)), dual)


def fit(histories: Histories, features: Features, config: Settings) -> Factors:
    """Solve the ridge for the factors of taste: cubic in the items with history."""
    learned = taste(histories, config.rank, config.power, config.max_items)
    base, mix = features.take(learned.known), mix_of(config)
    gram = kernel(base, base, mix)
    gram[np.diag_indices_from(gram)] += config.l2
    dual = learned.factors
    if len(dual):
        dual = np.asarray(cho_solve(cho_factor(gram, lower=True, overwrite_a=True), dual), np.float32)
    placer = Ridge(mix, base, dual)
    return Factors(NAME, config.half_lives, placer, learned.spread(len(features)), placer.place(features))


def restore(tensors: Tensors) -> Factors:
    return from_tensors(NAME, tensors, Ridge.from_tensors)


def mix_of(config: Settings) -> Mix:
    return config.facts, config.words, config.text, config.image


def kernel(a: Features, b: Features, mix: Mix, block: int = BLOCK) -> NDArray[np.float32]:
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


def alike(features: Features, rows: Sequence[int]) -> NDArray[np.float64]:
    """(items,) how like the mean of some items each is: the mean cosine of facts, words, texts and pictures."""
    total = np.zeros(len(features), np.float64)
    for matrix in (features.facts, features.words, features.text, features.image):
        middle = dense(matrix[list(rows)].sum(axis=0)).ravel() if len(rows) > 1 else dense(matrix[list(rows)]).ravel()
        total += dense(matrix @ middle).ravel() / max(float(np.linalg.norm(middle)), 1e-9) / 4
    return total
