"""Does a part help? A paired bootstrap over users says; a part whose interval includes zero is switched off."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.config import Config
from engine.evaluation import bootstrap


@dataclass(frozen=True)
class Gate:
    """The paired gain of one part in NDCG@k on validation, with its 95% interval."""

    part: str
    kind: str
    """The lists it was measured on: warm (known items) or cold (new ones)."""
    gain: float
    low: float
    high: float
    kept: bool


def compare(part: str, kind: str, full: NDArray[np.float64], less: NDArray[np.float64], config: Config) -> Gate:
    """The gain of having `part`: per-user quality with it against without it, the same users in the same order."""
    low, high = bootstrap.interval(full - less, config.evaluation.resamples, config.seed)
    return Gate(part, kind, float((full - less).mean()), low, high, kept=True)


def ndcg(
    sizes: NDArray[np.int64],
    scores: NDArray[np.float32],
    chosen: NDArray[np.bool_],
    relevant: NDArray[np.int64],
    k: int,
) -> NDArray[np.float64]:
    """(users,) NDCG@k of flat candidate lists: `sizes` (users,) rows each, `scores` and `chosen` (rows,).

    `relevant` (users,) counts all answers, also those that are no candidate.
    """
    user = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((-scores, user))
    place = np.arange(len(user)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    gain = np.where(place < k, chosen[order] / np.log2(place + 2), 0)
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))[np.minimum(relevant, k) - 1]
    return np.asarray(np.bincount(user, gain, minlength=len(sizes)) / ideal)
