"""Intervals of experiments by simulation, with the truth known; and tables that cannot be used."""

import numpy as np
import pytest
from scipy import stats

from engine.errors import DataError
from engine.evaluation import experiment
from engine.evaluation.experiment import FIRST, Moments

RUNS, USERS = 500, 4000
"""Experiments, and users of each arm of them."""


def looks(rewards: np.ndarray) -> Moments:
    """What is known at every look from FIRST users on: (runs, looks) of rewards (runs, users)."""
    n = np.arange(1, rewards.shape[1] + 1)
    mean = rewards.cumsum(1) / n
    variance = ((rewards**2).cumsum(1) / n - mean**2) * n / np.maximum(n - 1, 1)
    return Moments(n[FIRST - 1 :], mean[:, FIRST - 1 :], variance[:, FIRST - 1 :])


def peeked(seed: int, effect: float) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """By interval, whether it held the true effect at each look, and whether it held 0: (runs, looks)."""
    rng = np.random.default_rng(seed)
    base, arm = (looks((rng.random((RUNS, USERS)) < chance).astype(float)) for chance in (0.2, 0.2 + effect))
    told = {
        "fixed": experiment.fixed(base, arm, 0.05),
        "anytime": experiment.anytime(base, arm, 0.05, 2000),
    }
    truth = {name: (low <= effect) & (effect <= high) for name, (_, low, high) in told.items()}
    return truth, {name: (low <= 0) & (high >= 0) for name, (_, low, high) in told.items()}


@pytest.mark.parametrize("effect", [0.0, 0.05])
def test_who_looks_after_every_user_is_wrong_with_the_one_and_not_with_the_other(effect: float) -> None:
    held, _ = peeked(1, effect)
    once = {name: 1 - each[:, -1].mean() for name, each in held.items()}
    ever = {name: 1 - each.all(1).mean() for name, each in held.items()}
    assert 0.02 < once["fixed"] < 0.08  # at the time that was set beforehand it is right
    assert ever["fixed"] > 0.3
    assert ever["anytime"] <= 0.05


def test_an_effect_is_found_by_both_and_later_by_the_sequence() -> None:
    _, nothing = peeked(2, 0.05)
    found = {name: 1 - each[:, -1].mean() for name, each in nothing.items()}
    assert found["fixed"] > 0.99 and found["anytime"] > 0.95


def test_the_sequence_is_narrowest_where_it_was_planned() -> None:
    def width(planned: int, users: int) -> float:
        one = Moments(users / 2, 0.0, 1.0)
        _, low, high = experiment.anytime(one, one, 0.05, planned)
        return float(high - low)

    for users in (500, 5000, 50_000):
        widths = {planned: width(planned, users) for planned in (500, 5000, 50_000)}
        assert min(widths, key=lambda planned: widths[planned]) == users


def test_the_fixed_interval_is_that_of_scipy() -> None:
    rng = np.random.default_rng(3)
    base, arm = rng.normal(0, 1, 130), rng.normal(0.3, 3, 210)
    middle, low, high = experiment.fixed(experiment.moments_of(base), experiment.moments_of(arm), 0.05)
    theirs = stats.ttest_ind(arm, base, equal_var=False).confidence_interval(0.95)
    assert (low, high) == pytest.approx((theirs.low, theirs.high))
    assert middle == pytest.approx(arm.mean() - base.mean())


def rows(**rewards: list[float]) -> list[dict[str, object]]:
    return [
        {"arm": arm, "user_id": f"{arm}{number}", "reward": reward}
        for arm, each in rewards.items()
        for number, reward in enumerate(each)
    ]


def test_arms_are_compared_with_the_first_and_few_users_tell_no_interval() -> None:
    found = experiment.compare(rows(a=[0, 1] * 60, b=[1, 1, 0] * 50, c=[1] * 99, other=[9]), ["a", "b", "c"])
    a, b, c = found.arms
    assert (a.users, a.mean, a.fixed) == (120, 0.5, None)
    assert b.fixed and b.anytime and b.fixed.mean == b.anytime.mean == pytest.approx(1 / 6)
    assert b.anytime.low < b.fixed.low < b.fixed.high < b.anytime.high
    assert c.fixed is None and c.anytime is None and c.mean == 1
    alone = experiment.compare(rows(a=[0, 1] * 60, b=[1, 1, 0] * 50), ["a", "b"]).arms[1].fixed
    assert alone and alone.low > b.fixed.low  # of three arms two are compared: each interval is wider


def test_rewards_that_never_vary_tell_no_interval() -> None:
    found = experiment.compare(rows(a=[0] * FIRST, b=[0] * FIRST), ["a", "b"]).arms[1]
    assert found.mean == 0 and found.fixed is None and found.anytime is None


def test_users_that_are_not_shared_out_as_was_said() -> None:
    assert experiment.sample_ratio({"a": 5050, "b": 4950}, {"a": 1, "b": 1}) > 0.1
    assert experiment.sample_ratio({"a": 5300, "b": 4700}, {"a": 1, "b": 1}) < experiment.MISMATCH
    assert experiment.sample_ratio({"a": 9010, "b": 990}, {"a": 9, "b": 1}) > 0.1
    assert experiment.sample_ratio({"a": 0, "b": 0}, {"a": 9, "b": 1}) == 1


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ([{"arm": "a", "user_id": "u"}], "reward is not there"),
        (rows(a=[1, float("nan")]), "row 2: reward is not a finite number"),
        ([*rows(a=[1]), {"arm": "b", "user_id": "a0", "reward": 1}], "row 2: user_id was there before"),
        ([{"arm": None, "user_id": "u", "reward": 1}], "row 1: arm is missing"),
    ],
)
def test_tables_that_cannot_be_used(table: list[dict[str, object]], told: str) -> None:
    with pytest.raises(DataError, match=told):
        experiment.compare(table, ["a", "b"])
