"""The fusion, the reranker and the gates on lists with a known answer."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine import fusion, gating, listwise, rerank
from engine.config import Config, Fusion
from engine.history import Histories
from engine.lists import NEGATIVES, Lists, shortlisted, whole

NAMES = ("good.1", "noise.1", "content.1")
ALL = np.ones((2, 3), bool)


def lists(seed: int = 0, users: int = 60, items: int = 40, negatives: int = NEGATIVES) -> Lists:
    """`good` says what known items are chosen, `content` what new ones are; `noise` says nothing."""
    rng = np.random.default_rng(seed)
    signals = rng.normal(size=(users, items, 3)).astype(np.float32)
    known = np.arange(items) < items * 3 // 4
    truth = np.where(known, signals[..., 0], signals[..., 2])
    chosen = truth > np.quantile(truth, 0.9, axis=1, keepdims=True)
    allowed = np.ones((users, items), bool)
    return whole(signals, np.zeros(users, np.float32), known, allowed, chosen, rng, negatives)


def of_known(signals: np.ndarray, chosen: np.ndarray) -> Lists:
    """Lists of known items that may all be shown."""
    users, items = chosen.shape
    known, rng = np.ones(items, bool), np.random.default_rng(0)
    return whole(signals, np.zeros(users, np.float32), known, np.ones_like(chosen), chosen, rng)


def learned(made: Lists) -> fusion.Fusion:
    sample = listwise.sample(made)
    return listwise.fit([sample], NAMES, ALL, l2=1e-3)


def test_weights_go_to_the_signals_that_say_something() -> None:
    model = learned(lists())
    assert model.weight[0, 0, 0] > 5 * abs(model.weight[0, 0, 1])
    assert model.weight[0, 1, 2] > 5 * abs(model.weight[0, 1, 1])


def test_a_signal_that_is_off_weighs_nothing() -> None:
    sample = listwise.sample(lists())
    model = listwise.fit([sample], NAMES, np.array([[True, False, True], [False, False, True]]), l2=1e-3)
    assert not model.weight[..., 1].any()
    assert not model.slope[..., 1].any()
    assert model.weight[0, 0, 0]
    assert not model.weight[0, 1, 0]


def test_a_small_sample_estimates_the_whole_list() -> None:
    small = learned(lists(users=400, negatives=12))
    assert np.allclose(small.weight[0, 0, 0] / learned(lists(users=400)).weight[0, 0, 0], 1, atol=0.35)


def test_a_shortlist_keeps_the_answers_what_was_drawn_and_the_best() -> None:
    made = lists(items=400, negatives=20)
    allowed = made.allowed & (np.arange(400) % 7 > 0)
    made = replace(made, allowed=allowed, chosen=made.chosen & allowed, drawn=made.drawn & allowed)
    short = shortlisted(made, 210, np.random.default_rng(1))
    assert short.signals.shape == (60, 210, 3)
    assert short.allowed.all()
    assert (short.chosen.sum(1) == made.chosen.sum(1)).all()
    full, cut = listwise.sample(made), listwise.sample(short)
    assert cut.log_odds.equal(full.log_odds)
    real = full.log_odds > -torch.inf
    assert all(getattr(full, name)[real].equal(getattr(cut, name)[real]) for name in ("signals", "new", "chosen"))
    model = learned(made)
    best, same = (rerank.best(model.score(one.signals, one.trust, one.known), one.allowed, 5) for one in (made, short))
    assert np.allclose(made.signals[best.user, best.item], short.signals[same.user, same.item])
    assert shortlisted(made, 400, np.random.default_rng(1)) is made


def test_the_spread_is_that_of_the_scores_of_known_items() -> None:
    made = lists()
    standard = made.signals - made.signals[:, made.known[0]].mean(axis=1, keepdims=True)
    made = whole(standard, made.trust, made.known[0], made.allowed, made.chosen, np.random.default_rng(0))
    model = learned(made)
    scores = model.score(made.signals, made.trust, made.known)
    assert np.allclose(model.spread(made), scores[:, made.known[0]].std(axis=1), rtol=1e-4)
    some, few = model.only(NAMES[:2]), made.only([0, 1])
    scores = some.score(few.signals, few.trust, few.known)
    assert np.allclose(some.spread(few), scores[:, few.known[0]].std(axis=1), rtol=1e-4)


def test_no_history_is_zero_and_not_noise() -> None:
    model = learned(lists())
    scores = model.score(np.zeros((1, 40, 3), np.float32), np.zeros(1, np.float32), np.ones(40, bool))
    assert not scores.any()


def test_the_best_are_the_best_and_allowed() -> None:
    scores = np.array([[1, 5, 3, 5], [2, 1, 0, 9]], np.float32)
    allowed = np.array([[True, True, True, False], [True, False, False, False]])
    best = rerank.best(scores, allowed, 3)
    assert best.sizes.tolist() == [3, 1]
    assert best.item.tolist() == [1, 2, 0, 0]
    assert best.user.tolist() == [0, 0, 0, 1]


def test_the_reranker_learns_an_interaction_and_its_terms_sum() -> None:
    rng = np.random.default_rng(0)
    users, items = 150, 60
    signals = rng.normal(size=(users, items, 3)).astype(np.float32)
    truth = np.sign(signals[..., 0]) * np.sign(signals[..., 1]) * np.abs(signals[..., 0])  # no weighted sum says this
    chosen = truth > np.quantile(truth, 0.9, axis=1, keepdims=True)
    made = of_known(signals, chosen)
    model = learned(made)
    rows = rerank.table(made, model, depth=items)
    reranker, _ = rerank.fit([rows], [], Fusion(), seed=0, rounds=60)
    corrected = Fusion().share * rows.fused + reranker.correct(rows.features)
    relevant = chosen.sum(1)
    plain, better = (gating.ndcg(rows.sizes, s, rows.chosen, relevant, 10) for s in (rows.fused, corrected))
    assert better.mean() > plain.mean() + 0.2
    assert np.allclose(reranker.terms(rows.features).sum(1), reranker.correct(rows.features), atol=1e-4)


def test_ndcg_of_a_hand_worked_list() -> None:
    sizes, scores = np.array([3, 2]), np.array([0.1, 0.9, 0.5, 1, 2], np.float32)
    chosen = np.array([True, False, True, False, True])
    found = gating.ndcg(sizes, scores, chosen, np.array([2, 1]), k=2)
    discount = 1 / np.log2(3)
    assert found.tolist() == pytest.approx([discount / (1 + discount), 1.0])


def test_a_gain_of_nothing_includes_zero() -> None:
    rng = np.random.default_rng(0)
    quality = rng.random(200)
    gate = gating.compare("x", "warm", quality + rng.normal(0, 0.01, 200), quality, Config())
    assert gate.low < 0 < gate.high
    sure = gating.compare("x", "warm", quality + 0.1, quality, Config())
    assert sure.low == pytest.approx(0.1)


def test_a_pool_holds_the_best_candidates_of_users_with_an_answer_there() -> None:
    made = lists(users=30)
    scores = np.where(np.arange(30)[:, None] < 20, made.signals[..., 0], -10.0 * made.chosen).astype(np.float32)
    pool = listwise.pool(made, scores, 6)
    assert len(pool.trust) == len(pool.chosen) <= 20
    assert pool.chosen.any(1).all()
    assert pool.signals.shape[1] == 6


def test_smooth_ndcg_makes_better_heads_of_lists_from_signals_with_long_tails() -> None:
    rng = np.random.default_rng(0)
    signals = rng.normal(size=(400, 60, 3)).astype(np.float32)
    truth = signals[..., 0] + signals[..., 1] + 0.5 * rng.normal(size=(400, 60))
    chosen = truth > np.quantile(truth, 0.9, axis=1, keepdims=True)
    signals[..., 0] = signals[..., 0] ** 5
    made = of_known(signals, chosen)
    sample = listwise.pool(made, np.zeros((400, 60), np.float32), 60)
    quality = []
    for smooth in (False, True):
        scores = listwise.fit([sample], NAMES, ALL, 1e-4, smooth=smooth).score(signals, made.trust, made.known)
        best = rerank.best(scores, made.allowed, 5)
        at = (best.user, best.item)
        quality.append(gating.ndcg(best.sizes, scores[at], chosen[at], chosen.sum(1), 5).mean())
    assert quality[1] > quality[0] + 0.01


def test_short_histories_cost_long_ones_nothing() -> None:
    long, short = lists(), lists()
    long = replace(long, trust=np.linspace(0.3, 1.5, len(long.trust), dtype=np.float32))
    short = replace(short, trust=np.linspace(-1, -0.3, len(short.trust), dtype=np.float32))
    short = replace(short, signals=short.signals[:, :, [1, 0, 2]])  # signal 1 says what signal 0 says of the others
    samples = [listwise.sample(made) for made in (long, short)]
    alone, both = (listwise.fit(some, NAMES, ALL, l2=1e-3) for some in (samples[:1], samples))
    at = np.array([1.0, -1.0], np.float32)
    assert np.allclose(both.gates(at)[0, 0], alone.gates(at)[0, 0], rtol=0.2, atol=0.2)
    assert both.gates(at)[0, 1, 1] > 3 * abs(both.gates(at)[0, 1, 0])


def test_a_part_stays_for_what_it_adds_on_average_unless_only_what_is_sure_may() -> None:
    gates = [
        gating.Gate("x", "warm", 0.002, -0.001, 0.005, True),
        gating.Gate("x", "short", -0.002, -0.009, 0.001, True),
    ]
    assert gating.mean_gain(gates) == pytest.approx(0.001 / 1.5)  # whole histories weigh twice as much as short ones
    assert gating.missed(gates, surely=False)
    assert not gating.missed(gates, surely=True)


def test_who_showed_nothing_is_trusted_as_who_showed_one_event() -> None:
    found = fusion.trust(
        Histories(np.array([0, 0, 1, 11]), np.zeros(11, np.int32), np.ones(11, np.float32), np.zeros(11, np.int64), 1)
    )
    assert found.tolist() == [-1, -1, 0]
