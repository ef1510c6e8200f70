"""How sure is a mean over users? Percentile bootstrap (Efron 1979): users are drawn again, with replacement."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_BLOCK = 1 << 22
"""Draws held at once: 32 MB of row numbers."""


class Gain(NamedTuple):
    """The mean of a paired difference and its 95% interval."""

    mean: float
    low: float
    high: float


def interval(values: Floats, resamples: int = 1000, seed: int = 0) -> tuple[float, float]:
    """The 95% interval (low, high) of the mean of `values` (users,). Raises ValueError if empty or not finite."""
    means = resampled_means(values, resamples, seed)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def gain(better: Floats, base: Floats, resamples: int = 1000, seed: int = 0) -> Gain:
    """What `better` gains over `base`, both (users,), the same users in the same order."""
    if better.shape != base.shape:
        raise ValueError(f"the users differ: {better.shape} against {base.shape}")
    difference = better - base
    return Gain(float(difference.mean()), *interval(difference, resamples, seed))


def resampled_means(values: Floats, resamples: int = 1000, seed: int = 0) -> Floats:
    """(resamples,) means of as many users as there are, drawn with replacement."""
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f"values must be (users,), finite, and at least one; got shape {values.shape}")
    rng = np.random.default_rng(seed)
    users = len(values)
    step = max(1, _BLOCK // users)
    blocks = (min(step, resamples - start) for start in range(0, resamples, step))
    return np.concatenate([values[rng.integers(0, users, (size, users))].mean(axis=1) for size in blocks])
