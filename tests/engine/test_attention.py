"""Attention over the history, on histories with a known answer."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from engine.candidates import Features, attention, attention_network
from engine.config import Attention
from engine.history import Histories, single

N = 20
SMALL = Attention(dim=16, heads=2, epochs=30, learning_rate=0.02, dropout=0.1)


def circles(users: int = 120, length: int = 12) -> Histories:
    """Everybody goes around: what follows item i is i + 1."""
    rng = np.random.default_rng(0)
    items = (rng.integers(N, size=(users, 1)) + np.arange(length)) % N
    size = items.size
    indptr = np.arange(0, size + 1, length)
    return Histories(indptr, items.ravel().astype(np.int32), np.ones(size, np.float32), np.arange(size), N)


def described(kinds: int = 0) -> Features:
    """Facts number the kind of an item, the remainder of its row; nothing is known without kinds."""
    facts = np.zeros((N, kinds), np.float32)
    if kinds:
        facts[np.arange(N), np.arange(N) % kinds] = 1
    nothing = np.zeros((N, 0), np.float32)
    return Features(sparse.csr_array(facts), sparse.csr_array(nothing), nothing, nothing, np.zeros(kinds, np.int64))


def test_it_learns_what_follows_what() -> None:
    model = attention.fit(circles(), described(), SMALL, seed=0)
    last = np.arange(N)
    asked = [single([(at - 1) % N, int(at)], N) for at in last]
    best = np.array([model.score(one)[0, 0].argmax() for one in asked])
    assert (best == (last + 1) % N).mean() > 0.9


def test_the_same_seed_gives_the_same_bits() -> None:
    first, again = (attention.fit(circles(), described(4), SMALL, seed=3) for _ in range(2))
    assert np.array_equal(first.space, again.space)


def test_a_sample_of_a_large_catalogue_teaches_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention_network, "COMPARED", 8)
    model = attention.fit(circles(), described(), SMALL, seed=0)
    scores = model.score(single([3, 4, 5], N))[0, 0]
    assert scores.argmax() == 6


def test_a_new_item_stands_where_its_facts_put_it() -> None:
    """Items of five kinds follow each other, kind after kind; a new one of a kind is expected where its kind is."""
    model = attention.fit(circles(), described(5), replace_some(SMALL), seed=0)
    grown = model.grow(described(5).take(np.arange(5)))
    right = 0
    for at in range(N):
        scores = grown.score(single([(at - 1) % N, at], N + 5))[0, 0]
        right += scores[N:].argmax() == (at + 1) % 5
    assert right > 0.8 * N


def replace_some(settings: Attention) -> Attention:
    """Ids are hidden often, so that facts are what is learned from."""
    return settings.model_copy(update={"hidden_ids": 0.5, "hidden_modalities": 0.0})


def test_credit_and_bias_sum_to_the_score_of_a_long_history() -> None:
    model = replace(attention.fit(circles(), described(4), SMALL, seed=0), length=5)
    history = circles().take(np.array([7]))
    credit = model.credit(history, 2)
    assert credit.shape == (1, 12)
    assert not credit[0, :-5].any()
    assert np.isclose(credit.sum(), model.score(history)[0, 0, 2], atol=1e-4)


def test_somebody_without_history_gets_what_is_popular() -> None:
    model = attention.fit(circles(), described(), SMALL, seed=0)
    nobody = single([], N)
    assert np.allclose(model.score(nobody)[0, 0], model.space[:, -1])
    assert model.credit(nobody, 0).shape == (1, 0)


def test_repeats_count_earlier_meetings_of_the_same_user() -> None:
    items = np.array([1, 2, 1, 1, 2, 1], np.int32)
    histories = Histories(np.array([0, 4, 6]), items, np.ones(6, np.float32), np.zeros(6, np.int64), 3)
    assert np.allclose(np.expm1(attention.repeats(histories)), [0, 0, 1, 2, 0, 0])


def test_ratings_that_are_all_alike_say_nothing() -> None:
    assert not attention.rated(np.full(3, 4, np.float32), (4.0, 0.0)).any()


def test_pieces_cover_a_history_and_stay_within_the_length() -> None:
    settings = SMALL.model_copy(update={"length": 10})
    cut = attention_network.pieces(np.array([0, 1, 40]), settings, np.random.default_rng(0))
    assert ((cut[:, 1] - cut[:, 0] >= 2) & (cut[:, 1] - cut[:, 0] <= 11)).all()
    covered = np.zeros(40, bool)
    for start, stop in cut:
        covered[start:stop] = True
    assert not covered[0]  # a history of one event has nothing after it
    assert covered[1:36].all()


def test_heads_divide_the_space() -> None:
    with pytest.raises(ValueError, match="must divide"):
        Attention(dim=10, heads=4)
