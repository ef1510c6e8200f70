"""Off-policy estimates on simulated logs whose truth is known, and on logs that can tell nothing."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DataError
from engine.evaluation import offpolicy
from tests.engine.command import weft

USERS, ITEMS, EACH = 400, 8, 10


def world(seed: int, logged: float = 1.0, wanted: float = -1.0, even: float = 0.2) -> tuple[pl.DataFrame, float]:
    """A log of users who see one drawn item at a time, and what the other policy would truly earn a row.

    Each user likes items with chances of their own. The log draws by a softmax that leans by `logged` to what they
    like, mixed with `even`; the other policy leans by `wanted`.
    """
    rng = np.random.default_rng(seed)
    likes = rng.beta(1, 3, (USERS, ITEMS))

    def policy(lean: float, share: float) -> np.ndarray:
        soft = np.exp(lean * likes / likes.std())
        return (1 - share) * soft / soft.sum(1, keepdims=True) + share / ITEMS

    shown_by, other = policy(logged, even), policy(wanted, 0.0)
    users = np.repeat(np.arange(USERS), EACH)
    items = np.array([rng.choice(ITEMS, p=shown_by[user]) for user in users])
    rewards = (rng.random(len(users)) < likes[users, items]).astype(float)
    model = 0.7 * likes + 0.1  # a model of rewards that is not quite right
    log = pl.DataFrame(
        {
            "user_id": [f"u{user}" for user in users],
            "propensity": shown_by[users, items],
            "target": other[users, items],
            "reward": rewards,
            "predicted": model[users, items],
            "expected": (other * model).sum(1)[users],
        }
    )
    return log, float((other * likes).sum(1).mean())


def by_name(found: offpolicy.OffPolicy) -> dict[str, offpolicy.Estimate]:
    return {one.name: one for one in found.estimates}


def test_intervals_hold_the_truth_and_what_the_log_earned_does_not():
    """Over 100 simulated logs, an interval of 95% holds the truth about 95 times; the naive one never does."""
    held = dict.fromkeys(("IPS", "SNIPS", "DR", "logged"), 0)
    for seed in range(100):
        log, truth = world(seed)
        found = offpolicy.estimate(log, resamples=200, seed=seed)
        assert not found.warnings
        for one in (*found.estimates, found.logged):
            held[one.name] += one.low <= truth <= one.high
    assert held["logged"] == 0
    assert all(88 <= held[name] < 100 for name in ("IPS", "SNIPS", "DR"))


def test_estimates_are_unbiased_and_the_naive_mean_is_not():
    errors: dict[str, list[float]] = {}
    for seed in range(40):
        log, truth = world(seed)
        found = offpolicy.estimate(log.with_columns(pl.col("reward", "predicted", "expected") + 1), resamples=2)
        truth += 1  # rewards far from 0, which weights that sum to something else than the rows blow up in IPS
        for one in (*found.estimates, found.logged):
            errors.setdefault(one.name, []).append(one.mean - truth)
    spread = {name: np.std(each) / np.sqrt(len(each)) for name, each in errors.items()}
    for name in ("IPS", "SNIPS", "DR"):
        assert abs(np.mean(errors[name])) < 4 * spread[name]
    assert np.mean(errors["logged"]) > 20 * spread["logged"]
    assert np.std(errors["DR"]) < 0.5 * np.std(errors["IPS"])
    assert np.std(errors["SNIPS"]) < 0.5 * np.std(errors["IPS"])


def test_the_policy_of_the_log_earns_what_it_earned():
    log, _ = world(0)
    found = offpolicy.estimate(log.with_columns(target="propensity"))
    for name in ("IPS", "SNIPS"):
        assert by_name(found)[name].mean == pytest.approx(found.logged.mean)
    assert found.effective == pytest.approx(found.rows)
    assert found.weight.mean == 1


def test_doubly_robust_needs_only_one_of_the_two():
    log, truth = world(3)
    perfect = log.with_columns(predicted="reward")  # a model that is never wrong
    found = by_name(offpolicy.estimate(perfect))
    assert found["DR"].mean == pytest.approx(log["expected"].mean())
    nothing = log.with_columns(predicted=pl.lit(0.0), expected=pl.lit(0.0))  # and one that says nothing
    found = by_name(offpolicy.estimate(nothing))
    assert found["DR"].mean == pytest.approx(found["IPS"].mean)
    assert found["DR"].low <= truth <= found["DR"].high


def test_by_hand():
    log = [
        {"propensity": 0.5, "target": 1.0, "reward": 1},
        {"propensity": 0.25, "target": 0.0, "reward": 1},
        {"propensity": 0.2, "target": 0.8, "reward": 0},
    ]
    found = offpolicy.estimate(log)
    assert by_name(found)["IPS"].mean == pytest.approx(2 / 3)
    assert by_name(found)["SNIPS"].mean == pytest.approx(2 / 6)
    assert found.effective == pytest.approx(36 / 20)
    assert (found.largest, found.clipped) == (4, 0)
    cut = offpolicy.estimate(log, clip=2)
    assert by_name(cut)["SNIPS"].mean == pytest.approx(2 / 4)
    assert cut.clipped == pytest.approx(1 / 3)
    assert (cut.largest, cut.weight.mean) == (4, 2)
    assert "DR" not in by_name(found)


def test_clipping_narrows_the_interval_and_pulls_towards_the_log():
    log, truth = world(5, logged=2, wanted=-2, even=0.05)
    whole, cut = (offpolicy.estimate(log, clip) for clip in (None, 3))
    wide, narrow = by_name(whole)["IPS"], by_name(cut)["IPS"]
    assert narrow.high - narrow.low < wide.high - wide.low
    assert narrow.mean < wide.mean
    assert by_name(cut)["SNIPS"].mean > by_name(whole)["SNIPS"].mean
    assert whole.logged.mean > truth


def test_without_overlap_it_is_told():
    """The other policy shows what the log could not: weights of the few rows that both have cannot make it up."""
    log, _ = world(0)
    never = log.with_columns(target=pl.lit(0.0))
    found = offpolicy.estimate(never)
    assert found.effective == 0
    assert np.isnan(by_name(found)["SNIPS"].mean)
    assert len(found.warnings) == 2
    seldom = never.with_columns(target=pl.when(pl.int_range(pl.len()) < 5).then(1.0).otherwise(0.0))
    found = offpolicy.estimate(seldom)
    assert found.effective < 10
    assert "no estimate here is to be relied on" in found.warnings[0]
    assert "should be 1" in found.warnings[1]


def test_wrong_propensities_are_told():
    log, _ = world(0)
    found = offpolicy.estimate(log.with_columns(propensity=pl.lit(1 / ITEMS)))
    assert any("not those that were drawn by" in each for each in found.warnings)


def test_users_hang_together():
    """Rows of one user that repeat tell no more: the interval is as wide as of one row a user."""
    log, _ = world(1)
    single = log.unique("user_id", keep="first", maintain_order=True)
    repeated = pl.concat([single] * 20)
    once, often = (by_name(offpolicy.estimate(each))["SNIPS"] for each in (single, repeated))
    loose = by_name(offpolicy.estimate(repeated.drop("user_id")))["SNIPS"]
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.15)
    assert loose.high - loose.low < 0.5 * (once.high - once.low)


@given(
    st.lists(
        st.tuples(st.floats(0.01, 1), st.just(0.0) | st.floats(1e-6, 1), st.floats(-5, 5), st.sampled_from("abc")),
        min_size=1,
        max_size=30,
    )
)
def test_snips_is_never_outside_the_rewards(rows):
    names = ("propensity", "target", "reward", "user_id")
    found = offpolicy.estimate([dict(zip(names, row, strict=True)) for row in rows], resamples=20)
    snips = by_name(found)["SNIPS"]
    rewards = [row[2] for row in rows]
    assert found.users == len({row[3] for row in rows})
    assert 0 <= found.effective <= len(rows) + 1e-6
    if any(row[1] for row in rows):
        assert min(rewards) - 1e-6 <= snips.low <= snips.high <= max(rewards) + 1e-6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"propensity": 0.0}, "row 2: propensity is 0.0, and above 0 and at most 1 is wanted"),
        ({"propensity": 1.5}, "propensity is 1.5"),
        ({"target": -0.1}, "target is -0.1, and from 0 to 1 is wanted"),
        ({"reward": None}, "reward is None, and a finite number is wanted"),
        ({"reward": float("nan")}, "row 2: reward is nan"),
        ({"user_id": ""}, "an id is wanted"),
    ],
)
def test_rows_that_cannot_be_used_are_told(change: dict, words: str):
    good = {"user_id": "a", "propensity": 0.5, "target": 0.5, "reward": 1.0}
    with pytest.raises(DataError) as caught:
        offpolicy.estimate([good, good | change])
    assert words in str(caught.value)


def test_tables_that_cannot_be_used_are_told():
    with pytest.raises(DataError, match="target is not there"):
        offpolicy.estimate([{"propensity": 0.5, "reward": 1}])
    with pytest.raises(DataError, match="there are no rows"):
        offpolicy.estimate(pl.DataFrame(schema={"propensity": pl.Float64, "target": pl.Float64, "reward": pl.Float64}))
    with pytest.raises(DataError, match="clip must be above 0"):
        offpolicy.estimate([{"propensity": 0.5, "target": 0.5, "reward": 1}], clip=0)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_command_line_reads_a_log(tmp_path: Path, suffix: str):
    log, _ = world(2)
    path = tmp_path / f"log.{suffix}"
    if suffix == "csv":
        log.write_csv(path)
    else:
        log.write_parquet(path)
    told = json.loads(weft("offpolicy", path, "--json", "--clip", "5").stdout)
    found = offpolicy.estimate(log, clip=5)
    assert told["logged"]["mean"] == pytest.approx(found.logged.mean)
    assert [one["mean"] for one in told["estimates"]] == pytest.approx([one.mean for one in found.estimates])
    shown = weft("offpolicy", path).stdout
    assert f"{found.rows} rows of {USERS} users" in shown
    assert all(name in shown for name in ("logged", "IPS", "SNIPS", "DR"))
    log.with_columns(target=pl.lit(0.0)).write_csv(tmp_path / "never.csv")
    assert "no estimate here is to be relied on" in weft("offpolicy", tmp_path / "never.csv").stderr
