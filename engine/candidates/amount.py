"""How much is said of an item: what is widely known of is widely chosen, whatever it is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.candidates.base import Features, Tensors

FARTHEST = 5.0
"""Deviations: an item that lacks what all others have is far away, but no farther, or it would be flung out."""


@dataclass(frozen=True)
class Amount:
    """What amounts are compared with. Shapes: degree (entities,), centre and scale (numbers,)."""

    degree: NDArray[np.float32]
    """Items that each entity is said of, when this was learned."""
    centre: NDArray[np.float32]
    scale: NDArray[np.float32]

    def of(self, features: Features) -> NDArray[np.float32]:
        """(items, numbers), about 0 and at scale 1: see `raw`."""
        deviations: NDArray[np.float32] = (raw(features, self.degree) - self.centre) / self.scale
        return deviations.clip(-FARTHEST, FARTHEST)

    def tensors(self) -> Tensors:
        return {"degree": self.degree, "centre": self.centre, "scale": self.scale}

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> "Amount":
        degree, centre, scale = (np.asarray(tensors[name], np.float32) for name in ("degree", "centre", "scale"))
        return cls(degree, centre, scale)


def learn(features: Features) -> Amount:
    """From the items of the catalogue, whether anybody chose them or not."""
    degree = np.bincount(features.facts.indices, minlength=features.facts.shape[1]).astype(np.float32)
    found = raw(features, degree)
    scale = found.std(axis=0) if len(found) else np.ones(found.shape[1], np.float32)
    return Amount(degree, found.mean(axis=0) if len(found) else 0 * scale, np.where(scale > 1e-3, scale, 1))


def raw(features: Features, degree: NDArray[np.float32]) -> NDArray[np.float32]:
    """(items, 2 * relations + 1 + modalities): facts by relation, how common they are, words, and what is there."""
    n, relations = len(features), int(features.relations.max(initial=-1)) + 1
    cells = features.facts.tocoo()
    cell = cells.row * np.int64(relations) + features.relations[cells.col]
    count = np.bincount(cell, minlength=n * relations)
    common = np.bincount(cell, np.log1p(degree)[cells.col], minlength=n * relations)
    present = [np.abs(vectors).sum(axis=1) > 0 for vectors in features.vectors.values()]
    words = np.log1p(np.diff(features.words.indptr))
    columns = [
        np.log1p(count).reshape(n, relations),
        (common / np.maximum(count, 1)).reshape(n, relations),
        np.column_stack([words, *present]),
    ]
    return np.hstack(columns).astype(np.float32)


def binary(features: Features) -> "sparse.csr_array[np.float32]":
    """(items, entities) ones where the graph says something."""
    facts = features.facts
    return sparse.csr_array((np.ones_like(facts.data), facts.indices, facts.indptr), shape=facts.shape)
