"""What tends to follow what: item-to-item transitions with decay."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.candidates.base import ItemToItem
from engine.config import Transitions
from engine.history import Histories, Matrix

PAIRS = 2_000_000
"""Pairs of events that are added up at once: to add to a matrix costs as much as the matrix is large."""


def fit(name: str, histories: Histories, config: Transitions) -> ItemToItem:
    """T[a, b] = sum of decay^(distance - 1) over b following a within `window` events, / (pop_a * pop_b)^power.

    Time grows with events times window. The division keeps popular items from following everything.
    """
    scale = scaling(histories, config)
    return ItemToItem(name, config.half_lives, sparse.csr_array(scale @ counted(histories, config) @ scale))


def update(old: ItemToItem, before: Histories, after: Histories, config: Transitions) -> ItemToItem:
    """What `fit` would give `after`, from what it gave `before`, the same users in the same order.

    The sums are had back by what they were divided by, and those of users with new events are counted again.
    """
    changed = np.flatnonzero(before.lengths != after.lengths)
    news = counted(after.take(changed), config) - counted(before.take(changed), config)
    was, scale = scaling(before, config), scaling(after, config)
    again = sparse.diags_array(1 / was.diagonal())
    total = sparse.csr_array(again @ old.matrix @ again + news)
    least = config.decay ** (config.window - 1)  # what a pair adds; what is far below is left of sums that cancel
    total.data[np.abs(total.data) < 0.01 * least] = 0
    total.eliminate_zeros()
    return ItemToItem(old.name, config.half_lives, sparse.csr_array(scale @ total @ scale))


def counted(histories: Histories, config: Transitions) -> Matrix:
    """(items, items) the sums, before they are divided."""
    n, rows, items = histories.n_items, histories.rows, histories.items
    total: Matrix = sparse.csr_array(sparse.coo_array((n, n), dtype=np.float32))
    pairs: list[tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]]] = []

    def added() -> Matrix:
        weight, before, after = (np.concatenate(each) for each in zip(*pairs, strict=True))
        pairs.clear()
        both: Matrix = total + sparse.csr_array((weight, (before, after)), shape=(n, n))
        return both

    for distance in range(1, min(config.window, len(items) - 1) + 1):
        same = rows[distance:] == rows[:-distance]
        if not same.any():
            break
        before, after = items[:-distance][same], items[distance:][same]
        pairs.append((np.full(len(before), config.decay ** (distance - 1), np.float32), before, after))
        if sum(len(each[0]) for each in pairs) > PAIRS:
            total = added()
    return added() if pairs else total


def scaling(histories: Histories, config: Transitions) -> "sparse.dia_array":
    """(items, items) popularity^-power on the diagonal."""
    popularity = np.maximum(np.bincount(histories.items, minlength=histories.n_items), 1)
    return sparse.diags_array((popularity**-config.power).astype(np.float32))
