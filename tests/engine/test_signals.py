"""The fast way to a score is the plain way to it, and holds no more than it may."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from engine import fusion
from engine.candidates import Features, fit_all
from engine.candidates.registry import FIT
from engine.config import Config
from engine.fusion import Fusion
from engine.history import Histories
from engine.ranker import Ranker
from engine.rules.lists import batched
from engine.signals import Frame
from tests.engine.test_generators import N, features, irregular

NEW = 3
"""Items that come after the generators were fitted."""


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    """Every generator, and weights that differ for known and new items and with the length of a history."""
    described = features()
    generators = [one.grow(described.take(np.arange(NEW))) for one in fit_all(irregular(), described, Config(), FIT)]
    names = tuple(name for one in generators for name in one.signals)
    rng = np.random.default_rng(1)
    weight, slope = (rng.normal(size=(2, 2, len(names))).astype(np.float32) for _ in range(2))
    model = Fusion(names, weight, slope, np.array([0, 0.3], np.float32))
    return Ranker(generators, model, None, described.stack(described.take(np.arange(NEW))), np.arange(N + NEW) < N)


def asked() -> Histories:
    """Histories of many lengths, one of them of nothing and one with repeats."""
    some = irregular()
    items = np.concatenate([some.items, [4, 5, 4]]).astype(np.int32)
    indptr = np.concatenate([some.indptr, [len(some.items), len(items)]])
    return Histories(indptr, items, np.ones(len(items), np.float32), np.arange(len(items)), N + NEW)


@pytest.mark.parametrize("nothing_known", [False, True])
def test_signals_and_scores_agree_with_the_plain_way(ranker: Ranker, nothing_known: bool) -> None:
    known = ranker.known & (not nothing_known)
    past = asked()
    plain = fusion.standardised(ranker.generators, past, known)
    found = Frame(ranker.generators, known).signals(past)
    users, items = (each.ravel() for each in np.indices(plain.shape[:2]))
    assert np.allclose(found.at(users, items), plain.reshape(len(users), -1), 1e-5, 1e-5)
    trust = fusion.trust(past)
    fused = found.weighed(ranker.fusion.gates(trust), ranker.fusion.offset)
    assert np.allclose(fused, ranker.fusion.score(plain, trust, known), 1e-5, 1e-4)


def test_a_batch_holds_no_more_than_its_budget() -> None:
    """Ten times the users take no more memory but that of their lists."""
    n, budget = 4000, 8
    rng = np.random.default_rng(0)
    items = rng.integers(0, n, 600 * 10).astype(np.int32)
    size = len(items)
    past = Histories(np.arange(0, size + 1, 10), items, np.ones(size, np.float32), np.arange(size), n)
    blank = features().take(np.zeros(n, np.int64))
    generators = fit_all(
        past,
        Features(blank.facts, blank.words, blank.text, blank.image, blank.relations),
        Config(),
        ["ease", "als", "transitions"],
    )
    names = tuple(name for one in generators for name in one.signals)
    model = Ranker(generators, fusion.even(names), None, blank, np.ones(n, bool), batch_mib=budget)
    peaks = []
    for users in (60, 600):
        some = past.take(np.arange(users))
        batched(model, some.take(np.arange(1)), np.ones(n, bool), 1)
        tracemalloc.start()
        batched(model, some, np.ones(n, bool), 1, explain=False)
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1
    assert peaks[1] < 2 * budget
    more = replace(model, batch_mib=4 * budget)
    assert len(more.batches(past)) < len(model.batches(past))
