"""EASE learned further, without the Gram matrix: the inverse behind the weights is had back and corrected by low rank.

With d = popularity^-power, EASE's weights are those of Q = (X'X + l2 D^-2)^-1, as B_ij = -Q_ij / Q_jj * sqrt(d_j) off
the diagonal. So with diag(Q) beside B nothing else need be kept. A user whose history x becomes y changes X'X by
yy' - xx', an item whose popularity changes moves its own cell of the diagonal, and an item that is new to it stands
alone in Q, 1 / l2 of itself. All of that is U C U' with U sparse, and (Woodbury)

    Q' = Q - Q U (C^-1 + U'QU)^-1 U'Q

in 2 r n^2 steps of a rank r, where inverting anew takes n^3.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.candidates.base import ItemToItem, Scores, most_chosen
from engine.candidates.ease import BLOCK, Weights, fit
from engine.config import Ease
from engine.history import Histories, Matrix

WORTH = 0.4
"""Rank above which inverting anew is as quick, as a share of the items."""


def update(old: Weights | ItemToItem, before: Histories, after: Histories, config: Ease) -> Weights | ItemToItem:
    """The weights that `fit` would give `after`, from those of `before`, the same users in the same order.

    They are fitted anew where too much changed, where they are sparse, and where an artefact has no diagonal.
    """
    changed = np.flatnonzero(different(before, after))
    x, y = (histories.take(changed).seen() for histories in (before, after))
    if isinstance(old, ItemToItem) or len(old.own) != len(old.kept):
        return fit(after, config)
    popularity = np.zeros(after.n_items, np.int64)
    popularity[old.kept] = old.chosen
    popularity += np.bincount(y.indices, minlength=after.n_items) - np.bincount(x.indices, minlength=after.n_items)
    # What nobody has chosen any more stays, alone: where its row is, is where others look for theirs.
    kept = np.union1d(old.kept, most_chosen(popularity, len(popularity)))
    columns, signs = difference(x[:, kept], y[:, kept])
    chosen = popularity[kept]
    was = np.zeros(len(kept), np.int64)
    was[np.searchsorted(kept, old.kept)] = old.chosen
    own_cells = config.l2 * (damping(chosen, config.power) ** -2 - damping(was, config.power) ** -2)
    moved = np.flatnonzero(own_cells)
    rank = len(signs) + len(moved)
    if len(kept) > config.max_items or rank > WORTH * len(kept):
        return fit(after, config)
    alone = sparse.csc_array((np.ones(len(moved)), (moved, np.arange(len(moved)))), shape=(len(kept), len(moved)))
    change = sparse.csc_array(sparse.hstack([columns, alone]))
    inverse = widened(old, kept, damping(old.chosen, config.power), config.l2)
    correct(inverse, change, np.concatenate([signs, own_cells[moved]]))
    own = np.diag(inverse).copy()
    inverse /= -own
    if config.power:
        inverse *= damping(chosen, config.power) ** 0.5
    np.fill_diagonal(inverse, 0)
    return Weights(config.half_lives, kept, inverse, own, chosen)


def different(before: Histories, after: Histories) -> NDArray[np.bool_]:
    """(users,) whose history is not the same; events are only ever added, and never taken away."""
    return np.asarray(before.lengths != after.lengths)


def damping(chosen: NDArray[np.int64], power: float) -> NDArray[np.float32]:
    """(items,) d of items that so many users chose."""
    return np.maximum(chosen, 1).astype(np.float32) ** np.float32(-power)


def difference(x: Matrix, y: Matrix) -> tuple[sparse.csc_array, NDArray[np.float64]]:
    """U (items, columns) and the diagonal of C, of users who met x and now y, (users, items) ones each.

    None for a user who only met again what they had met.
    """
    real = np.asarray((y - x).power(2).sum(axis=1)).ravel() > 0
    had = real & (np.diff(x.indptr) > 0)
    columns = sparse.hstack([y[real].T, x[had].T])
    return sparse.csc_array(columns), np.repeat([1.0, -1.0], [int(real.sum()), int(had.sum())])


def widened(old: Weights, kept: NDArray[np.int64], damp: NDArray[np.float32], l2: float) -> Scores:
    """Q (kept, kept) as it was, of the items that there were and of new ones; in rows."""
    at = np.searchsorted(kept, old.kept)
    inverse = np.zeros((len(kept), len(kept)), np.float32)
    factor = -old.own * damp**-0.5
    for start in range(0, len(at), BLOCK):
        some = slice(start, start + BLOCK)
        inverse[at[some, None], at] = old.matrix[some] * factor
    np.fill_diagonal(inverse, np.float32(1 / l2))
    inverse[at, at] = old.own
    return inverse


def correct(inverse: Scores, change: "sparse.csc_array", signs: NDArray[np.float64]) -> None:
    """Q + U C U' for Q in place, by its inverse; `change` is U (items, rank), `signs` the diagonal of C (rank,)."""
    if not len(signs):
        return
    narrow = np.asarray(change.T @ inverse, np.float64)  # U'Q (rank, items)
    system = np.asarray(narrow @ change) + np.diag(1 / signs)
    right = np.linalg.solve(system, narrow).astype(np.float32)
    left = np.ascontiguousarray(narrow.T, np.float32)
    for start in range(0, len(inverse), BLOCK):
        some = slice(start, start + BLOCK)
        inverse[some] -= left[some] @ right
