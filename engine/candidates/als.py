"""Implicit matrix factorisation: iALS (Hu et al. 2008), regularised as in Rendle et al., Revisiting iALS, RecSys 2022.

    sum over choices of (u.v - 1)^2 + rest * sum over all pairs of (u.v)^2 + l2 * sum of n_x |x|^2

with n_x the choices of a user or item plus `rest` times those possible. No user is kept: a history is folded in by the
same step that training repeats. In the basis where the Gram matrix of the other side is diagonal, M, that step is

    x = M^-1 F' c,  (W^-1 + F M^-1 F') c = 1

over the m rows F that were met with weights W: an m x m system, exact, and most histories are shorter than a factor is
wide. It also says what each event adds to an item y: c_j * f_j M^-1 f_y.
"""

import threading
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from engine.candidates.base import Features, Scores, Tensors, fading, variants
from engine.config import Als as Settings
from engine.history import Histories, Matrix

NAME = "als"
_ALONE = threading.Lock()
BATCH_FLOATS = 8_000_000
"""Most floats of rows that are solved for at once (32 MB)."""


@dataclass(frozen=True)
class Als:
    """Shapes: factors (items, dim), in a basis where their Gram matrix is diagonal; gram (dim,) is `rest` times it."""

    half_lives: tuple[float, ...]
    factors: NDArray[np.float32]
    gram: NDArray[np.float32]
    penalty: tuple[float, float]
    """l2 for each choice, and for having any: `rest` times l2 times the items there were."""
    name: str = NAME

    @property
    def signals(self) -> tuple[str, ...]:
        return variants(self.name, self.half_lives)

    def score(self, histories: Histories) -> Scores:
        return np.asarray(self.points(histories) @ self.places.T)

    @property
    def places(self) -> Scores:
        return self.factors

    def points(self, histories: Histories) -> Scores:
        points = np.zeros((len(self.half_lives), len(histories), self.factors.shape[1]), np.float32)
        (ends, items), weights = histories.met, histories.faded(self.half_lives)
        for user, (start, stop) in enumerate(pairwise(ends.tolist())):
            if start < stop:
                met, length = self.factors[None, items[start:stop]], np.array([stop - start])
                step = short if length <= met.shape[2] else long
                points[:, user] = step(met, weights[:, start:stop], damping(self.gram, self.penalty, length))
        return points

    def credit(self, history: Histories, item: int) -> Scores:
        weights = fading(history, self.half_lives)
        found = np.zeros_like(weights)
        for out, weight in zip(found, weights, strict=True):
            at = np.flatnonzero(weight)  # of a repeated item only the latest event counts
            damp = damping(self.gram, self.penalty, np.array([len(at)]))
            damped, share = shares(self.factors[history.items[at]][None], weight[None, at], damp)
            out[at] = share[0] * (damped[0] @ self.factors[item])
        return found

    def grow(self, features: Features) -> "Als":
        return replace(self, factors=np.pad(self.factors, ((0, len(features)), (0, 0))))

    def change(self, rows: NDArray[np.int64], features: Features, known: NDArray[np.bool_]) -> "Als":
        return self

    def tensors(self) -> Tensors:
        lives, penalty = np.array(self.half_lives), np.array(self.penalty)
        return {"half_lives": lives, "factors": self.factors, "gram": self.gram, "penalty": penalty}


def restore(tensors: Tensors) -> Als:
    factors, gram = (np.asarray(tensors[name], np.float32) for name in ("factors", "gram"))
    each, any_ = tensors["penalty"].tolist()
    return Als(tuple(tensors["half_lives"].tolist()), factors, gram, (each, any_))


def fit(histories: Histories, config: Settings, seed: int) -> Als:
    """Alternate between users and items `rounds` times; a round grows with the events times their users' lengths."""
    rng = np.random.default_rng(seed)
    factors = rng.standard_normal((histories.n_items, config.dim), np.float32) * np.float32(0.3 / config.dim**0.5)
    factors[np.bincount(histories.items, minlength=histories.n_items) == 0] = 0
    return alternate(histories, factors, config, config.rounds)


def alternate(histories: Histories, factors: NDArray[np.float32], config: Settings, rounds: int) -> Als:
    """The same from factors (items, dim) that are there, zeros for an item that has none yet."""
    chosen = histories.seen()
    by_item = sparse.csr_array(chosen.T)
    users, items = chosen.shape
    of_users = (config.l2, config.l2 * config.rest * items)
    of_items = (config.l2, config.l2 * config.rest * users)
    # Many small products: two threads would wait for each other at every one of them, and take thirty times as long.
    with _ALONE, threadpool_limits(1):
        for _ in range(rounds):
            factors, gram = diagonal(factors, config.rest)
            people, other = diagonal(solve(chosen, factors, gram, of_users), config.rest)
            factors = solve(by_item, people, other, of_items)
    factors, gram = diagonal(factors, config.rest)
    return Als(config.half_lives, factors, gram, of_users)


def diagonal(factors: NDArray[np.float32], rest: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The same factors turned so that their Gram matrix is diagonal, and `rest` times that diagonal."""
    values, basis = np.linalg.eigh((factors.T @ factors).astype(np.float64))
    return factors @ basis.astype(np.float32), (rest * values.clip(0)).astype(np.float32)


def solve(
    chosen: Matrix, factors: NDArray[np.float32], gram: NDArray[np.float32], penalty: tuple[float, float]
) -> NDArray[np.float32]:
    """(rows, dim) the factor of each row of `chosen` (rows, columns), given those of the columns; zeros for none."""
    dim = factors.shape[1]
    result = np.zeros((chosen.shape[0], dim), np.float32)
    lengths = np.diff(chosen.indptr)
    order = np.argsort(lengths, kind="stable")
    at = int(np.searchsorted(lengths[order], 1))
    while at < len(order):
        # Rows of about one length together, so that little of a batch is padding.
        most = max(1, 1 + int(lengths[order[at]] * 1.25))
        stop = min(int(np.searchsorted(lengths[order], most, side="right")), at + max(1, BATCH_FLOATS // (most * dim)))
        rows = order[at:stop]
        columns, weights = padded(chosen, rows)
        step = short if columns.shape[1] <= dim else long
        damp = damping(gram, penalty, lengths[rows])
        result[rows] = step(factors[columns] * (weights > 0)[..., None], weights, damp)
        at = stop
    return result


def damping(gram: NDArray[np.float32], penalty: tuple[float, float], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
    """(rows, dim) the diagonal M of each row that has met so many, (rows,)."""
    return np.asarray(gram + penalty[0] * lengths[:, None] + penalty[1], np.float32)


def padded(chosen: Matrix, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(rows, widest) columns of some rows and their weights, 0 beyond the end of a row."""
    starts, lengths = chosen.indptr[rows], np.diff(chosen.indptr)[rows]
    place = np.arange(lengths.max())
    real = place < lengths[:, None]
    at = np.where(real, starts[:, None] + place, 0)
    return chosen.indices[at].astype(np.int64), np.where(real, chosen.data[at], 0).astype(np.float32)


def short(met: NDArray[np.float32], weights: NDArray[np.float32], damp: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, dim) by an m x m system. Shapes: met (rows, m, dim), weights (rows, m), damp (rows, dim); what was met,
    and the damping, may be those of one row for all.
    """
    damped, share = shares(met, weights, damp)
    found: NDArray[np.float32] = (damped.transpose(0, 2, 1) @ share[..., None])[..., 0]
    return found


def shares(
    met: NDArray[np.float32], weights: NDArray[np.float32], damp: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(rows, m, dim) F M^-1 and (rows, m) c of the formula above; padding has none."""
    real = weights > 0
    damped = met / damp[:, None, :]
    product, at = damped @ met.transpose(0, 2, 1), np.arange(met.shape[1])
    system = np.broadcast_to(product, (len(weights), *product.shape[1:])).copy()
    system[:, at, at] += np.where(real, 1 / np.where(real, weights, 1), 1)
    return damped, np.linalg.solve(system, real[..., None].astype(np.float32))[..., 0]


def long(met: NDArray[np.float32], weights: NDArray[np.float32], damp: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same by a dim x dim system, which is smaller where more was met than a factor is wide."""
    weighed = met * weights[..., None]
    system = weighed.transpose(0, 2, 1) @ met
    at = np.arange(met.shape[2])
    system[:, at, at] += damp
    found: NDArray[np.float32] = np.linalg.solve(system, weighed.sum(1)[..., None])[..., 0]
    return found
