"""Interest-weighted similarity, against numbers worked out by hand, and the mode that goes by nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from engine import Engine, history
from engine.candidates import Features, interest
from engine.config import Content, Interest
from engine.errors import DataError
from tests.engine.eight import rules

PAIRS = [(0, 1), (0, 2), (1, 2), (0, 1)]
"""Two of three facts for each of four items."""


def facts() -> Features:
    told = np.zeros((5, 3), np.float32)
    for item, pair in enumerate(PAIRS):
        told[item, list(pair)] = 0.5**0.5  # and of the fifth nothing is known
    blank = np.zeros((5, 1), np.float32)
    words = sparse.csr_array((5, 0), dtype=np.float32)
    return Features(sparse.csr_array(told), words, blank, blank, np.zeros(3, np.int64))


def test_it_is_worked_out_by_hand() -> None:
    model = interest.fit(facts(), Interest(half_lives=(1.0,), memory=np.inf, smoothing=2.0), Content(facts=1.0))
    past = history.single([2, 0], 5)
    share = np.array([3, 3, 2]) / 5
    lift = (np.array([1, 2, 1]) + 2 * share) / (2 + 2) / share
    weight = np.array([lift[list(pair)].mean() for pair in PAIRS] + [1])
    cosine = np.array([[0.5, 0.5, 1, 0.5, 0], [1, 0.5, 0.5, 1, 0]])  # with item 2, with item 0
    mix = sum((1.0, Content().words, Content().text, Content().image))
    similarity = (0.5 * cosine[0] + cosine[1]) / 1.5 / mix
    assert model.score(past)[0, 0] == pytest.approx(weight * similarity, abs=1e-6)
    assert model.credit(past, 1)[0] == pytest.approx(weight[1] * np.array([0.25, 0.5]) / 1.5 / mix, abs=1e-6)


def test_who_has_no_history_has_no_interests() -> None:
    model = interest.fit(facts(), Interest(), Content())
    similarity, weight, _ = model.factors(history.single([], 5), np.arange(5))
    assert not similarity.any()
    assert weight == pytest.approx(np.ones(5))


def test_the_mode_multiplies_and_its_contributions_sum(eight: Engine) -> None:
    found = eight.recommend(history=["a", "b"], mode="interest")
    assert found[0].item_id == "d"  # of Nike and of Air, as both are
    for one in found:
        assert one.score == pytest.approx(one.factors["similarity"] * one.factors["interest"])
        assert one.score == pytest.approx(sum(one.contributions.values()))
    assert found[0].factors["interest"] > 1
    assert found[0].contributions["brand Nike"] > 0
    assert not {one.item_id for one in found} & {"a", "b", "g"}  # what is met, and what has nothing in common
    assert eight.recommend(history=[], mode="interest") == []


def test_rules_and_conditions_hide_in_the_mode_too(eight: Engine) -> None:
    shown = {one.item_id for one in eight.recommend(history=["a"], mode="interest")}
    assert {"b", "d"} <= shown
    with pytest.raises(DataError, match="mode is one of fused, interest"):
        eight.recommend(history=["a"], mode="other")
    cheap = eight.recommend(history=["a"], mode="interest", where={"price": (None, 300)})
    assert {one.item_id for one in cheap} == shown - {"d"}


def test_a_rule_hides_in_the_mode(eight: Engine) -> None:
    hidden = replace(eight)
    hidden.use_rules(rules({"kind": "exclude", "items": {"item_id": "d"}}))
    assert "d" not in {one.item_id for one in hidden.recommend(history=["a"], mode="interest")}
    assert "d" in {one.item_id for one in hidden.recommend(history=["a"], mode="interest", rules=False)}
