"""The fusion layer: one gated, additive score out of all signals.

A signal z is standardised per user over the items with history, so that weights mean the same for everybody. Then

    score(u, i) = sum_s z_s(u, i) * (weight[b, g, s] + slope[b, g, s] * l(u)) + offset[g]

where the gate g says whether item i is known (has history) or new, b whether user u has a long history or has just
arrived, and l(u) grows with the log of the history's length: a single click deserves less trust than a hundred. Who has
just arrived asks for what everybody likes, and others met that long ago: weights of their own cost neither anything.
Every term belongs to one signal: explanations are exact.
How the weights are learned is in listwise.py; here it is numbers alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.candidates import Generator
from engine.history import Histories
from engine.lists import Lists

Signals = NDArray[np.float32]
LONG = 0.2
"""Trust above which a history is long: 16 events."""


@dataclass(frozen=True)
class Fusion:
    """The learned weights. Shapes: weight and slope (2, 2, signals), offset (2,).

    The first axis of weight and slope is for short histories (0) and long ones (1), the next, and that of offset, for
    known items (0) and new ones (1).
    """

    names: tuple[str, ...]
    weight: NDArray[np.float32]
    slope: NDArray[np.float32]
    offset: NDArray[np.float32]

    def only(self, names: tuple[str, ...]) -> "Fusion":
        """The same weights for some of the signals, in the order given."""
        at = [self.names.index(name) for name in names]
        # Rows lie in order, as in an artefact: another order of adding up would change the last digits of a score.
        weight, slope = (np.ascontiguousarray(array[..., at]) for array in (self.weight, self.slope))
        return Fusion(names, weight, slope, self.offset)

    def over(self, names: tuple[str, ...]) -> "Fusion":
        """The same fusion over more signals, those of its own among them: the rest weigh nothing."""
        at = [names.index(name) for name in self.names]
        weight, slope = (np.zeros((*array.shape[:-1], len(names)), np.float32) for array in (self.weight, self.slope))
        weight[..., at], slope[..., at] = self.weight, self.slope
        return Fusion(names, weight, slope, self.offset)

    def gates(self, trust: NDArray[np.float32]) -> Signals:
        """(2, users, signals) weight of each signal for known and for new items."""
        long = (trust > LONG).astype(int)
        gates = self.weight[long] + self.slope[long] * trust[:, None, None]  # (users, 2, signals)
        return np.asarray(gates.transpose(1, 0, 2), np.float32)

    def score(self, signals: Signals, trust: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
        """(users, items) fused scores of (users, items, signals); `known` is (users, items), or (items,) for all."""
        gates = self.gates(trust)
        scores = np.einsum("uis,us->ui", signals, gates[0], optimize=True) + self.offset[0]
        user, item = np.nonzero(np.broadcast_to(~known, scores.shape))
        scores[user, item] = np.einsum("rs,rs->r", signals[user, item], gates[1, user]) + self.offset[1]
        return np.asarray(scores, np.float32)

    def spread(self, lists: Lists) -> NDArray[np.float32]:
        """(users,) deviation of the fused scores over the known items."""
        gates = self.gates(lists.trust)[0]
        found: NDArray[np.float32] = np.sqrt(np.einsum("us,ust,ut->u", gates, lists.covariance, gates).clip(0))
        return found


def trust(histories: Histories) -> NDArray[np.float32]:
    """(users,) log of the history's length: -1 for one event or none, 0 for ten, 1 for a hundred."""
    return np.asarray(np.log10(np.maximum(histories.lengths, 1)) - 1, np.float32)


def standardised(generators: Sequence[Generator], histories: Histories, known: NDArray[np.bool_]) -> Signals:
    """(users, items, signals) scores of all generators, mean 0 and deviation 1 per user over the known items."""
    width = sum(len(generator.signals) for generator in generators)
    result = np.empty((len(histories), len(known), width), np.float32)
    at = 0
    for generator in generators:
        for scores in generator.score(histories):  # (users, items)
            base = scores[:, known] if known.any() else scores
            mean, deviation = base.mean(axis=1, keepdims=True), base.std(axis=1, keepdims=True)
            # A signal that says nothing for a user (no history yet) is zero, not noise blown up.
            factor = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 1e-6)
            result[..., at] = (scores - mean) * factor
            at += 1
    return result


def even(names: Sequence[str]) -> Fusion:
    """Every signal weighs the same: what is left where there is too little history to learn from."""
    ones = np.ones((2, 2, len(names)), np.float32)
    return Fusion(tuple(names), ones, np.zeros_like(ones), np.zeros(2, np.float32))
