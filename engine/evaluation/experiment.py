"""An A/B experiment: what each arm earned a user, and whether another arm than the first earned more.

Two intervals for the difference d of two means, both by user and by Welch's standard error s, s^2 = v0/n0 + v1/n1:

    fixed       d +- q s, q of Student's t with Welch's degrees of freedom: right for one look, at a time set beforehand
    anytime     d +- s sqrt(2 (t r^2 + 1) / (t r^2) * log(sqrt(t r^2 + 1) / alpha)), t = n0 + n1: right at all looks

The second is an asymptotic confidence sequence: whoever looks after every user, and stops when they like, is wrong in
at most alpha of all experiments. r is chosen so that it is narrowest at `planned` users.

Sources: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024 (arXiv 2103.06476), Time-uniform central limit theory and
asymptotic confidence sequences: theorem 2.2, equation for the best r in its appendix, and theorem 3.1 for randomised
experiments, whose doubly robust scores, with the mean of each arm as the model, have mean d and variance t s^2. mSPRT
(Johari, Pekelis and Walsh 2017) is the same mixture over a known variance and pairs of users; here neither is needed.
Sample ratio: Fabijan et al. 2019, Diagnosing sample ratio mismatch.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from engine.errors import DataError
from engine.evaluation.offpolicy import Estimate
from engine.tables import columns
from engine.tables.readers import TableLike, in_memory

Floats = NDArray[np.float64]
NEEDED = ("arm", "user_id", "reward")
FIRST = 100
"""Users that each of two arms must have before an interval is told: both rest on a central limit."""
MISMATCH = 0.001
"""Users that are so unlikely to be shared out like this were not shared out as was said."""
PLANNED = 1000
"""Users of two arms at which the sequence is narrowest, if nothing else is said."""


@dataclass(frozen=True)
class Moments:
    """Of the rewards of one arm, by user: numbers, or arrays of one shape (a look each)."""

    users: ArrayLike
    mean: ArrayLike
    variance: ArrayLike
    """With users - 1 in the denominator."""


@dataclass(frozen=True)
class Arm:
    """What one arm earned."""

    name: str
    users: int
    mean: float
    """Reward a user; nan without any."""
    fixed: Estimate | None
    """The difference to the first arm, with the interval for one look; None for the first, before FIRST
    users, and while all users have the same reward."""
    anytime: Estimate | None
    """The same with the interval for all looks."""


@dataclass(frozen=True)
class Comparison:
    """All arms against the first. The intervals of all differences hold together at 1 - alpha (Bonferroni)."""

    arms: list[Arm]
    alpha: float
    planned: int


def compare(table: TableLike, arms: list[str], alpha: float = 0.05, planned: int = PLANNED) -> Comparison:
    """Compare arms by a table with the columns arm, user_id and reward, a row for each user; other arms are left out.

    Raises DataError for a table that cannot be used, naming a row.
    """
    if not 0 < alpha < 1 or planned < 1 or not arms:
        raise DataError("wanted are arms, alpha between 0 and 1, and planned of at least 1")
    rewards = _read(table)
    parts = [rewards.filter(arm=name)["reward"].to_numpy() for name in arms]
    moments = [moments_of(part) for part in parts]
    each = alpha / max(len(arms) - 1, 1)
    found = [Arm(arms[0], len(parts[0]), float(np.asarray(moments[0].mean)), None, None)]
    for name, part, one in zip(arms[1:], parts[1:], moments[1:], strict=True):
        told: list[Estimate | None] = [None, None]
        if min(len(part), len(parts[0])) >= FIRST and np.add(moments[0].variance, one.variance) > 0:
            told = [
                Estimate("fixed", *map(float, fixed(moments[0], one, each))),
                Estimate("anytime", *map(float, anytime(moments[0], one, each, planned))),
            ]
        found.append(Arm(name, len(part), float(np.asarray(one.mean)), *told))
    return Comparison(found, alpha, planned)


def moments_of(rewards: Floats) -> Moments:
    """Of rewards, (users,)."""
    n = len(rewards)
    return Moments(n, rewards.mean() if n else np.nan, rewards.var(ddof=1) if n > 1 else np.nan)


def fixed(base: Moments, arm: Moments, alpha: float) -> tuple[Floats, Floats, Floats]:
    """The difference of two means and its interval (Welch 1947), for a time that was set beforehand."""
    from scipy import stats  # slow to import, and a service tells of experiments only when it is asked

    parts = [np.asarray(one.variance) / np.asarray(one.users) for one in (base, arm)]
    total = parts[0] + parts[1]
    below = sum(part**2 / (np.asarray(one.users) - 1) for part, one in zip(parts, (base, arm), strict=True))
    return _around(base, arm, np.sqrt(total) * stats.t.ppf(1 - alpha / 2, total**2 / below))


def anytime(base: Moments, arm: Moments, alpha: float, planned: int) -> tuple[Floats, Floats, Floats]:
    """The difference of two means and its interval, which holds at all times together."""
    error = np.sqrt(sum(np.asarray(one.variance) / np.asarray(one.users) for one in (base, arm)))
    users = np.asarray(base.users) + np.asarray(arm.users)
    # r^2, the best for `planned` users but for terms of lower order.
    tightest = (-2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)) / planned
    spent = users * tightest + 1
    return _around(base, arm, error * np.sqrt(2 * spent / (spent - 1) * np.log(np.sqrt(spent) / alpha)))


def _around(base: Moments, arm: Moments, half: Floats) -> tuple[Floats, Floats, Floats]:
    middle = np.asarray(arm.mean) - np.asarray(base.mean)
    return middle, middle - half, middle + half


def sample_ratio(counts: Mapping[str, int], weights: Mapping[str, float]) -> float:
    """The chance that users are shared out at least as unevenly as this, if arms are drawn by `weights`; chi-squared.

    Below MISMATCH something is wrong with the experiment (exposures of one arm get lost, say), and so is every figure
    of it. 1 where there are no users.
    """
    from scipy import stats

    users, total = sum(counts.values()), sum(weights.values())
    if not users:
        return 1.0
    expected = [users * weights[name] / total for name in counts]
    return float(stats.chisquare(list(counts.values()), expected).pvalue)


def _read(given: TableLike) -> pl.DataFrame:
    table = in_memory(given, "the experiment")
    missing = [name for name in NEEDED if name not in table.frame.columns]
    if missing:
        raise DataError(f"{table.name}: wanted are the columns {', '.join(NEEDED)}; {', '.join(missing)} is not there")
    arm, user = (columns.ids(table.frame[name]) for name in ("arm", "user_id"))
    reward, _ = columns.numbers(table.frame["reward"])
    bad = {
        "arm is missing": arm.is_null(),
        "user_id is missing": user.is_null(),
        "reward is not a finite number": reward.is_null(),
        "user_id was there before; give one row for each user": user.is_duplicated() & ~user.is_first_distinct(),
    }
    for wrong, where in bad.items():
        if where.any():
            raise DataError(f"{table.name}: row {table.lines[where.arg_max() or 0]}: {wrong}")
    return pl.DataFrame({"arm": arm, "user_id": user, "reward": reward.cast(pl.Float64)})
