"""Chances: what they say on lists with a known answer, and that their order is that of the scores."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import Engine, calibration, fusion
from engine.calibration import Calibration
from engine.evaluation import reliability
from engine.fusion import Fusion
from engine.lists import Lists, whole


def planted(seed: int, users: int = 400, items: int = 60) -> tuple[Lists, Fusion]:
    """Each item is chosen by a chance that rises with its only signal and with the length of the history."""
    rng = np.random.default_rng(seed)
    signals = rng.normal(size=(users, items, 1)).astype(np.float32)
    trust = rng.normal(0, 0.5, users).astype(np.float32)
    z = signals[..., 0] / signals[..., 0].std(axis=1, keepdims=True)
    chosen = rng.random((users, items)) < 1 / (1 + np.exp(2.5 - 1.2 * z - trust[:, None]))
    signals -= signals.mean(axis=1, keepdims=True)
    known, allowed = np.ones(items, bool), np.ones((users, items), bool)
    return whole(signals, trust, known, allowed, chosen, rng), fusion.even(["signal"])


def chances(model: Calibration, lists: Lists, fused: Fusion) -> np.ndarray:
    scores = fused.score(lists.signals, lists.trust, lists.known)
    z = scores / calibration.unit(fused.spread(lists))[:, None]
    return model.chance(z, lists.trust[:, None])


def test_chances_are_what_they_say_of_lists_that_were_not_learned_from() -> None:
    lists, fused = planted(0)
    model = calibration.fit([lists], fused, None, depth=60)
    assert model is not None
    assert (model.bias, model.slope, model.trust) == pytest.approx((-2.5, 1.2, 1.0), abs=0.1)
    other, _ = planted(1)
    given = chances(model, other, fused)
    found = reliability.measure(given.ravel(), other.chosen.ravel())
    assert found.ece < 0.01
    assert found.brier < found.brier_of_mean
    scores = fused.score(other.signals, other.trust, other.known)
    order = np.argsort(-scores, axis=1)
    assert (np.diff(np.take_along_axis(given, order, 1), axis=1) <= 0).all()


def test_nothing_is_said_where_scores_do_not_tell() -> None:
    lists, fused = planted(0)
    backwards = replace(lists, signals=-lists.signals)
    assert calibration.fit([backwards], fused, None, depth=60) is None
    unchosen = replace(lists, chosen=np.zeros_like(lists.chosen))
    assert calibration.fit([unchosen], fused, None, depth=60) is None
    assert calibration.fit([], fused, None, depth=60) is None


def test_the_error_of_chances_is_worked_out_by_hand() -> None:
    found = reliability.measure(np.array([0.1, 0.9, 0.3, 0.7]), np.array([False, True, True, True]), bins=2)
    assert found.expected == pytest.approx([0.2, 0.8])
    assert found.observed == [0.5, 1.0]
    assert found.ece == pytest.approx(0.25)
    assert found.brier == pytest.approx((0.01 + 0.01 + 0.49 + 0.09) / 4)
    assert found.brier_of_mean == pytest.approx(0.75 * 0.25)


def test_an_engine_gives_them_in_the_order_of_its_scores(small_artefact: Path) -> None:
    engine = Engine.load(small_artefact)
    assert engine.ranker.calibration is not None
    for user in engine.catalogue.interactions["user_id"].unique().sort()[:20]:
        given = [one.probability for one in engine.recommend(user=user, n=50)]
        assert all(chance is not None and 0 < chance < 1 for chance in given)
        assert given == sorted(given, reverse=True)
