"""EASE: closed-form item-item weights. Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019.

Departure: it is fitted on plain histories but read from histories that fade, at several half-lives, since what was
chosen last says most about what comes next.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg.lapack import spotrf, spotri

from engine.candidates.base import ItemToItem, Scores
from engine.config import Ease
from engine.history import Histories, Matrix

NAME = "ease"


def fit(histories: Histories, config: Ease) -> ItemToItem:
    """Weights among the `max_items` most chosen items; the rest, and items without history, get zeros.

    Time is cubic and memory quadratic in the number of items kept: 25,000 items take about a minute and 2.5 GB.
    """
    chosen = histories.seen()
    popularity = np.asarray(chosen.sum(axis=0)).ravel()
    kept = np.sort(np.argsort(-popularity, kind="stable")[: min(config.max_items, int((popularity > 0).sum()))])
    matrix = np.zeros((histories.n_items, histories.n_items), np.float32)
    if len(kept) == histories.n_items:
        matrix = weights(chosen, config.l2)
    elif len(kept):
        matrix[np.ix_(kept, kept)] = weights(sparse.csr_array(chosen[:, kept]), config.l2)
    return ItemToItem(NAME, config.half_lives, matrix)


def weights(chosen: Matrix, l2: float) -> Scores:
    """B = I - P / diag(P) with P = (X'X + l2 I)^-1, eq. 8 of the paper: (items, items), zeros on the diagonal.

    One float32 matrix throughout: the Gram matrix is factored and inverted in place by LAPACK.
    """
    gram = np.zeros((chosen.shape[1],) * 2, np.float32, order="F")
    counts = (chosen.T @ chosen).tocoo()
    gram[counts.row, counts.col] = counts.data
    gram[np.diag_indices_from(gram)] += l2
    factor, _ = spotrf(gram, lower=True, overwrite_a=True)  # positive definite, since l2 > 0
    inverse, _ = spotri(factor, lower=True, overwrite_c=True)
    mirror(inverse)
    diagonal = np.diag(inverse).copy()
    inverse /= -diagonal
    np.fill_diagonal(inverse, 0)
    # LAPACK left it in columns; histories read rows.
    return np.ascontiguousarray(inverse)


def mirror(lower: NDArray[np.float32], block: int = 512) -> None:
    """Copy the lower triangle onto the upper, in place and by blocks so that no second matrix is made."""
    for start in range(0, len(lower), block):
        stop = start + block
        lower[start:stop, stop:] = lower[stop:, start:stop].T
        square = np.tril(lower[start:stop, start:stop])
        lower[start:stop, start:stop] = square + np.tril(square, -1).T
