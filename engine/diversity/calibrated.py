"""Calibrated lists: kinds of things have the shares in a list that they have in the history.

    value(list) = sum of score(i) - weight * places * KL(p || q),   KL = sum over kinds k of p(k) log(p(k) / q'(k))

p(k) is the share of a kind in the history and q(k) in the list, where an item of several kinds counts in parts; q' is
q with a hundredth of p, so that a kind that is missing costs much and not everything. A place is worth what it changes
of that. Who has no history, or one of no kind, gets the order of the scores.

Source: Steck 2018, Calibrated recommendations (RecSys). There the divergence is not multiplied by the places; with it
a weight means the same for every place and every length.
"""

import numpy as np
from numpy.typing import NDArray

from engine.diversity.making import Floats

SMOOTHING = 0.01


class Calibrated:
    """A criterion over (shortlist, kinds) shares, a row of which sums to 1 or is 0, and those wanted, (kinds,)."""

    def __init__(self, shares: NDArray[np.float32], wanted: Floats, weight: float) -> None:
        asked = wanted > 0
        self.wanted = wanted[asked]
        self.shares = shares[:, asked].astype(np.float64)
        self.weight = weight
        self.sum = np.zeros(len(self.wanted))
        """(kinds,) of the shares of those above."""
        self.places = 0

    @property
    def size(self) -> int:
        return len(self.shares)

    def added(self) -> Floats:
        if not len(self.wanted):
            return np.zeros(len(self.shares))
        now = self.places * divergence(self.wanted, self.sum / max(self.places, 1))
        then = (self.places + 1) * divergence(self.wanted, (self.sum + self.shares) / (self.places + 1))
        return np.asarray(self.weight * (now - then))

    def take(self, row: int) -> None:
        self.sum = self.sum + self.shares[row]
        self.places += 1


def divergence(wanted: Floats, given: Floats) -> Floats:
    """(...,) KL in nats of shares (..., kinds) from those wanted, (kinds,), which are above 0."""
    smooth = (1 - SMOOTHING) * given + SMOOTHING * wanted
    return np.asarray((wanted * np.log(wanted / smooth)).sum(-1))
