"""EASE: closed-form item-item weights. Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019.

Departures: it is fitted on plain histories but read from histories that fade, at several half-lives, since what was
chosen last says most about what comes next; and choices may be divided by a power of popularity first, D^-a, so that
the weights are D^-a B D^(a/2): the head of the list is the better for it where popularity says little of taste. Among
many items the weights are sparse (local_ridge.py), and nothing is square.
"""

import logging
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg.lapack import spotrf, spotri

from engine.candidates import local_ridge
from engine.candidates.base import COLUMNS, Features, ItemToItem, Scores, Tensors, dense, fading, most_chosen, variants
from engine.config import Ease
from engine.history import Histories, Matrix

log = logging.getLogger(__name__)

NAME = "ease"
LATEST = 2000
"""Items of a user that sparse weights are learned from: their number counts by its square."""
BLOCK = 512
"""Rows that are worked on at once, so that no second matrix is made."""


@dataclass(frozen=True)
class Weights:
    """The weights among the items kept; between all others they are zero, and nothing is held of them."""

    half_lives: tuple[float, ...]
    """In events: after so many later events a past one weighs half."""
    kept: NDArray[np.int64]
    """(kept,) rows of the items, in order."""
    matrix: Scores
    """(kept, kept)"""
    own: NDArray[np.float32]
    """(kept,) diagonal of the inverse that the weights are made of, which with it can be had back (ease_update.py);
    (0,) in artefacts of before it was kept."""
    chosen: NDArray[np.int64]
    """(kept,) users who chose each of those."""
    name: str = NAME

    @property
    def signals(self) -> tuple[str, ...]:
        return variants(self.name, self.half_lives)

    def score(self, histories: Histories) -> Scores:
        scores = np.zeros((len(self.half_lives), len(histories), histories.n_items), np.float32)
        (ends, items), weights = histories.met, histories.faded(self.half_lives)
        for user, (start, stop) in enumerate(pairwise(ends.tolist())):
            at = np.searchsorted(self.kept, items[start:stop])
            real = np.append(self.kept, -1)[at] == items[start:stop]
            among = self._among(at[real], weights[:, start:stop][:, real])
            for out, given in zip(scores[:, user], among, strict=True):
                out[self.kept] = given
        return scores

    def _among(self, rows: NDArray[np.int64], weights: Scores) -> Scores:
        """(half_lives, kept) the weighted sums of some rows of the matrix; `weights` is (half_lives, rows)."""
        found = np.empty((len(weights), len(self.kept)), np.float32)
        for start in range(0, len(self.kept), COLUMNS):
            some = slice(start, start + COLUMNS)
            np.matmul(weights, self.matrix[rows, some], out=found[:, some])
        return found

    def credit(self, history: Histories, item: int) -> Scores:
        column = np.zeros(history.n_items, np.float32)
        if item in self.kept:
            column[self.kept] = self.matrix[:, np.searchsorted(self.kept, item)]
        return np.asarray(fading(history, self.half_lives) * column[history.items])

    def grow(self, features: Features) -> "Weights":
        return self

    def change(self, rows: NDArray[np.int64], features: Features, known: NDArray[np.bool_]) -> "Weights":
        return self

    def tensors(self) -> Tensors:
        return {
            "half_lives": np.array(self.half_lives),
            "kept": self.kept,
            "matrix": self.matrix,
            "own": self.own,
            "chosen": self.chosen,
        }


def restore(tensors: Tensors) -> Weights | ItemToItem:
    if "indptr" in tensors:
        return ItemToItem.from_tensors(NAME, tensors)
    kept, matrix = np.asarray(tensors["kept"], np.int64), np.asarray(tensors["matrix"], np.float32)
    own, chosen = np.asarray(tensors.get("own", []), np.float32), np.asarray(tensors.get("chosen", []), np.int64)
    return Weights(tuple(tensors["half_lives"].tolist()), kept, matrix, own, chosen)


def fit(histories: Histories, config: Ease) -> Weights | ItemToItem:
    """Weights among the items with history: exact up to `max_items` of them, sparse beyond.

    Exact, time is cubic and memory quadratic in the items: 25,000 take two minutes of the processor and 2.5 GB. Sparse,
    time grows with items times `near` cubed and memory with items times `near`.
    """
    popularity = np.bincount(histories.seen().indices, minlength=histories.n_items)
    damp = np.maximum(popularity, 1).astype(np.float32) ** np.float32(-config.power)
    kept = most_chosen(popularity, len(popularity))
    if len(kept) > config.max_items:
        log.info(
            "ease: %d items have history, more than max_items (%d): each is learned from the %d nearest",
            len(kept), config.max_items, config.near,
        )  # fmt: skip
        chosen = sparse.csr_array(histories.recent(LATEST).seen() @ sparse.diags_array(damp))
        near = local_ridge.weights(chosen, config.l2, config.near)
        scaled = sparse.diags_array(damp) @ near @ sparse.diags_array(damp**-0.5)
        return ItemToItem(NAME, config.half_lives, sparse.csr_array(scaled))
    damp = damp[kept]
    matrix, own = weights(sparse.csr_array(histories.seen()[:, kept] @ sparse.diags_array(damp)), config.l2)
    if config.power:
        matrix *= damp[:, None]
        matrix *= damp**-0.5
    return Weights(config.half_lives, kept, matrix, own * damp**2, popularity[kept])


def weights(chosen: Matrix, l2: float) -> tuple[Scores, NDArray[np.float32]]:
    """B = I - P / diag(P) with P = (X'X + l2 I)^-1, eq. 8 of the paper: (items, items), zeros on the diagonal; diag(P).

    One float32 matrix throughout: the Gram matrix is factored and inverted in place by LAPACK. Where users are few,
    theirs is: P = (I - Q) / l2 with Q = X'(XX' + l2 I)^-1 X (Woodbury), and so B = Q / (1 - diag(Q)).
    """
    users, n = chosen.shape
    whose = sparse.csr_array(chosen.T)
    if 2 * users < n:
        inverse = inverted(chosen, whose, l2)
        result = np.empty((n, n), np.float32)
        for start in range(0, n, BLOCK):
            rows = dense(whose[start : start + BLOCK] @ inverse)
            result[start : start + BLOCK] = (whose @ rows.T).T
        rest = 1 - np.diag(result).copy()
        result /= rest
        own = rest / np.float32(l2)
    else:
        result = inverted(whose, chosen, l2).T  # it is symmetric: so it lies in rows, as histories read it
        own = np.diag(result).copy()
        result /= -own
    np.fill_diagonal(result, 0)
    return result, own


def inverted(left: Matrix, right: Matrix, l2: float) -> Scores:
    """(left right + l2 I)^-1, where right is left's transpose."""
    n = left.shape[0]
    gram = np.zeros((n, n), np.float32, order="F")
    if not n:
        return gram
    for start in range(0, n, BLOCK):  # one user of many events makes the whole product dense
        gram[start : start + BLOCK] = dense(left[start : start + BLOCK] @ right)
    gram[np.diag_indices_from(gram)] += l2
    factor, _ = spotrf(gram, lower=True, overwrite_a=True)  # positive definite, since l2 > 0
    inverse: Scores = spotri(factor, lower=True, overwrite_c=True)[0]
    mirror(inverse)
    return inverse


def mirror(lower: NDArray[np.float32], block: int = BLOCK) -> None:
    """Copy the lower triangle onto the upper, in place and by blocks so that no second matrix is made."""
    for start in range(0, len(lower), block):
        stop = start + block
        lower[start:stop, stop:] = lower[stop:, start:stop].T
        square = np.tril(lower[start:stop, start:stop])
        lower[start:stop, start:stop] = square + np.tril(square, -1).T
