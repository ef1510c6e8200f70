"""What another policy would have earned, from what was shown and done under the one that was logged.

A row of the log is an item that was drawn, with the chance p that it had (`Recommendation.propensity`), the reward r
that came of it, and the chance t that the other policy gives the same item in the same place. With w = t / p and, for
the last, a model q of rewards:

    IPS     mean of w r                              unbiased where p is right and above 0 wherever t is
    SNIPS   sum of w r / sum of w                    a little biased, and steadier; never outside the rewards
    DR      mean of q(policy) + w (r - q(item))      unbiased where p or q is right, and steadier than IPS

Sources: Horvitz and Thompson 1952; Swaminathan and Joachims 2015, The self-normalized estimator for counterfactual
learning; Dudik, Langford and Li 2011, Doubly robust policy evaluation and learning. Intervals are percentile
bootstraps over users (over rows where the log names none), for what one user does hangs together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.evaluation.bootstrap import resampled_means
from engine.tables import columns
from engine.tables.readers import Table, TableLike, in_memory

Floats = NDArray[np.float64]
NEEDED = ("propensity", "target", "reward")
MODEL = ("predicted", "expected")
FEW = 100
"""Rows that a log must be worth, by its effective sample size, lest it is told."""
OFF = 0.1
"""By so much weights may differ from 1 on average before it is told."""


@dataclass(frozen=True)
class Estimate:
    """A mean reward a row, and its 95% interval."""

    name: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class OffPolicy:
    """What a log says of another policy."""

    rows: int
    users: int
    """Units of the bootstrap; as many as rows where the log names no users."""
    logged: Estimate
    """What the policy of the log earned: not what the other one would, however close the two lists look."""
    estimates: list[Estimate]
    weight: Estimate
    """The mean of w before clipping, which is 1 where the log could show all that the other policy shows."""
    effective: float
    """(sum of w)^2 / sum of w^2: so many rows of the other policy itself would tell as much (Kish 1965)."""
    largest: float
    """The largest w, before clipping."""
    clipped: float
    """Share of the rows whose w was cut."""
    warnings: list[str]


@dataclass(frozen=True)
class Log:
    """Checked rows, (rows,) each."""

    propensity: Floats
    target: Floats
    reward: Floats
    predicted: Floats | None
    """What a model expects of the item that was shown."""
    expected: Floats | None
    """What it expects of the other policy in this place: the mean of its predictions by the chances t."""
    unit: NDArray[np.int64]
    """Which user each row is of."""

    @cached_property
    def weights(self) -> Floats:
        return self.target / self.propensity


def estimate(log: TableLike, clip: float | None = None, resamples: int = 1000, seed: int = 0) -> OffPolicy:
    """Estimates from a table with the columns propensity, target and reward, and user_id, predicted, expected if known.

    `clip` cuts larger weights to it: less variance, and a bias towards what the logged policy did. DR is there where
    the table has predicted and expected. Raises DataError for a table that cannot be used, naming a row.
    """
    return evaluate(read(in_memory(log, "the log")), clip, resamples, seed)


def evaluate(log: Log, clip: float | None = None, resamples: int = 1000, seed: int = 0) -> OffPolicy:
    """As `estimate`, of a checked log."""
    if clip is not None and not clip > 0:
        raise DataError(f"clip must be above 0, not {clip:g}")
    raw = log.weights
    weights = raw if clip is None else np.minimum(raw, clip)
    ones = np.ones(len(raw))

    def ratio(name: str, top: Floats, bottom: Floats = ones) -> Estimate:
        return _ratio(name, top, bottom, log.unit, resamples, seed)

    found = [ratio("IPS", weights * log.reward), ratio("SNIPS", weights * log.reward, weights)]
    if log.predicted is not None and log.expected is not None:
        found.append(ratio("DR", log.expected + weights * (log.reward - log.predicted)))
    effective = float(raw.sum() ** 2 / max(np.square(raw).sum(), 1e-300))
    weight = ratio("weight", raw)
    return OffPolicy(
        len(raw),
        int(log.unit.max()) + 1,
        ratio("logged", log.reward),
        found,
        weight,
        effective,
        float(raw.max()),
        float(np.mean(weights < raw)),
        _warnings(len(raw), effective, weight),
    )


def _ratio(name: str, top: Floats, bottom: Floats, unit: NDArray[np.int64], resamples: int, seed: int) -> Estimate:
    """The sum of `top` by that of `bottom`, (rows,) each; units are drawn anew, the same for both."""
    sums = [np.bincount(unit, values).astype(np.float64) for values in (top, bottom)]
    if not sums[1].sum():
        return Estimate(name, np.nan, np.nan, np.nan)
    over, under = (resampled_means(each, resamples, seed) for each in sums)
    drawn = over[under > 0] / under[under > 0]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(name, float(sums[0].sum() / sums[1].sum()), float(low), float(high))


def _warnings(rows: int, effective: float, weight: Estimate) -> list[str]:
    told = []
    if effective < FEW:
        told.append(
            f"the {rows} rows are worth {effective:.1f} of the other policy's own: it shows what the log seldom or "
            "never showed, and no estimate here is to be relied on"
        )
    if not weight.low <= 1 <= weight.high and abs(weight.mean - 1) > OFF:
        told.append(
            f"weights are {weight.mean:.2f} on average ({weight.low:.2f} to {weight.high:.2f}) and should be 1: the "
            "other policy shows what the log could not show, or the propensities are not those that were drawn by"
        )
    return told


def read(table: Table) -> Log:
    """The columns of a log, checked. Raises DataError naming the table, a row and what is wrong with it."""
    missing = [name for name in NEEDED if name not in table.frame.columns]
    if missing:
        raise DataError(f"{table.name}: a log has the columns {', '.join(NEEDED)}; {', '.join(missing)} is not there")
    if not table.frame.height:
        raise DataError(f"{table.name}: there are no rows")
    propensity, target, reward = (_numbers(table, name) for name in NEEDED)
    _refuse(table, "propensity", (propensity <= 0) | (propensity > 1), "above 0 and at most 1")
    _refuse(table, "target", (target < 0) | (target > 1), "from 0 to 1")
    modelled = set(MODEL) <= set(table.frame.columns)
    predicted, expected = (_numbers(table, name) if modelled else None for name in MODEL)
    return Log(propensity, target, reward, predicted, expected, _units(table))


def _units(table: Table) -> NDArray[np.int64]:
    if "user_id" not in table.frame.columns:
        return np.arange(table.frame.height)
    users = columns.ids(table.frame["user_id"])
    _refuse(table, "user_id", users.is_null().to_numpy(), "an id")
    return np.asarray(users.rank("dense").to_numpy(), np.int64) - 1


def _numbers(table: Table, name: str) -> Floats:
    values, _ = columns.numbers(table.frame[name])
    _refuse(table, name, values.is_null().to_numpy(), "a finite number")
    return np.asarray(values.to_numpy(), np.float64)


def _refuse(table: Table, name: str, bad: NDArray[np.bool_], wanted: str) -> None:
    rows: Sequence[int] = np.flatnonzero(bad).tolist()
    if rows:
        line, given = table.lines[rows[0]], table.frame[name][rows[0]]
        raise DataError(
            f"{table.name}: row {line}: {name} is {given!r}, and {wanted} is wanted ({len(rows)} such rows)"
        )
