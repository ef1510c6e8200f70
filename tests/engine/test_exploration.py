"""Exploration: the chances that are told are those that things are drawn by, whatever rules leave to be drawn."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engine import Diversity, Engine, Exploration
from engine.diversity import draws
from engine.errors import DataError
from tests.engine.command import weft
from tests.engine.eight import at_most, boost, exclude, rules

TIMES = 3000
"""Draws that a distribution is judged by."""


@given(
    st.lists(st.floats(-50, 50), max_size=30).map(lambda some: -np.sort(-np.array(some, float))),
    st.floats(0.01, 100),
    st.floats(0, 1),
    st.integers(1, 40),
)
def test_chances_sum_to_one_and_none_is_below_its_share(scores, temperature, even, shortlist):
    logs = draws.log_weights(scores, Exploration(temperature=temperature, even=even, shortlist=shortlist))
    assert len(logs) == min(len(scores), shortlist)
    if len(logs):
        chances = draws.among(logs, np.arange(len(logs)))
        assert np.exp(logs) == pytest.approx(chances)
        assert chances.sum() == pytest.approx(1)
        assert chances.min() >= even / len(chances) - 1e-12
        assert (np.diff(chances) <= 1e-12).all()


def test_what_is_far_behind_keeps_its_proportions():
    logs = draws.log_weights(np.array([0.0, -50, -51]), Exploration(temperature=0.01, even=0))
    assert draws.among(logs, np.array([1, 2])) == pytest.approx([1, 0])
    logs = draws.log_weights(np.array([0.0, -50, -50.01]), Exploration(temperature=0.01, even=0))
    assert draws.among(logs, np.array([1, 2])) == pytest.approx([np.e / (1 + np.e), 1 / (1 + np.e)])


def test_chances_by_hand():
    scores = np.array([1.0, 0.0])
    soft = np.exp(draws.log_weights(scores, Exploration(temperature=0.5, even=0)))
    assert soft == pytest.approx([np.e**2 / (1 + np.e**2), 1 / (1 + np.e**2)])
    both = np.exp(draws.log_weights(scores, Exploration(temperature=0.5, even=0.5)))
    assert both == pytest.approx((soft + 0.5) / 2)
    assert draws.among(np.log([0.5, 0.3, 0.2]), np.array([0, 2])) == pytest.approx([5 / 7, 2 / 7])


# --- on eight items in order of popularity


def drawn(engine: Engine, n: int, explore: Exploration, **asked: object) -> list[list[tuple[str, float]]]:
    """Many lists of nobody, as items and propensities."""
    found = engine.recommend_batch(["nobody"] * TIMES, n, explore=explore, **asked)
    return [[(one.item_id, one.propensity or 0.0) for one in each] for each in found]


@pytest.mark.parametrize("named", [[], [at_most(relation="HAS_COLLECTION", top=8)]])
def test_what_is_shown_how_often_is_what_was_told(eight: Engine, named: list[dict]):
    """Two drawn places below two fixed ones: the pairs that come up, against the product of their chances."""
    engine = replace(eight)
    engine.use_rules(rules(*named, exclude(items={"category": "Socks"})))
    lists = drawn(engine, 4 if not named else 3, Exploration(places=2, temperature=1, seed=1))
    told: dict[tuple[str, ...], float] = {}
    for each in lists:
        fixed = each[:-2]
        assert [chance for _, chance in fixed] == [1.0] * len(fixed)
        told[tuple(item for item, _ in each)] = float(np.prod([chance for _, chance in each]))
    assert sum(told.values()) == pytest.approx(1)  # all that can come up came up, so the chances are all there is
    counts = Counter(tuple(item for item, _ in each) for each in lists)
    names = sorted(told)
    expected = [TIMES * told[name] for name in names]
    assert min(expected) > 5
    assert stats.chisquare([counts[name] for name in names], expected).pvalue > 1e-3
    if named:
        assert all(len({"a", "b", "d"} & set(name)) <= 1 for name in names)


def test_places_above_are_those_without_exploration(eight: Engine):
    bare = [one.item_id for one in eight.recommend("nobody", n=8)]
    for each in eight.recommend_batch(["nobody"] * 20, 5, explore=2):
        assert [one.item_id for one in each[:3]] == bare[:3]
        assert len({one.item_id for one in each}) == 5


def test_with_one_seed_the_draw_is_the_same(eight: Engine):
    wanted = Exploration(places=5, temperature=10, seed=3)
    first = eight.recommend("nobody", n=8, explore=wanted)
    assert first == eight.recommend("nobody", n=8, explore=wanted)
    several = [tuple(one.item_id for one in eight.recommend("nobody", n=8, explore=5)) for _ in range(10)]
    assert len(set(several)) > 1


def test_a_shortlist_that_is_used_up_leaves_the_rest_to_the_scores(eight: Engine):
    found = eight.recommend("nobody", n=8, explore=Exploration(places=8, shortlist=2, seed=0))
    assert sorted(one.item_id for one in found[:2]) == ["a", "b"]
    assert [one.item_id for one in found[2:]] == list("cdefgh")
    assert [one.propensity for one in found[1:]] == [1.0] * 7
    assert 0 < (found[0].propensity or 0) < 1


# --- on a small generated shop


@pytest.fixture(scope="module")
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


@settings(max_examples=20)
@given(st.integers(1, 150), st.integers(0, 20), st.sampled_from([0, 1.0]), st.integers(0, 60))
def test_every_list_has_as_many_different_items_as_may_be_shown(engine, n, places, weight, user):
    found = engine.recommend(f"u{user:04d}", n=n, explore=places, diversity=weight)
    bare = engine.recommend(f"u{user:04d}", n=n, diversity=weight)
    assert len({one.item_id for one in found}) == len(found) == len(bare)
    fixed = max(n - places, 0)
    assert [one.item_id for one in found[:fixed]] == [one.item_id for one in bare[:fixed]]
    for place, one in enumerate(found):
        assert sum(one.contributions.values()) == pytest.approx(one.score, abs=1e-4)
        assert (one.propensity is None) == (places == 0)
        assert places == 0 or (one.propensity == 1 if place < fixed else 0 < one.propensity <= 1)


def test_no_exploration_is_the_list_as_it_was(engine: Engine):
    assert engine.recommend("u0001", explore=0) == engine.recommend("u0001")
    assert engine.recommend("u0001", explore=Exploration()) == engine.recommend("u0001")


def test_the_configuration_may_ask_for_it(engine: Engine):
    configured = Exploration(places=3, seed=5)
    state = replace(engine.state, config=engine.config.model_copy(update={"exploration": configured}))
    other = replace(engine, state=state)
    assert other.recommend("u0001") == engine.recommend("u0001", explore=configured)
    assert other.recommend("u0001", explore=0) == engine.recommend("u0001")


@pytest.mark.parametrize(
    "explore", [Exploration(places=4, seed=1), Exploration(places=2, temperature=2, even=0, seed=2)]
)
def test_a_chance_can_be_asked_for_afterwards(engine: Engine, explore: Exploration):
    other = replace(engine)
    other.use_rules(rules(at_most(relation="MADE_BY", top=10), boost(items={"gender": "women"}, weight=0.5)))
    for user in ("u0001", "nobody"):
        found = other.recommend(user, explore=explore)
        ids = [one.item_id for one in found]
        for place in range(10 - explore.places, 10):
            told = other.propensity(ids[place], ids[:place], user=user, explore=explore)
            assert told == pytest.approx(found[place].propensity, rel=1e-4)
        assert other.propensity(ids[0], ids[:3], user=user, explore=explore) == 0
    everything = engine.catalogue.items["item_id"].to_list()
    chances = [engine.propensity(item, ids[:3], history=["p0001"], explore=explore) for item in everything]
    assert sum(chances) == pytest.approx(1, abs=1e-5)
    assert np.count_nonzero(chances) <= explore.shortlist


def test_what_cannot_be_done_is_told(engine: Engine):
    for wrong in (-1, 1.5, "all", 1001):
        with pytest.raises(DataError, match="explore is a number of places"):
            engine.recommend("u0001", explore=wrong)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="mode interest has no diversity and no exploration"):
        engine.recommend("u0001", mode="interest", explore=1)


def test_diversity_goes_on_above_what_is_drawn(engine: Engine):
    wanted = Diversity(weight=4)
    found = engine.recommend("u0001", diversity=wanted, explore=Exploration(places=3, seed=2))
    alone = engine.recommend("u0001", diversity=wanted)
    assert [one.item_id for one in found[:7]] == [one.item_id for one in alone[:7]]
    assert [one.contributions["diversity"] for one in found[7:]] == [0, 0, 0]


def test_the_command_line_tells_the_chances(small_artefact: Path):
    told = json.loads(weft("recommend", small_artefact, "--user", "u0001", "--explore", "2", "--json").stdout)
    assert [one["propensity"] for one in told[:8]] == [1.0] * 8
    assert all(0 < one["propensity"] < 1 for one in told[8:])
    shown = weft("recommend", small_artefact, "--user", "u0001", "--explore", "2").stdout
    assert "shown with" in shown
    assert "shown with" not in weft("recommend", small_artefact, "--user", "u0001").stdout
