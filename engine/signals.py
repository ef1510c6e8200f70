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
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.candidates.base import Generator, Placed, Scores
from engine.history import Histories

DIGITS = 0.05
"""Where less of a mean square is variance, too many digits are lost in taking the squared mean from it."""
EQUAL = 1e-6
"""A deviation below it is rounding: the signal says nothing for this user, and is zero, not noise blown up."""


@dataclass(frozen=True)
class Signals:
    """Raw signals of some users, those with places and the others apart; `frame` says which are which.

    Shapes: points (placed signals, users, dims), scores of each other generator (its signals, users, items), mean and
    scale (signals, users). A standardised signal is (raw - mean) * scale.
    """

    frame: "Frame"
    points: Scores
    scores: Sequence[Scores]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    def at(self, user: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[np.float32]:
        """(rows, signals) standardised signals of some pairs of user and item, (rows,) each; users in their order."""
        ends = np.searchsorted(user, np.arange(self.mean.shape[1] + 1)).tolist()
        found = np.empty((len(user), len(self.mean)), np.float32)
        for one, (start, stop) in enumerate(pairwise(ends)):
            raw, items, none = found[start:stop], item[start:stop], np.zeros((0, stop - start), np.float32)
            raw[:, self.frame.placed] = self.frame.places[items] @ self.points[:, one].T
            raw[:, ~self.frame.placed] = np.vstack([none, *(scores[:, one, items] for scores in self.scores)]).T
            raw -= self.mean[:, one]
            raw *= self.scale[:, one]
        return found

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
        new = self.frame.new
        fused, of_new = products(self.frame.places, towards[0]), towards[1] @ self.frame.new_places.T
        first = 0
        others = weights[:, ~self.frame.placed]
        for scores in self.scores:
            some = others[:, first : first + len(scores)]
            for user in range(len(fused)):
                fused[user] += some[0, :, user] @ scores[:, user]
                of_new[user] += some[1, :, user] @ scores[:, user].take(new, axis=1)
            first += len(scores)
        fused += start[0][:, None]
        fused[:, new] = of_new + start[1][:, None]
        return fused


FEW, ROWS = 6, 1024
"""For so many users at most, places are gone through in blocks of so many rows: a matrix product copies them all."""


def products(places: Scores, points: Scores) -> Scores:
    """(users, items) products of places (items, dims) with points (users, dims)."""
    if len(points) > FEW:
        return np.ascontiguousarray((places @ points.T).T)
    found = np.empty((len(points), len(places), 1), np.float32)
    for first in range(0, len(places), ROWS):
        some = slice(first, first + ROWS)
        np.matmul(places[some], points[:, :, None], out=found[:, some])
    return found[..., 0]


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
        scores: list[Scores] = []
        row = column = 0
        for one, with_places in zip(self.generators, self.with_places, strict=True):
            if with_places:
                own = with_places.points(histories)
                points[row : row + len(own), :, column : column + own.shape[2]] = own
                row, column = row + len(own), column + own.shape[2]
            else:
                scores.append(one.score(histories))
        mean, variance = np.empty((2, len(placed), users))
        centre, covariance = self.moments
        mean[placed], variance[placed] = points @ centre, np.einsum("sud,sud->su", points @ covariance, points)
        rest = np.flatnonzero(~placed)
        for some in scores:
            rows, rest = rest[: len(some)], rest[len(some) :]
            mean[rows], variance[rows] = self._moments_of(some)
        deviation = np.sqrt(variance.clip(0))
        scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > EQUAL)
        return Signals(self, points, scores, mean.astype(np.float32), scale.astype(np.float32))

    def _moments_of(self, scores: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and variance, (signals, users) each, of scores (signals, users, items) over the known items."""
        mean, square = np.empty((2, *scores.shape[:2]))
        for user in range(scores.shape[1]):  # one after the other: what is worked on is still in the cache
            some = scores[:, user]
            mean[:, user], square[:, user] = some @ self.share, np.vecdot(some * self.share, some)
        variance = square - mean**2
        for signal, user in np.argwhere(variance < DIGITS * square):
            apart = scores[signal, user] - mean[signal, user].astype(np.float32)
            variance[signal, user] = np.square(apart) @ self.share
        return mean, variance
