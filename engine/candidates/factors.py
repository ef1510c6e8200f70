"""Taste in a few dimensions, and items put there by what they are: the common part of content and gnn.

With U the leading item factors of who chose what, a history h is at h U, an item x is where a placer puts it from its
features, r(x), and the score is (h U) r(x). Smoothing by U (an SVD of low rank) keeps the taste that items share and
drops the noise of single choices. Columns are damped by popularity^-power first, or the leading dimensions would tell
little but who is popular. A new item needs only r(x).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.candidates.base import Features, Scores, Tensors, fading, group, grouped, most_chosen, variants
from engine.candidates.spectrum import leading
from engine.history import Histories


class Placer(Protocol):
    """Learned from items with history; puts any item among them."""

    def place(self, features: Features) -> NDArray[np.float32]:
        """(items, rank) coordinates."""
        ...

    def tensors(self) -> Tensors: ...


@dataclass(frozen=True)
class Factors:
    """A generator from a placer. Shapes: left and right (items, rank)."""

    name: str
    half_lives: tuple[float, ...]
    placer: Placer
    left: NDArray[np.float32]
    """Where an item of the history puts its user; zeros for an item without history."""
    right: NDArray[np.float32]
    """Where the placer puts each item."""

    @property
    def signals(self) -> tuple[str, ...]:
        return variants(self.name, self.half_lives)

    def score(self, histories: Histories) -> Scores:
        return np.asarray(self.points(histories) @ self.places.T)

    @property
    def places(self) -> Scores:
        return self.right

    def points(self, histories: Histories) -> Scores:
        points = np.empty((len(self.half_lives), len(histories), self.left.shape[1]), np.float32)
        (ends, items), weights = histories.met, histories.faded(self.half_lives)
        for user, (start, stop) in enumerate(pairwise(ends.tolist())):
            points[:, user] = weights[:, start:stop] @ self.left[items[start:stop]]
        return points

    def credit(self, history: Histories, item: int) -> Scores:
        return np.asarray(fading(history, self.half_lives) * (self.left[history.items] @ self.right[item]))

    def grow(self, features: Features) -> "Factors":
        left = np.pad(self.left, ((0, len(features)), (0, 0)))
        return replace(self, left=left, right=np.concatenate([self.right, self.placer.place(features)]))

    def change(self, rows: NDArray[np.int64], features: Features, known: NDArray[np.bool_]) -> "Factors":
        right = self.right.copy()
        right[rows] = self.placer.place(features)
        return replace(self, right=right)

    def tensors(self) -> Tensors:
        own = {"half_lives": np.array(self.half_lives), "left": self.left, "right": self.right}
        return {**own, **grouped("placer", self.placer.tensors())}


def update(old: Factors, before: Histories, after: Histories, power: float, most: int) -> Factors:
    """The same places, and histories put among them by all choices: items that were new are heard of from here on.

    What an item is says of taste what it said before, so the placer stays. With A the damped choices and F the factors
    as they were, A'A F over |A F|^2 are the factors of all items in the same basis, one step of orthogonal iteration.
    """
    chosen, was = after.seen(), np.bincount(before.seen().indices, minlength=after.n_items)
    popularity = np.bincount(chosen.indices, minlength=after.n_items)
    factors = old.left * np.maximum(was, 1).astype(np.float32)[:, None] ** np.float32(power)
    kept = np.zeros(after.n_items, np.float32)
    known = most_chosen(popularity, most)
    kept[known] = popularity[known].astype(np.float32) ** np.float32(-power)
    damped = sparse.csr_array(chosen @ sparse.diags_array(kept))
    users = damped @ factors
    strength = np.maximum(np.square(users).sum(axis=0), np.float32(1e-12))
    left = np.asarray((damped.T @ users) / strength * kept[:, None], np.float32)
    return replace(old, left=left)


def from_tensors(name: str, tensors: Tensors, placer: Callable[[Mapping[str, NDArray[np.generic]]], Placer]) -> Factors:
    """The generator again; `placer` makes its placer from the tensors that it gave."""
    left, right = (np.asarray(tensors[key], np.float32) for key in ("left", "right"))
    return Factors(name, tuple(tensors["half_lives"].tolist()), placer(group("placer", tensors)), left, right)


@dataclass(frozen=True)
class Taste:
    """What a placer learns. Shapes: known (k,), factors and left (k, rank), weights (rank,)."""

    known: NDArray[np.int64]
    """Rows of the items learned from, in order."""
    factors: NDArray[np.float32]
    """Orthonormal columns."""
    left: NDArray[np.float32]
    """The factors, each item's damped once more: histories times these are the users."""
    weights: NDArray[np.float32]
    """Share of each dimension in the users' lengths: how much a mistake there costs."""

    def spread(self, n_items: int) -> NDArray[np.float32]:
        """`left` over all items, (n_items, rank)."""
        result = np.zeros((n_items, self.left.shape[1]), np.float32)
        result[self.known] = self.left
        return result


def taste(histories: Histories, rank: int, power: float, most: int) -> Taste:
    """The leading factors of the `most` chosen items that have history."""
    chosen = histories.seen()
    popularity = np.asarray(chosen.sum(axis=0)).ravel()
    known = most_chosen(popularity, most)
    damp = popularity[known].astype(np.float64) ** -power
    damped = sparse.csr_array(chosen[:, known].astype(np.float64) @ sparse.diags_array(damp))
    factors = item_factors(damped, rank)
    length = np.linalg.norm(damped @ factors, axis=0)
    weights = (length / max(length.sum(), 1e-12)).astype(np.float32)
    return Taste(known, factors, (factors * damp[:, None]).astype(np.float32), weights)


def item_factors(chosen: "sparse.csr_array[np.float64]", rank: int) -> NDArray[np.float32]:
    """(items, rank) leading right singular vectors of (users, items) choices: orthonormal columns."""
    rank = min(rank, min(chosen.shape) - 1)
    if rank < 1:
        return np.ones((chosen.shape[1], 1), np.float32) / np.float32(max(chosen.shape[1], 1) ** 0.5)
    return leading(chosen, rank)
