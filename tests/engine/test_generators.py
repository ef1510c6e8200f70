"""Generators on histories with a known answer."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from engine import history
from engine.candidates import Features, als, amount, ease, fit_all, neighbours, prior, restore, transitions
from engine.candidates.base import ItemToItem
from engine.candidates.factors import Factors
from engine.candidates.registry import FIT, enabled
from engine.config import Als, Config, Content, Ease, Neighbours, Prior, Transitions
from engine.history import Histories

N = 12


def checkerboard(users: int = 60) -> Histories:
    """Even users choose even items, odd users odd ones, in order, each without one of them."""
    items, indptr = [], [0]
    for user in range(users):
        own = [item for item in range(user % 2, N, 2) if item != (2 * (user // 2) + user % 2) % N]
        items += own
        indptr.append(len(items))
    size = len(items)
    return Histories(
        np.array(indptr), np.array(items, np.int32), np.ones(size, np.float32), np.arange(size, dtype=np.int64), N
    )


def some_choices(users: int = 60) -> Histories:
    """Each user chooses five items by chance, the first ones more often."""
    rng = np.random.default_rng(0)
    share = np.arange(N, 0, -1) / np.arange(N, 0, -1).sum()
    items = np.concatenate([rng.choice(N, 5, replace=False, p=share) for _ in range(users)])
    size = len(items)
    times = np.arange(size, dtype=np.int64)
    return Histories(np.arange(0, size + 1, 5), items.astype(np.int32), np.ones(size, np.float32), times, N)


def features(seed: int = 0) -> Features:
    """Facts say even or odd; the rest, a further modality among it, is noise."""
    rng = np.random.default_rng(seed)
    facts = np.zeros((N, 2), np.float32)
    facts[np.arange(N), np.arange(N) % 2] = 1
    noise = rng.normal(size=(N, 4)).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    words = sparse.csr_array((N, 0), dtype=np.float32)
    more = {"sound": noise[:, 1:3]}
    return Features(sparse.csr_array(facts), words, noise, noise[:, :2], np.zeros(2, np.int64), more)


@pytest.mark.parametrize("name", ["ease", "als", "neighbours", "content", "gnn"])
def test_the_item_left_out_comes_first(name: str) -> None:
    histories = checkerboard()
    config = Config.model_validate({"candidates": {"ease": {"l2": 1.0}}})
    generator = fit_all(histories, features(), config, [name])[0]
    scores = generator.score(histories)[generator.signals.index(f"{name}.all")].copy()
    scores[histories.rows, histories.items] = -np.inf
    assert all(best % 2 == user % 2 for user, best in enumerate(scores.argmax(1)))


@pytest.mark.parametrize("name", sorted(FIT))
def test_every_generator_keeps_its_contract(name: str) -> None:
    histories, described = checkerboard(), features()
    generator = fit_all(histories, described, Config(), [name])[0]
    scores = generator.score(histories)
    assert scores.shape == (len(generator.signals), len(histories), N)
    assert np.isfinite(scores).all()
    kept = restore({name: generator.tensors()})[0]
    assert np.allclose(kept.score(histories), scores)
    grown = generator.grow(described.take(np.array([0, 1])))
    wider = Histories(histories.indptr, histories.items, histories.values, histories.times, N + 2)
    assert np.allclose(grown.score(wider)[..., :N], scores, atol=1e-5)
    one = histories.take(np.array([3]))
    credit = generator.credit(one, 5)
    assert credit.shape == (len(generator.signals), len(one.items))
    if name not in ("popularity", "prior"):  # which owe nothing to the history
        assert np.allclose(credit.sum(1), scores[:, 3, 5], atol=1e-4)


def test_ease_agrees_with_its_closed_form() -> None:
    histories = checkerboard()
    chosen = histories.seen().toarray()
    inverse = np.linalg.inv(chosen.T @ chosen + 2.0 * np.eye(N))
    expected = np.eye(N) - inverse / np.diag(inverse)
    assert np.allclose(ease.weights(histories.seen(), 2.0)[0], expected, atol=1e-4)


@pytest.mark.parametrize("power", [0.0, 0.4])
def test_ease_of_many_items_is_the_exact_one_where_all_are_near(power: float) -> None:
    histories = some_choices()
    exact = ease.fit(histories, Ease(l2=2.0, power=power))
    sparse_one = ease.fit(histories, Ease(l2=2.0, power=power, max_items=4, near=histories.n_items))
    assert isinstance(sparse_one, ItemToItem)
    assert np.allclose(sparse_one.score(histories), exact.score(histories), atol=1e-4)


def test_ease_of_many_items_regresses_each_on_its_nearest() -> None:
    """A column is the ridge regression on its `near` items, by the normal equations written out."""
    histories, l2 = some_choices(), 2.0
    model = ease.fit(histories, Ease(l2=l2, max_items=4, near=3))
    assert isinstance(model, ItemToItem)
    matrix = model.matrix.toarray()
    x = histories.seen().toarray().astype(np.float64)
    gram = x.T @ x
    for item in range(histories.n_items):
        worth = gram[item] / np.sqrt(np.diag(gram) + l2)
        worth[item] = 0
        near = np.sort(np.argsort(-worth, kind="stable")[:3])
        expected = np.linalg.solve(gram[np.ix_(near, near)] + l2 * np.eye(3), gram[near, item])
        assert np.flatnonzero(matrix[:, item]).tolist() == near.tolist()
        assert np.allclose(matrix[near, item], expected, atol=1e-4)


def test_ease_of_many_items_keeps_its_contract() -> None:
    histories = some_choices()
    model = ease.fit(histories, Ease(max_items=4, near=3))
    again = restore({"ease": model.tensors()})[0]
    assert np.array_equal(again.score(histories), model.score(histories))
    one = histories.take(np.array([3]))
    assert np.allclose(model.credit(one, 5).sum(1), model.score(one)[:, 0, 5], atol=1e-5)
    wider = replace(histories, n_items=histories.n_items + 2)
    grown = model.grow(features().take(np.array([0, 1]))).score(wider)
    assert np.array_equal(grown[..., :-2], model.score(histories))
    assert not grown[..., -2:].any()


def test_attention_is_left_out_of_a_larger_catalogue() -> None:
    config = Config.model_validate({"candidates": {"attention": {"max_items": N - 1}}})
    assert set(enabled(Config(), features())) - set(enabled(config, features())) == {"attention"}


def test_ease_of_few_users_is_the_same() -> None:
    chosen = irregular(4).seen()
    assert 2 * chosen.shape[0] < chosen.shape[1]  # so it goes by the users
    inverse = np.linalg.inv((chosen.T @ chosen).toarray() + 2.0 * np.eye(N))
    assert np.allclose(ease.weights(chosen, 2.0)[0], np.eye(N) - inverse / np.diag(inverse), atol=1e-4)


def test_transitions_count_what_follows() -> None:
    histories = history.single([0, 1, 2], 3)
    matrix = transitions.fit("transitions", histories, Transitions(window=2, decay=0.5, power=0.0)).matrix
    assert matrix.toarray().tolist() == [[0, 1, 0.5], [0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize("name", ["content", "gnn"])
def test_items_nobody_has_met_are_placed_by_what_they_are(name: str) -> None:
    """Two kinds of items, told apart by one fact among five; even users choose of the one kind, odd of the other."""
    rng = np.random.default_rng(0)
    items, users, each = 60, 120, 8
    noise = rng.random((items, 4)) < 0.3
    kind = np.arange(items) % 2
    facts = sparse.csr_array(np.column_stack([kind == 0, kind == 1, noise]).astype(np.float32))
    blank = np.zeros((items, 1), np.float32)
    described = Features(facts, sparse.csr_array((items, 0), dtype=np.float32), blank, blank, np.arange(6) // 2)
    met = np.arange(50)
    chosen = np.concatenate([rng.permutation(met[met % 2 == user % 2])[:each] for user in range(users)])
    size = len(chosen)
    seen = Histories(
        np.arange(0, size + 1, each),
        chosen.astype(np.int32),
        np.ones(size, np.float32),
        np.zeros(size, np.int64),
        items,
    )
    model = fit_all(seen, described, Config(), [name])[0]
    score = model.score(seen)[model.signals.index(f"{name}.all")][:, 50:]  # (users, items nobody has met)
    same = np.arange(users)[:, None] % 2 == np.arange(50, items)[None, :] % 2
    own, other = (np.nanmean(np.where(which, score, np.nan), axis=1) for which in (same, ~same))
    assert (own > other).mean() > 0.9
    assert isinstance(model, Factors)
    assert np.allclose(model.right, model.placer.place(described), atol=1e-5)  # also of items learned from
    grown = model.grow(described.take(np.array([50])))  # the same once more, as an item that comes later
    wider = Histories(seen.indptr, seen.items, seen.values, seen.times, items + 1)
    again = grown.score(wider)
    assert np.allclose(again[..., items], again[..., 50], atol=1e-5)


def test_prior_expects_more_of_what_much_is_said_of() -> None:
    rng = np.random.default_rng(0)
    items, users = 120, 200
    share = np.linspace(0.05, 0.9, items)
    said = sparse.csr_array((rng.random((items, 40)) < share[:, None]).astype(np.float32))
    user, item = np.nonzero(rng.random((users, items)) < share / 2)
    counts = np.bincount(user, minlength=users)
    none = np.zeros(len(item), np.int64)
    histories = Histories(
        np.append(0, np.cumsum(counts)), item.astype(np.int32), np.ones(len(item), np.float32), none, items
    )
    blank = np.zeros((items, 1), np.float32)
    words = sparse.csr_array((items, 0), dtype=np.float32)
    described = Features(said, words, blank, blank, np.zeros(40, np.int64))
    seen = histories.select(histories.items % 2 == 0)
    model = prior.fit(seen, described, Prior(), Content(), seed=0)
    expected = model.expected
    assert np.allclose(expected, model.place(described), atol=1e-4)  # also of items learned from
    assert np.corrcoef(expected[1::2], share[1::2])[0, 1] > 0.8


def test_histories_fade_and_count_repeats_once() -> None:
    histories = history.single([2, 0, 2], 3)
    assert histories.weights(1.0).toarray().tolist() == [[0.5, 0, 1]]
    assert histories.weights().toarray().tolist() == [[1, 0, 1]]


def test_a_new_item_that_lacks_what_all_others_have_is_not_flung_away() -> None:
    # Each of these items has one year; rounding alone gives that column a deviation.
    n = 1682
    years = sparse.csr_array((np.ones(n, np.float32), np.arange(n) % 71, np.arange(n + 1)), shape=(n, 71))
    blank, none = np.zeros((n, 1), np.float32), sparse.csr_array((n, 0), dtype=np.float32)
    known = Features(years, none, blank, blank, np.zeros(71, np.int64))
    without_year = Features(0 * years[[0]], none[[0]], blank[[0]], blank[[0]], known.relations)
    without_year.facts.eliminate_zeros()
    assert np.abs(amount.learn(known).of(without_year)).max() <= amount.FARTHEST


def test_ease_divides_by_popularity_before_and_gives_half_of_it_back() -> None:
    histories = irregular()
    chosen = histories.seen().toarray()
    popularity = chosen.sum(0)
    scaled = chosen / popularity**0.4
    inverse = np.linalg.inv(scaled.T @ scaled + 2.0 * np.eye(N))
    expected = (np.eye(N) - inverse / np.diag(inverse)) / popularity[:, None] ** 0.4 * popularity**0.2
    assert np.allclose(ease.fit(histories, Ease(l2=2.0, power=0.4)).matrix, expected, atol=1e-4)


def irregular(users: int = 40) -> Histories:
    """Histories of 1 to 12 events, some items met more often than others, none twice by one user."""
    rng = np.random.default_rng(5)
    lengths = rng.integers(1, N + 1, users)
    share = np.arange(1, N + 1) / np.arange(1, N + 1).sum()
    items = np.concatenate([rng.choice(N, size, replace=False, p=share) for size in lengths]).astype(np.int32)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    return Histories(indptr, items, np.ones(len(items), np.float32), np.zeros(len(items), np.int64), N)


@pytest.mark.parametrize("dim", [4, 64], ids=["long histories", "short histories"])
def test_als_is_where_its_loss_is_least(dim: int) -> None:
    """The closed form of the paper, a dim x dim system for each row, gives the same factors of users."""
    histories = irregular()
    weights = histories.weights(3.0)
    model = als.fit(histories, Als(dim=dim, rest=0.2, l2=0.05, rounds=2), seed=0)
    found = als.solve(weights, model.factors, model.gram, model.penalty)
    whole = 0.2 * model.factors.T @ model.factors
    for row, weight in enumerate(weights.toarray()):
        n = np.count_nonzero(weight)
        system = whole + (model.factors.T * weight) @ model.factors + 0.05 * (n + 0.2 * N) * np.eye(dim)
        assert np.allclose(found[row], np.linalg.solve(system, model.factors.T @ weight), atol=1e-4)


def test_als_loss_falls_with_every_round() -> None:
    histories = irregular()
    chosen = histories.seen().toarray()

    def loss(rounds: int) -> float:
        config = Als(dim=6, rest=0.1, l2=0.02, rounds=rounds)
        model = als.fit(histories, config, seed=0)
        users = als.solve(histories.seen(), model.factors, model.gram, model.penalty)
        scores = users @ model.factors.T
        mistakes = (chosen * (scores - 1) ** 2).sum() + 0.1 * (scores**2).sum()
        size = ((chosen.sum(1) + 0.1 * N) * (users**2).sum(1)).sum()
        size += ((chosen.sum(0) + 0.1 * len(users)) * (model.factors**2).sum(1)).sum()
        return float(mistakes + 0.02 * size)

    losses = [loss(rounds) for rounds in (1, 2, 4, 8)]
    assert losses == sorted(losses, reverse=True)


def test_neighbours_agree_with_their_formula() -> None:
    histories = irregular()
    chosen = histories.seen().toarray()
    popularity, length = chosen.sum(0), chosen.sum(1)
    config = Neighbours(length=0.4, history=0.5, power=0.2, keep=N)
    expected = (chosen / popularity**0.5).T @ (chosen / length[:, None] ** 0.4 / popularity**0.2)
    np.fill_diagonal(expected, 0)
    assert np.allclose(neighbours.fit(histories, config).matrix.toarray(), expected, atol=1e-4)
    cut = neighbours.fit(histories, config.model_copy(update={"keep": 3})).matrix.toarray()
    for row, all_ in zip(cut, expected, strict=True):
        assert np.allclose(np.sort(row[row > 0]), np.sort(all_)[-3:], atol=1e-4)
