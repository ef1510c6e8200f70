"""Kernel ridge from what an item is to who chose it: places items that nobody has touched, in closed form.

The kernel is a weighted sum of cosines: graph facts, words, text vectors, picture vectors and those of any further
modality. With K over the items that have history and U their factors of taste (see factors.py), an item x is put at
k(x) (K + l2 I)^-1 U.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from engine.candidates.base import SPARSE, Features, Tensors, dense
from engine.candidates.factors import Factors, from_tensors, taste
from engine.config import Content as Settings
from engine.history import Histories

NAME = "content"
MORE = 0.15
"""Weight of a further modality that is not named in candidates.content.more: that of pictures."""
BLOCK = 4096
"""Items whose kernel is worked out at once."""
Mix = Mapping[str, float]
"""Kernel weight of each modality."""


@dataclass(frozen=True)
class Ridge:
    """The solved ridge: `dual` is (known, targets)."""

    mix: Mix
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
        return {"mix": mix_array(self.mix, self.known), "dual": self.dual, **self.known.tensors()}

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> "Ridge":
        known = Features.from_tensors(tensors)
        return cls(mix_from(tensors, known), known, np.asarray(tensors["dual"], np.float32))


def fit(histories: Histories, features: Features, config: Settings) -> Factors:
    """Solve the ridge for the factors of taste: cubic in the items with history."""
    learned = taste(histories, config.rank, config.power, config.max_items)
    base, mix = features.take(learned.known), mix_of(config, features)
    gram = kernel(base, base, mix)
    gram[np.diag_indices_from(gram)] += config.l2
    dual = learned.factors
    if len(dual):
        dual = np.asarray(cho_solve(cho_factor(gram, lower=True, overwrite_a=True), dual), np.float32)
    placer = Ridge(mix, base, dual)
    right = everywhere(placer, features, learned.known, learned.factors - config.l2 * dual)
    return Factors(NAME, config.half_lives, placer, learned.spread(len(features)), right)


def everywhere(
    placer: Ridge, features: Features, known: NDArray[np.int64], there: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(items, targets) where a ridge puts all items, given where it puts the `known` it was learned from.

    From (K + l2 I) dual = U that is K dual = U - l2 dual, without their kernel.
    """
    rest = np.setdiff1d(np.arange(len(features)), known)
    found = np.empty((len(features), there.shape[1]), np.float32)
    found[known], found[rest] = there, placer.place(features.take(rest))
    return found


def restore(tensors: Tensors) -> Factors:
    return from_tensors(NAME, tensors, Ridge.from_tensors)


def mix_of(config: Settings, features: Features) -> Mix:
    """The weights of all modalities that there are."""
    own = {"facts": config.facts, "words": config.words, "text": config.text, "image": config.image}
    return own | {name: config.more.get(name, MORE) for name in features.more}


def mix_array(mix: Mix, features: Features) -> NDArray[np.float64]:
    """(modalities,) the weights, in the order of the features' parts."""
    return np.array([mix[name] for name in features.parts], np.float64)


def mix_from(tensors: Tensors, features: Features) -> Mix:
    return dict(zip(features.parts, tensors["mix"].tolist(), strict=True))


def kernel(a: Features, b: Features, mix: Mix, block: int = BLOCK) -> NDArray[np.float32]:
    """(len(a), len(b)) weighted sum of cosines, by blocks of rows; a missing modality adds zero."""
    result = np.zeros((len(a), len(b)), np.float32)
    said, others = a.parts, b.parts
    for start in range(0, len(a), block):
        rows = slice(start, start + block)
        for name, weight in mix.items():
            if weight:
                cosines = said[name][rows] @ others[name].T
                result[rows] += weight * (cosines.toarray() if name in SPARSE else cosines)
    return result


def alike(features: Features, rows: Sequence[int]) -> NDArray[np.float64]:
    """(items,) how like the mean of some items each is: the mean cosine of facts, words, texts, pictures and so on."""
    total = np.zeros(len(features), np.float64)
    for matrix in features.parts.values():
        middle = dense(matrix[list(rows)].sum(axis=0)).ravel() if len(rows) > 1 else dense(matrix[list(rows)]).ravel()
        total += dense(matrix @ middle).ravel() / max(float(np.linalg.norm(middle)), 1e-9)
    return total / len(features.parts)
