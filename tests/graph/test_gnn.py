"""The graph network: what it learns from a graph, what it must not care about, and that it comes back the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from graph.gnn import ItemGraph, Placer, objectives, train
from graph.gnn.placer import KINDS
from graph.gnn.train import Course, GnnConfig, fit

N, ENTITIES, DIM = 240, 40, 5
QUICK = GnnConfig(dim=16, epochs=60)


@pytest.fixture(scope="module")
def world() -> tuple[ItemGraph, np.ndarray]:
    """Items whose places are the sum of what two of their entities mean; a third entity means nothing."""
    rng = np.random.default_rng(0)
    meaning = rng.standard_normal((ENTITIES, DIM))
    meaning[30:] = 0
    facts, places = np.zeros((N, ENTITIES), np.float32), np.zeros((N, DIM))
    for item in range(N):
        has = [rng.integers(0, 15), rng.integers(15, 30), rng.integers(30, 40)]
        facts[item, has] = 1
        places[item] = meaning[has].sum(0)
    relations = np.repeat([0, 1, 2], [15, 15, 10])
    noise = rng.standard_normal((N, 8)).astype(np.float32)
    return ItemGraph(sparse.csr_array(facts), relations, [noise]), (places / places.std()).astype(np.float32)


def learned(graph: ItemGraph, places: np.ndarray, config: GnnConfig) -> tuple[Placer, Course, float]:
    """Trained on three in four items; R2 of the places of the others."""
    known, new = np.arange(N) % 4 > 0, np.arange(N) % 4 == 0
    weights = np.full(DIM, 1 / DIM, np.float32)
    placer, course = fit(graph, np.flatnonzero(known), places[known], weights, config)
    mistake = (placer.place(graph)[new] - places[new]) ** 2
    return placer, course, 1 - float(mistake.sum() / ((places[new] - places[known].mean(0)) ** 2).sum())


@pytest.mark.parametrize("kind", KINDS)
def test_new_items_are_placed_by_their_edges(world: tuple[ItemGraph, np.ndarray], kind: str) -> None:
    graph, places = world
    assert learned(graph, places, replace(QUICK, kind=kind))[2] > 0.35
    rng = np.random.default_rng(1)
    shuffled = replace(graph, facts=graph.facts[rng.permutation(N)])
    assert learned(shuffled, places, replace(QUICK, kind=kind))[2] < 0.1  # without the edges there is nothing to know


def test_every_kind_is_tested() -> None:
    assert set(KINDS) == {"relational", "propagation", "attention"}


@pytest.mark.parametrize("kind", KINDS)
def test_comes_back_the_same(world: tuple[ItemGraph, np.ndarray], kind: str) -> None:
    graph, places = world
    placer, _, _ = learned(graph, places, replace(QUICK, kind=kind, epochs=3))
    again = Placer.from_tensors(placer.tensors())
    assert again.kind == kind
    np.testing.assert_array_equal(again.place(graph), placer.place(graph))


def test_the_same_seed_gives_the_same_network(world: tuple[ItemGraph, np.ndarray]) -> None:
    graph, places = world
    first, second = (learned(graph, places, replace(QUICK, epochs=5))[0].place(graph) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    torch.rand(3)  # what others draw changes nothing
    other = learned(graph, places, replace(QUICK, epochs=5, seed=1))[0].place(graph)
    assert not np.array_equal(first, other)


def test_an_item_is_placed_alone_as_among_all(world: tuple[ItemGraph, np.ndarray]) -> None:
    graph, places = world
    placer, _, _ = learned(graph, places, replace(QUICK, epochs=5))
    some = ItemGraph(graph.facts[[7, 3]], graph.relations, [graph.features[0][[7, 3]]])
    np.testing.assert_allclose(placer.place(some), placer.place(graph)[[7, 3]], atol=1e-5)


def test_held_items_choose_the_epochs(world: tuple[ItemGraph, np.ndarray]) -> None:
    graph, places = world
    _, course, _ = learned(graph, places, replace(QUICK, held=0.2))
    assert 1 <= len(course.curves.held) <= 60 // 4
    assert course.epochs == (int(np.argmin(course.curves.held)) + 1) * 4 == len(course.curves.loss)


def test_a_rare_relation_does_not_shout(world: tuple[ItemGraph, np.ndarray]) -> None:
    graph, places = world
    rng = np.random.default_rng(2)
    gossip = np.zeros((N, 3), np.float32)
    gossip[rng.integers(0, N, 9), rng.integers(0, 3, 9)] = 1  # a fourth relation with nine random edges
    noisy = ItemGraph(
        sparse.csr_array(sparse.hstack([graph.facts, gossip])), np.append(graph.relations, [3, 3, 3]), graph.features
    )
    calm, _, _ = learned(noisy, places, replace(QUICK, calm=1e-2))
    loud, _, _ = learned(noisy, places, replace(QUICK, calm=0))
    quiet, shouted = calm.relation_weights(noisy), loud.relation_weights(noisy)
    assert quiet[3] < 0.5 * shouted[3]
    assert quiet[3] < min(quiet[0], quiet[1])


def test_relation_weights_tell_what_matters(world: tuple[ItemGraph, np.ndarray]) -> None:
    graph, places = world
    placer, _, _ = learned(graph, places, QUICK)
    weights = placer.relation_weights(graph)
    assert weights.shape == (3,) and weights[2] < min(weights[0], weights[1])


@pytest.mark.parametrize("config", [replace(QUICK, link=0.1, epochs=3), replace(QUICK, contrast=0, epochs=3)])
def test_losses_may_be_left_out_or_added(world: tuple[ItemGraph, np.ndarray], config: GnnConfig) -> None:
    graph, places = world
    placer, course, _ = learned(graph, places, config)
    assert np.isfinite(placer.place(graph)).all() and np.isfinite(course.curves.loss).all()


def test_of_many_items_some_are_told_from_each_other(
    world: tuple[ItemGraph, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, places = world
    told = []
    contrast = objectives.contrast
    monkeypatch.setattr(train, "CONTRASTED", 50)
    monkeypatch.setattr(objectives, "contrast", lambda found, *rest: told.append(len(found)) or contrast(found, *rest))
    first, second = (learned(graph, places, replace(QUICK, epochs=20)) for _ in range(2))
    assert set(told) == {50}
    np.testing.assert_array_equal(first[0].place(graph), second[0].place(graph))


def test_losses_by_hand() -> None:
    found, wanted = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    weights = torch.tensor([0.5, 0.5])
    assert float(objectives.regression(found, wanted, weights)) == pytest.approx(0.5 * 1 / 2)
    # Cosines are the identity: of two, the own place has share 1 / (1 + exp(-1 / t)).
    assert float(objectives.contrast(found, wanted, weights, 0.5)) == pytest.approx(np.log(1 + np.exp(-2)))
    heads, tails = torch.eye(2), torch.tensor([[10.0, -10.0], [-10.0, 10.0]])
    edges, relation = torch.tensor([[0, 1], [0, 1]]), torch.tensor([0, 0])
    chance = torch.Generator().manual_seed(0)
    true = objectives.links(heads, tails, edges, relation, torch.ones(1, 2), 64, chance)
    made_up = objectives.links(heads, tails, edges.flip(1)[[1, 0]].flip(0), relation, -torch.ones(1, 2), 64, chance)
    assert float(true) < 0.5 < float(made_up)


@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_without_edges_and_items_without_features(kind: str) -> None:
    nothing = ItemGraph(
        sparse.csr_array((6, 0), dtype=np.float32), np.zeros(0, np.int64), [np.zeros((6, 1), np.float32)]
    )
    targets = np.ones((4, 2), np.float32)
    placer, _ = fit(nothing, np.arange(4), targets, np.ones(2, np.float32), replace(QUICK, kind=kind, epochs=3))
    assert np.isfinite(placer.place(nothing)).all()
