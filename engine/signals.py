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
class Signals:
    """Raw signals of some users, those with places and the others apart; `frame` says which are which.

    Shapes: points (placed signals, users, dims), scores (other signals, users, items), mean and scale (signals, users).
    A standardised signal is (raw - mean) * scale.
    """

    frame: "Frame"
    points: Scores
    scores: Scores
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    def at(self, user: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[np.float32]:
        """(rows, signals) standardised signals of some pairs of user and item, (rows,) each."""
        raw = np.empty((len(self.mean), len(user)), np.float32)
        raw[self.frame.placed] = np.einsum("srd,rd->sr", self.points[:, user], self.frame.places[item])
        raw[~self.frame.placed] = self.scores[:, user, item]
        return np.asarray(((raw - self.mean[:, user]) * self.scale[:, user]).T, order="C")

    def spread(self, fused: Scores) -> NDArray[np.float32]:
        """(users,) deviation of some scores, (users, items), over the known items."""
        share = self.frame.share
        mean = fused @ share
        found: NDArray[np.float32] = np.sqrt((np.square(fused - mean[:, None]) @ share).clip(0))
        return found

    def weighed(self, gates: NDArray[np.float32], offset: NDArray[np.float32]) -> NDArray[np.float32]:
        """(users, items) fused scores, by `gates` (2, users, signals) and `offset` (2,) for known and new items."""
        weights = gates.transpose(0, 2, 1) * self.scale  # (2, signals, users)
        start = offset[:, None] - (weights * self.mean).sum(1)
        towards = np.einsum("gsu,sud->gud", weights[:, self.frame.placed], self.points)
        others, new = weights[:, ~self.frame.placed], self.frame.new
        fused: Scores = towards[0] @ self.frame.places.T
        of_new = towards[1] @ self.frame.new_places.T
        for user in range(len(fused)):
            fused[user] += others[0, :, user] @ self.scores[:, user]
            of_new[user] += others[1, :, user] @ self.scores[:, user, new]
        fused += start[0][:, None]
        fused[:, new] = of_new + start[1][:, None]
        return fused


@dataclass(frozen=True)
class Frame:
    """What of some generators is the same for every user; each part is made when it is first asked for."""

    generators: Sequence[Generator]
    known: NDArray[np.bool_]
    """(items,) items that had history when the generators were fitted."""

    @cached_property
    def with_places(self) -> list[Placed | None]:
        """Each generator that has places, None for the others; asking what an object can do costs a list its time."""
        return [one if isinstance(one, Placed) else None for one in self.generators]

    @cached_property
    def placed(self) -> NDArray[np.bool_]:
        """(signals,) whether a signal is of a generator with places."""
        has = [one is not None for one in self.with_places]
        return np.repeat(np.array(has, bool), [len(one.signals) for one in self.generators])

    @cached_property
    def new(self) -> NDArray[np.int64]:
        """Rows of the items without history."""
        return np.flatnonzero(~self.known)

    @cached_property
    def share(self) -> NDArray[np.float32]:
        """(items,) what each counts in a mean over the known items; over all where there is none."""
        counted = self.known if self.known.any() else np.ones_like(self.known)
        return (counted / max(int(counted.sum()), 1)).astype(np.float32)

    @cached_property
    def places(self) -> NDArray[np.float32]:
        """(items, dims) the places that all generators give an item, side by side."""
        none = np.zeros((len(self.known), 0), np.float32)
        return np.concatenate([none, *(one.places for one in self.with_places if one)], axis=1)

    @cached_property
    def new_places(self) -> NDArray[np.float32]:
        return self.places[self.new]

    @cached_property
    def moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean (dims,) and covariance (dims, dims) of the places over the known items."""
        mean = self.share.astype(np.float64) @ self.places
        rest = self.places - mean
        return mean, (rest * self.share[:, None]).T @ rest

    def signals(self, histories: Histories) -> Signals:
        """The signals of every generator for these histories."""
        users, placed = len(histories), self.placed
        points = np.zeros((int(placed.sum()), users, self.places.shape[1]), np.float32)
        scores = np.empty((len(placed) - len(points), users, len(self.known)), np.float32)
        row = column = other = 0
        for one, with_places in zip(self.generators, self.with_places, strict=True):
            if with_places:
                own = with_places.points(histories)
                points[row : row + len(own), :, column : column + own.shape[2]] = own
                row, column = row + len(own), column + own.shape[2]
            else:
                raw = one.score(histories)
                scores[other : other + len(raw)] = raw
                other += len(raw)
        mean, variance = np.empty((2, len(placed), users))
        centre, covariance = self.moments
        mean[placed], variance[placed] = points @ centre, np.einsum("sud,sud->su", points @ covariance, points)
        mean[~placed] = scores @ self.share
        for at, signal in zip(np.flatnonzero(~placed), scores, strict=True):
            variance[at] = np.square(signal - mean[at, :, None].astype(np.float32)) @ self.share
        deviation = np.sqrt(variance.clip(0))
        scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > EQUAL)
        return Signals(self, points, scores, mean.astype(np.float32), scale.astype(np.float32))
