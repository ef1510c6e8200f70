"""Diversity: each criterion against its formula worked the slow way, and laws that hold for every list."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from engine import Diversity, Engine
from engine.diversity import kinds
from engine.diversity.calibrated import Calibrated, divergence
from engine.diversity.dpp import LEAST, Dpp
from engine.diversity.making import Making
from engine.diversity.mmr import Mmr
from engine.diversity.varied import likeness
from engine.errors import DataError
from tests.engine.command import weft
from tests.engine.eight import at_most, exclude, rules

METHODS = ["dpp", "mmr", "calibrated"]
weights = st.floats(0, 5, width=32)


@st.composite
def shortlists(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Scores, best first, and the likeness of as many items, which may be copies of one another."""
    rng, size = np.random.default_rng(draw(st.integers(0, 10_000))), draw(st.integers(1, 7))
    vectors = rng.normal(size=(size, draw(st.integers(2, 8))))
    for copy in range(draw(st.integers(0, size // 2))):
        vectors[size - 1 - copy] = vectors[copy]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return -np.sort(-rng.normal(size=size)), vectors @ vectors.T


def listed(scores, criterion, n):
    return Making(scores, np.arange(len(scores)), criterion).greedy(n)


@given(shortlists(), weights)
def test_dpp_takes_at_each_place_what_a_search_by_determinants_takes(given_, weight):
    scores, alike = given_
    found = listed(scores, Dpp(alike, weight), len(scores))
    above: list[int] = []
    for place in found:
        before = np.linalg.det(alike[np.ix_(above, above)])
        if before < 1e-6:  # the span is full: a determinant tells no more
            break
        share = [np.linalg.det(alike[np.ix_([*above, i], [*above, i])]) / before for i in range(len(scores))]
        gains = scores + weight * np.log(np.maximum(share, LEAST))
        gains[above] = -np.inf
        assert gains[place.row] == pytest.approx(gains.max(), abs=1e-5 * (1 + weight / min(before, 1)))
        assert place.added == pytest.approx(weight * np.log(max(share[place.row], LEAST)), abs=0.02 * (1 + weight))
        above.append(place.row)
    assert len({place.row for place in found}) == len(scores)


@given(shortlists(), weights)
def test_mmr_takes_what_its_formula_says(given_, weight):
    scores, alike = given_
    above: list[int] = []
    for place in listed(scores, Mmr(alike, weight), len(scores)):
        nearest = [max([0, *(alike[i, j] for j in above)]) for i in range(len(scores))]
        values = scores - weight * np.array(nearest)
        values[above] = -np.inf
        assert values[place.row] == pytest.approx(values.max())
        assert place.added == pytest.approx(-weight * nearest[place.row])
        above.append(place.row)
    assert sorted(above) == list(range(len(scores)))


@given(shortlists())
def test_without_weight_each_is_the_ranking(given_):
    scores, alike = given_
    shares = np.eye(len(scores), dtype=np.float32)
    for criterion in (Mmr(alike, 0), Dpp(alike, 0), Calibrated(shares, np.full(len(scores), 1 / len(scores)), 0)):
        assert [place.row for place in listed(scores, criterion, len(scores))] == list(range(len(scores)))


@given(shortlists(), weights)
def test_what_mmr_and_dpp_leave_of_a_score_never_rises(given_, weight):
    scores, alike = given_
    for criterion in (Mmr(alike, weight), Dpp(alike, weight)):
        left = [scores[place.row] + place.added for place in listed(scores, criterion, len(scores))]
        assert all(b <= a + 1e-9 for a, b in pairwise(left))


def test_a_list_has_the_shares_of_the_history_where_only_they_count():
    shares = np.repeat(np.eye(2, dtype=np.float32), 20, axis=0)  # the twenty best are of the first kind
    scores = np.linspace(1, 0, 40)
    for weight, first in ((0, 10), (10, 7)):
        found = listed(scores, Calibrated(shares, np.array([0.7, 0.3]), weight), 10)
        assert sum(place.row < 20 for place in found) == first
    total = sum(place.added for place in found)
    assert total == pytest.approx(-10 * 10 * divergence(np.array([0.7, 0.3]), np.array([0.7, 0.3])), abs=1e-9)


def test_divergence_by_hand():
    wanted = np.array([0.5, 0.5])
    assert divergence(wanted, wanted) == pytest.approx(0)
    smooth = np.array([0.99 + 0.005, 0.005])
    assert divergence(wanted, np.array([1.0, 0.0])) == pytest.approx((0.5 * np.log(0.5 / smooth)).sum())


def test_nothing_of_the_wanted_kinds_leaves_the_ranking():
    found = listed(np.array([3.0, 2, 1]), Calibrated(np.ones((3, 1), np.float32), np.zeros(1), 5), 3)
    assert found == [(0, 0, 1), (1, 0, 1), (2, 0, 1)]


def test_beyond_the_shortlist_the_score_decides():
    alike = np.ones((3, 3))
    assert [place.row for place in listed(np.arange(6.0)[::-1], Mmr(alike, 100), 6)] == [0, 1, 2, 3, 4, 5]
    alike[2] = alike[:, 2] = [0, 0, 1]
    assert [place.row for place in listed(np.arange(6.0)[::-1], Mmr(alike, 100), 5)] == [0, 2, 1, 3, 4]


def test_kinds_of_texts_lists_and_gaps():
    items = pl.DataFrame({"one": ["b", None, "a"], "many": [["x", "y"], [], ["y", "y"]], "price": [1.0, 2, 3]})
    assert_allclose(kinds.shares(items, "one").toarray(), [[0, 1], [0, 0], [1, 0]])
    assert_allclose(kinds.shares(items, "many").toarray(), [[0.5, 0.5], [0, 0], [0, 1]])
    for column in ("price", "none"):
        with pytest.raises(DataError, match="there are one, many"):
            kinds.shares(items, column)


# --- on a small generated shop


@pytest.fixture(scope="module")
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


@pytest.fixture(scope="module")
def users(engine: Engine) -> list[str]:
    return engine.catalogue.interactions["user_id"].unique().sort().to_list()


def test_nought_is_the_list_as_it_was_to_the_last_bit(engine: Engine, users: list[str]):
    bare = engine.recommend_batch(users, 10)
    assert engine.recommend_batch(users, 10, diversity=0) == bare
    assert engine.recommend(users[0], diversity=Diversity(by="mmr")) == engine.recommend(users[0])
    assert not any("diversity" in one.contributions for one in bare[0])


@settings(max_examples=25)
@given(st.sampled_from(METHODS), weights, st.integers(1, 130), st.integers(1, 130), st.integers(0, 79), st.booleans())
def test_every_list_has_as_many_different_items_as_may_be_shown(engine, users, by, weight, n, shortlist, user, dear):
    where = {"price": (200, None)} if dear else None
    wanted = Diversity(by=by, weight=weight, shortlist=shortlist)
    found = engine.recommend(users[user % len(users)], n=n, exclude=["p0001"], where=where, diversity=wanted)
    bare = engine.recommend(users[user % len(users)], n=130, exclude=["p0001"], where=where)
    ids = [one.item_id for one in found]
    assert len(ids) == len(set(ids)) == min(n, len(bare))
    assert set(ids) <= {one.item_id for one in bare}
    for one in found:
        assert sum(one.contributions.values()) == pytest.approx(one.score, abs=1e-4)
    if weight == 0 or shortlist == 1:
        assert ids == [one.item_id for one in bare[:n]]


@pytest.mark.parametrize("by", METHODS)
def test_the_more_diversity_the_more_of_it_and_the_less_score(engine: Engine, users: list[str], by: str):
    """Means over the users: what the criterion is about gets better with each step, and what the ranker gave worse."""
    index = {item: row for row, item in enumerate(engine.state.lookup.ids)}
    shares = engine.state.kinds("category")
    wanted = kinds.wanted(shares, engine.state.lookup.histories(users))
    gained, kept = [], []
    for weight in (0, 0.25, 1, 4):
        lists = engine.recommend_batch(users, 10, diversity=Diversity(by=by, weight=weight))
        rows = [np.array([index[one.item_id] for one in each]) for each in lists]
        if by == "calibrated":
            gained.append(-np.mean([_divergence(shares[each], wanted[user]) for user, each in enumerate(rows)]))
        else:
            gained.append(np.mean([_distance(engine, each) for each in rows]))
        kept.append(np.mean([one.score - one.contributions.get("diversity", 0) for each in lists for one in each]))
    assert gained == sorted(gained)
    assert kept == sorted(kept, reverse=True)
    assert gained[-1] > gained[0]
    assert kept[-1] < kept[0]


def _distance(engine: Engine, items: np.ndarray) -> float:
    return float(1 - likeness(engine.ranker.features.take(items))[np.triu_indices(len(items), 1)].mean())


def _divergence(shares, wanted: np.ndarray) -> float:
    return float(divergence(wanted[wanted > 0], shares.toarray().mean(0)[wanted > 0]))


@pytest.mark.parametrize("by", METHODS)
def test_many_are_answered_as_one_is(engine: Engine, users: list[str], by: str):
    wanted = Diversity(by=by, weight=1)
    many = engine.recommend_batch([users[0], "nobody", users[1]], 8, diversity=wanted)
    for user, found in zip((users[0], "nobody", users[1]), many, strict=True):
        alone = engine.recommend(user, n=8, diversity=wanted)
        assert [one.item_id for one in alone] == [one.item_id for one in found]
        assert [one.score for one in alone] == pytest.approx([one.score for one in found], abs=1e-4)


def test_who_has_no_history_has_nothing_to_be_calibrated_to(engine: Engine):
    calibrated = engine.recommend("nobody", diversity=Diversity(by="calibrated", weight=4))
    assert [one.item_id for one in calibrated] == [one.item_id for one in engine.recommend("nobody")]


def test_new_items_take_part(small_artefact: Path, users: list[str]):
    engine = Engine.load(small_artefact)
    engine.recommend(users[0], diversity=Diversity(by="calibrated", weight=1))
    engine.add_items([{"item_id": "new", "title": "Lamp", "category": "Lamps of a new kind"}])
    for by in METHODS:
        found = engine.recommend(users[0], n=200, diversity=Diversity(by=by, weight=1, shortlist=1000))
        assert "new" in {one.item_id for one in found}
    assert "Lamps of a new kind" in engine.catalogue.items["category"].to_list()


def test_a_number_is_a_weight_and_all_else_is_as_configured(engine: Engine, users: list[str]):
    configured = Diversity(by="mmr", weight=2)
    state = replace(engine.state, config=engine.config.model_copy(update={"diversity": configured}))
    other = replace(engine, state=state)
    assert other.recommend(users[0]) == engine.recommend(users[0], diversity=configured)
    assert other.recommend(users[0], diversity=1) == engine.recommend(users[0], diversity=Diversity(by="mmr", weight=1))
    assert other.recommend(users[0], diversity=0) == engine.recommend(users[0])
    assert other.recommend(users[0], mode="interest") == engine.recommend(users[0], mode="interest")


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), 101, "much"])
def test_what_is_no_weight_is_told(engine: Engine, wrong: object):
    with pytest.raises(DataError, match="diversity is a weight from 0 to 100"):
        engine.recommend("nobody", diversity=wrong)  # type: ignore[arg-type]


def test_what_cannot_be_done_is_told(engine: Engine, users: list[str]):
    with pytest.raises(DataError, match="mode interest has no diversity"):
        engine.recommend(users[0], mode="interest", diversity=1)
    with pytest.raises(DataError, match="no column 'price' of kinds"):
        engine.recommend(users[0], diversity=Diversity(by="calibrated", weight=1, column="price"))
    plain = engine.config.data.model_copy(update={"category": None, "attributes": ()})
    with pytest.raises(DataError, match=r"name it in diversity\.column"):
        kinds.column_of(plain, None)


def test_the_command_line_asks_for_it(small_artefact: Path, users: list[str]):
    told = json.loads(weft("recommend", small_artefact, "--user", users[0], "--diversity", "1", "--json").stdout)
    assert all("diversity" in one["contributions"] for one in told)
    done = weft("recommend", small_artefact, "--user", users[0], "--diversity", "-1")
    assert done.exit_code == 2
    assert "diversity is a weight from 0 to 100" in done.stderr


# --- with rules, on eight items in order of popularity


@pytest.mark.parametrize("by", METHODS)
@pytest.mark.parametrize("shortlist", [3, 100])
def test_rules_are_obeyed(eight: Engine, by: str, shortlist: int):
    engine = replace(eight)
    engine.use_rules(rules(at_most(relation="HAS_COLLECTION", top=8), exclude(items={"category": "Socks"})))
    wanted = Diversity(by=by, weight=1, shortlist=shortlist, column="category")
    found = engine.recommend("young", n=8, diversity=wanted)
    ids = [one.item_id for one in found]
    assert not {"e", "f"} & set(ids)
    collections = dict(engine.catalogue.items.select("item_id", "collection").iter_rows())
    named = [name for item in ids for name in collections[item]]
    assert len(named) == len(set(named))
    assert len(ids) == 3  # one of Air, one of Star, one of Sun; or one of both and one of Sun would be two
    moved = {one.item_id for one in found if "rule: r0" in one.contributions}
    assert moved <= set(ids)
