"""Candidate lists to learn from: of the whole catalogue, or cut to the candidates that anything is learned from.

What a list is cut to must still tell what the whole would: the answers, the best by each signal, where a fusion finds
the best by its own weights, and some drawn evenly, which stand for all the rest. The spread of a fused score over the
catalogue comes from the covariance of the signals, which is kept whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Signals = NDArray[np.float32]
NEGATIVES = 150
"""Most items drawn evenly beside the answers of a list."""


@dataclass(frozen=True)
class Lists:
    """Lists to learn from, of the whole catalogue or of as many candidates of each user (see `shortlisted`).

    Shapes: signals (users, candidates, signals), trust (users,), all else (users, candidates) unless said otherwise.
    """

    signals: Signals
    trust: NDArray[np.float32]
    known: NDArray[np.bool_]
    """Whether the item has history."""
    allowed: NDArray[np.bool_]
    chosen: NDArray[np.bool_]
    drawn: NDArray[np.bool_]
    """Which of those not chosen were drawn evenly from all that the user may be shown."""
    share: NDArray[np.float32]
    """(users,) the chance of one to be drawn."""
    covariance: NDArray[np.float32]
    """(users, signals, signals) of the signals over all known items of the catalogue."""

    def of(self, users: NDArray[np.int64]) -> "Lists":
        """Some of the lists, by number."""
        return Lists(*(getattr(self, each.name)[users] for each in fields(self)))

    def only(self, columns: Sequence[int]) -> "Lists":
        """The same lists with some of the signals."""
        at = list(columns)
        return replace(self, signals=self.signals[..., at], covariance=self.covariance[:, at][:, :, at])


def whole(
    signals: Signals,
    trust: NDArray[np.float32],
    known: NDArray[np.bool_],
    allowed: NDArray[np.bool_],
    chosen: NDArray[np.bool_],
    rng: np.random.Generator,
    negatives: int = NEGATIVES,
) -> Lists:
    """Lists of the whole catalogue, of which `known` (items,) have history."""
    drawn, share = evenly(chosen, allowed, rng, negatives)
    of_known = signals[:, known]
    covariance = np.matmul(of_known.transpose(0, 2, 1), of_known) / max(int(known.sum()), 1)
    everywhere = np.broadcast_to(known, allowed.shape)
    return Lists(signals, trust, everywhere, allowed, chosen, drawn, share, covariance)


def evenly(
    chosen: NDArray[np.bool_], allowed: NDArray[np.bool_], rng: np.random.Generator, negatives: int
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """(users, items) at most `negatives` that were allowed and not chosen, evenly; (users,) the chance of each.

    The softmax over the answers and these, corrected by the chance of being drawn, estimates the one over all items
    (Bengio and Senecal 2003) at a cost that does not grow with the catalogue.
    """
    other = allowed & ~chosen
    most = min(negatives, other.shape[1])
    order = np.where(other, rng.random(other.shape, dtype=np.float32), 2)
    nearest = np.argpartition(order, most - 1, axis=1)[:, :most] if most else np.zeros((len(other), 0), int)
    found = np.zeros_like(other)
    np.put_along_axis(found, nearest, np.take_along_axis(other, nearest, 1), 1)
    return found, (found.sum(1) / np.maximum(other.sum(1), 1)).astype(np.float32)


def shortlisted(lists: Lists, width: int, rng: np.random.Generator) -> Lists:
    """The `width` candidates of each user that anything is learned from, or all of them if they are no more.

    Those are the answers, what was drawn, the best by each signal, and others by chance as far as there is room.
    """
    users, items, signals = lists.signals.shape
    if items <= width:
        return lists
    order = rng.random((users, items), dtype=np.float32)
    most = max(1, (width - NEGATIVES) // (2 * signals))  # half of the room, for answers may be many
    for at in range(signals):
        masked = np.where(lists.allowed, -lists.signals[..., at], np.inf)
        np.put_along_axis(order, np.argpartition(masked, most - 1, axis=1)[:, :most], 2, 1)
    order[~lists.allowed] = -1
    order[lists.chosen | lists.drawn] = 3
    best = np.sort(np.argpartition(-order, width - 1, axis=1)[:, :width], axis=1)
    cut = {name: np.take_along_axis(getattr(lists, name), best, 1) for name in ("known", "allowed", "chosen", "drawn")}
    return replace(lists, signals=np.take_along_axis(lists.signals, best[..., None], 1), **cut)


def joined(parts: Sequence[Lists]) -> Lists:
    """Lists of as many candidates each, one after the other."""
    return Lists(*(np.concatenate([getattr(one, each.name) for one in parts]) for each in fields(Lists)))
