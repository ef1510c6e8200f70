"""The signals of a few users over a large catalogue, and their fused score, in as few passes over the items as will do.

The fused score is linear in the standardised signals, and a standardised signal is a signal less its mean, divided by
its deviation over the known items. Most generators put users and items among factors: a signal is the product of a
point p and the places F of the items. Its mean is p.m and its variance p'Cp, with m and C the mean and covariance of
the places; and since

    sum_s w_s (F p_s - mean_s) / deviation_s  =  F [sum_s w_s p_s / deviation_s] - sum_s w_s mean_s / deviation_s

all such generators together cost one product of all their places with one point a user, whatever the signals. The
other generators' signals are worked out as they are. Nobody looks at single signals but those of the best candidates.
`fusion.standardised` is the plain way to the same numbers, for learning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.candidates.base import Generator, Placed, Scores
from engine.history import Histories

EQUAL = 1e-6
"""A deviation below it is rounding: the signal says nothing for this user, and is zero, not noise blown up."""


@dataclass(frozen=True)
class Moments:
    """Of places over the known items: mean (dim,), covariance (dim, dim)."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


@dataclass(frozen=True)
class Signals:
    """Raw signals of some users, one block a generator, in the order of the generators.

    A block is scores (signals, users, items), or points (signals, users, dim) of a generator with places. Shapes: mean
    and scale (signals, users), over all generators; a standardised signal is (raw - mean) * scale.
    """

    frame: "Frame"
    blocks: Sequence[Scores]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    def at(self, user: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[np.float32]:
        """(rows, signals) standardised signals of some pairs of user and item, (rows,) each."""
        raw = [
            np.einsum("srd,rd->sr", block[:, user], generator.places[item])
            if isinstance(generator, Placed)
            else block[:, user, item]
            for generator, block in zip(self.frame.generators, self.blocks, strict=True)
        ]
        standardised = (np.concatenate(raw) - self.mean[:, user]) * self.scale[:, user]
        return np.ascontiguousarray(standardised.T)

    def weighed(self, gates: NDArray[np.float32], offset: NDArray[np.float32]) -> NDArray[np.float32]:
        """(users, items) fused scores, by `gates` (2, users, signals) and `offset` (2,) for known and new items."""
        weights = gates.transpose(0, 2, 1) * self.scale  # (2, signals, users)
        start = offset[:, None] - (weights * self.mean).sum(1)
        points, at = [], 0
        fused = np.zeros((len(start[0]), len(self.frame.known)), np.float32)
        new = np.zeros((len(fused), len(self.frame.new)), np.float32)
        for generator, block in zip(self.frame.generators, self.blocks, strict=True):
            weight = weights[:, at : at + len(block)]
            at += len(block)
            if isinstance(generator, Placed):
                points.append(np.einsum("gsu,sud->gud", weight, block))
                continue
            for user in range(len(fused)):
                fused[user] += weight[0, :, user] @ block[:, user]
                new[user] += weight[1, :, user] @ block[:, user, self.frame.new]
        if points:
            together = np.concatenate(points, axis=2)
            fused += together[0] @ self.frame.places
            new += together[1] @ self.frame.new_places
        fused += start[0][:, None]
        fused[:, self.frame.new] = new + start[1][:, None]
        return fused


@dataclass(frozen=True)
class Frame:
    """What of some generators is the same for every user; each part is made when it is first asked for."""

    generators: Sequence[Generator]
    known: NDArray[np.bool_]
    """(items,) items that had history when the generators were fitted."""

    @cached_property
    def new(self) -> NDArray[np.int64]:
        return np.flatnonzero(~self.known)

    @cached_property
    def share(self) -> NDArray[np.float32]:
        """(items,) what each counts in a mean over the known items; over all where there is none."""
        counted = self.known if self.known.any() else np.ones_like(self.known)
        return (counted / max(int(counted.sum()), 1)).astype(np.float32)

    @cached_property
    def places(self) -> NDArray[np.float32]:
        """(dims, items) those of all generators that have places, one below the other."""
        return np.concatenate([one.places.T for one in self.generators if isinstance(one, Placed)])

    @cached_property
    def new_places(self) -> NDArray[np.float32]:
        return self.places[:, self.new]

    @cached_property
    def moments(self) -> list[Moments | None]:
        """By generator; None for one without places."""
        return [moments(one.places, self.share) if isinstance(one, Placed) else None for one in self.generators]

    def signals(self, histories: Histories) -> Signals:
        """The signals of every generator for these histories."""
        blocks, means, variances = [], [], []
        for generator, known in zip(self.generators, self.moments, strict=True):
            if isinstance(generator, Placed) and known is not None:
                block = generator.points(histories)
                means.append(block @ known.mean)
                variances.append(np.einsum("sud,sud->su", block @ known.covariance, block))
            else:
                block = generator.score(histories)
                means.append(block @ self.share)
                rest = block - means[-1][..., None]
                variances.append(np.square(rest, out=rest) @ self.share)
            blocks.append(block)
        deviation = np.sqrt(np.concatenate(variances).clip(0))
        scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > EQUAL)
        return Signals(self, blocks, np.concatenate(means).astype(np.float32), scale.astype(np.float32))


def moments(places: NDArray[np.float32], share: NDArray[np.float32]) -> Moments:
    """Of places (items, dim), where an item counts `share` (items,)."""
    mean = share.astype(np.float64) @ places
    rest = places - mean
    return Moments(mean, (rest * share[:, None]).T @ rest)
