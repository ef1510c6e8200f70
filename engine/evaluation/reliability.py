"""Are chances what they say? Of items that were given a chance of a tenth, a tenth should be chosen."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

BINS = 10


class Reliability(BaseModel):
    """Chances against what happened, over the items of lists; each bin has as many of them as any other."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    shown: int
    ece: float
    """Expected calibration error: mean over the bins of |mean chance - share chosen| (Naeini et al. 2015)."""
    brier: float
    """Mean squared difference of chance and outcome."""
    brier_of_mean: float
    """That of saying the share chosen of every item."""
    expected: list[float]
    """Mean chance by bin, the lowest first."""
    observed: list[float]
    """Share chosen."""


def measure(chances: NDArray[np.floating[Any]], chosen: NDArray[np.bool_], bins: int = BINS) -> Reliability:
    """Of (rows,) chances and outcomes; ValueError where there are none."""
    if not len(chances):
        raise ValueError("no item was shown: nothing can be said of its chance")
    order = np.argsort(chances, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    expected, observed = ([float(each[part].mean()) for part in parts] for each in (chances, chosen))
    sizes = np.array([len(part) for part in parts]) / len(order)
    return Reliability(
        shown=len(order),
        ece=float(sizes @ np.abs(np.subtract(expected, observed))),
        brier=float(np.mean((chances - chosen) ** 2)),
        brier_of_mean=float(chosen.mean() * (1 - chosen.mean())),
        expected=expected,
        observed=observed,
    )
