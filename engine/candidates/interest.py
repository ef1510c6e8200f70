"""Interest-weighted similarity: what an item is beside what one person's history is, and nothing learned.

    s_w(u, i) = w(u, i) * s(u, i)
    s(u, i) = mean over the recent events of u, weighted by recency, of how like i they are; 0 where it is below
    w(u, i) = sum over the entities e of i of t(i, e)^2 * lift(u, e)
    lift(u, e) = (share(u, e) * R + smoothing * p(e)) / (R + smoothing) / p(e)

How like two items are is `content`'s kernel, scaled to at most 1. t are the TF-IDF rows of the facts, whose squares sum
to 1. R is the weight of the history, which fades with `memory`; share(u, e) is the share of it whose items have e, and
p(e) that of the catalogue. So w is 1 for whoever has no history and for an item of which the graph says nothing, and 2
where the history has twice as much of what the item is as the catalogue. An event is worth w times its part in s.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.candidates.base import Features, Scores, Tensors, dense, fading, variants
from engine.candidates.content import Mix, kernel, mix_array, mix_from, mix_of
from engine.config import Content
from engine.config import Interest as Settings
from engine.history import Histories, Matrix

NAME = "interest"
BLOCK_FLOATS = 16_000_000
"""Most floats of users times entities, or words, worked on at once (64 MB)."""


@dataclass(frozen=True)
class Interest:
    """Nothing is fitted but the shares of the catalogue: share (entities,)."""

    half_lives: tuple[float, ...]
    memory: float
    """Half-life, in events, of the history that interests are read from."""
    smoothing: float
    mix: Mix
    share: NDArray[np.float32]
    features: Features
    name: str = NAME

    @property
    def signals(self) -> tuple[str, ...]:
        return variants(self.name, self.half_lives)

    @cached_property
    def _told(self) -> Matrix:
        """(items, entities) t^2."""
        return sparse.csr_array(self.features.facts.power(2))

    @cached_property
    def _rare(self) -> Matrix:
        """(items, entities) 1 / p of the entities that an item has."""
        has = self.features.facts.copy()
        has.data = 1 / self.share[has.indices]
        return sparse.csr_array(has)

    def score(self, histories: Histories) -> Scores:
        scores = np.empty((len(self.half_lives), len(histories), len(self.features)), np.float32)
        remembered = histories.weights(self.memory)
        recent = [histories.weights(half_life) for half_life in self.half_lives]
        for rows in self._blocks(len(histories)):
            weight = self._weight(remembered[rows])
            for out, weights in zip(scores, recent, strict=True):
                out[rows] = weight * self._similarity(weights[rows])
        return scores

    def credit(self, history: Histories, item: int) -> Scores:
        parts = fading(history, self.half_lives) * self._alike(history, item)
        total = np.maximum(fading(history, self.half_lives).sum(1, keepdims=True), 1e-9)
        found = parts / total * self._weight(history.weights(self.memory))[0, item]
        return np.asarray(found * (found.sum(1, keepdims=True) > 0), np.float32)

    def factors(self, history: Histories, items: NDArray[np.int64]) -> tuple[Scores, Scores, Matrix]:
        """Of one user and some items: s by the first half-life and w, (items,), and (items, entities) t^2 (lift - 1).

        A row of the last sums to w - 1.
        """
        similarity = self._similarity(history.weights(self.half_lives[0]))[0, items]
        lift = self._lift(history.weights(self.memory))[0]
        told = sparse.csr_array(self._told[items])
        told.data = (told.data * (lift[told.indices] - 1)).astype(np.float32)
        return similarity, 1 + dense(told.sum(axis=1)).ravel(), told

    def grow(self, features: Features) -> "Interest":
        return replace(self, features=self.features.stack(features))

    def change(self, rows: NDArray[np.int64], features: Features, known: NDArray[np.bool_]) -> "Interest":
        return replace(self, features=self.features.put(rows, features))

    def tensors(self) -> Tensors:
        own = {"half_lives": np.array(self.half_lives), "numbers": np.array([self.memory, self.smoothing])}
        return {**own, "mix": mix_array(self.mix, self.features), "share": self.share, **self.features.tensors()}

    def _blocks(self, users: int) -> Iterator[slice]:
        widest = max(self.features.facts.shape[1], self.features.words.shape[1], 1)
        step = max(1, BLOCK_FLOATS // widest)
        return (slice(start, start + step) for start in range(0, users, step))

    def _lift(self, weights: Matrix) -> Scores:
        """(users, entities), 1 where an entity is met as often as the catalogue has it."""
        total = weights.sum(axis=1)[:, None]
        return np.asarray((dense(weights @ self._rare) + self.smoothing) / (total + self.smoothing), np.float32)

    def _weight(self, weights: Matrix) -> Scores:
        """(users, items) w."""
        return 1 + dense(self._told @ (self._lift(weights) - 1).T).T

    def _similarity(self, weights: Matrix) -> Scores:
        """(users, items) s; zeros for an empty history."""
        total = np.zeros((weights.shape[0], len(self.features)), np.float32)
        said = self.features.parts
        for name, weight in self.mix.items():
            if weight:
                matrix = said[name]
                total += weight * dense(matrix @ dense(weights @ matrix).T).T
        most = np.maximum(weights.sum(axis=1) * sum(self.mix.values()), 1e-9)
        return np.asarray(total.clip(0) / most[:, None], np.float32)

    def _alike(self, history: Histories, item: int) -> NDArray[np.float32]:
        """(events,) similarity of each to the item."""
        rows, one = self.features.take(history.items.astype(np.int64)), self.features.take(np.array([item]))
        return kernel(rows, one, self.mix)[:, 0] / np.float32(max(sum(self.mix.values()), 1e-9))


def fit(features: Features, config: Settings, content: Content) -> Interest:
    """Count what share of the catalogue has each entity."""
    share = np.bincount(features.facts.indices, minlength=features.facts.shape[1]) / max(len(features), 1)
    least = np.maximum(share, 1 / max(len(features), 1))  # an entity that no item has yet
    mix, told = mix_of(content, features), least.astype(np.float32)
    return Interest(config.half_lives, config.memory, config.smoothing, mix, told, features)


def restore(tensors: Tensors) -> Interest:
    features = Features.from_tensors(tensors)
    share: NDArray[np.float32] = np.asarray(tensors["share"], np.float32)
    memory, smoothing = tensors["numbers"].tolist()
    mix = mix_from(tensors, features)
    return Interest(tuple(tensors["half_lives"].tolist()), memory, smoothing, mix, share, features)
