"""The training loop: its rate, its clipping, when it stops, and that what was cut goes on to the same bits."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from scipy import sparse

from graph.errors import GraphError
from graph.gnn import ItemGraph, Placer
from graph.gnn import train as training
from graph.gnn.placer import KINDS
from graph.gnn.train import GnnConfig, fit

N, ENTITIES, DIM = 60, 12, 3
CONFIG = GnnConfig(dim=8, epochs=20, link=0.1)


class Cut(Exception):
    """What kills a training on the way."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums of several threads are added in any order, and the last bits with them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def graph() -> ItemGraph:
    rng = np.random.default_rng(0)
    facts = sparse.csr_array((rng.random((N, ENTITIES)) < 0.3).astype(np.float32))
    return ItemGraph(facts, np.arange(ENTITIES) % 3, [rng.standard_normal((N, 4)).astype(np.float32)])


def learn(graph: ItemGraph, config: GnnConfig, folder: Path | None = None, until: int | None = None) -> tuple:
    targets = np.random.default_rng(1).standard_normal((N, DIM)).astype(np.float32)

    def progress(done: int, total: int) -> None:
        if done == until:
            raise Cut

    return fit(graph, np.arange(N), targets, np.ones(DIM, np.float32), config, None, progress, folder)


def bits(placer: Placer) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in placer.tensors().items()}


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_cut_goes_on_to_the_same_bits(graph: ItemGraph, kind: str, tmp_path: Path) -> None:
    config = replace(CONFIG, kind=kind)
    straight, course = learn(graph, config)
    with pytest.raises(Cut):
        learn(graph, config, tmp_path, until=13)  # the last checkpoint is of epoch 10
    torch.rand(3)  # what others draw meanwhile changes nothing
    resumed, again = learn(graph, config, tmp_path)
    assert bits(resumed) == bits(straight)
    assert again == course


def test_it_goes_on_and_does_not_begin_anew(graph: ItemGraph, tmp_path: Path) -> None:
    with pytest.raises(Cut):
        learn(graph, CONFIG, tmp_path, until=10)
    seen = []
    targets = np.random.default_rng(1).standard_normal((N, DIM)).astype(np.float32)
    weights = np.ones(DIM, np.float32)
    fit(graph, np.arange(N), targets, weights, CONFIG, None, lambda done, total: seen.append(done), tmp_path)
    assert seen == list(range(11, 21))


def test_the_watched_training_goes_on_too(graph: ItemGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(CONFIG, held=0.25, epochs=40)
    straight, course = learn(graph, config)
    looks, look = [], training._look

    def cut(*arguments):
        looks.append(1)
        if len(looks) == 4:
            raise Cut
        return look(*arguments)

    monkeypatch.setattr(training, "_look", cut)
    with pytest.raises(Cut):
        learn(graph, config, tmp_path)
    resumed, again = learn(graph, config, tmp_path)
    assert bits(resumed) == bits(straight)
    assert again == course


def test_a_checkpoint_of_another_task_is_not_taken(graph: ItemGraph, tmp_path: Path) -> None:
    learn(graph, CONFIG, tmp_path)
    for config, items in ((replace(CONFIG, seed=1), graph), (CONFIG, replace(graph, facts=graph.facts[::-1]))):
        assert bits(learn(items, config, tmp_path)[0]) == bits(learn(items, config)[0])


def test_a_broken_checkpoint_is_one_clear_message(graph: ItemGraph, tmp_path: Path) -> None:
    learn(graph, CONFIG, tmp_path)
    (tmp_path / "network.safetensors").write_bytes(b"no tensors")
    with pytest.raises(GraphError, match=r"network\.safetensors: this checkpoint cannot be read.*delete it"):
        learn(graph, CONFIG, tmp_path)


def test_a_checkpoint_is_one_file_without_code(graph: ItemGraph, tmp_path: Path) -> None:
    learn(graph, CONFIG, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["network.safetensors"]
    with safe_open(tmp_path / "network.safetensors", framework="pt") as file:
        assert len(json.loads(file.metadata()["curves"])["loss"]) == 20
        names = {name.split()[0] for name in file.keys()}  # noqa: SIM118
    assert names == {"chance", "value", "step", "exp_avg", "exp_avg_sq"}


def test_the_rate_warms_up_and_comes_down() -> None:
    config = replace(CONFIG, epochs=10, learning_rate=0.1, warm_up=0.4)
    rates = [training.rate(epoch, config) for epoch in range(10)]
    assert rates[:4] == pytest.approx([0.025, 0.05, 0.075, 0.1])
    assert rates[6] == pytest.approx(0.05)  # half-way down the cosine
    assert rates[9] == pytest.approx(0, abs=1e-12)
    assert rates[3:] == sorted(rates[3:], reverse=True)


def test_curves_have_a_value_for_each_epoch(graph: ItemGraph) -> None:
    _, course = learn(graph, CONFIG)
    curves = course.curves
    assert len(curves.loss) == len(curves.gradient) == len(curves.learning_rate) == 20
    assert curves.learning_rate == [training.rate(epoch, CONFIG) for epoch in range(20)]


def test_long_gradients_are_clipped(graph: ItemGraph) -> None:
    free, tight = (learn(graph, replace(CONFIG, epochs=2, clip=clip)) for clip in (1e9, 1e-3))
    assert free[1].curves.gradient[0] == tight[1].curves.gradient[0] > 1e-3  # the length is told before the cut
    assert bits(free[0]) != bits(tight[0])


def test_held_items_stop_the_watched_training_early(graph: ItemGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    # Targets are noise: what was learned of some items says nothing of others, and the loss on them soon rises.
    losses = iter([3.0, 2.0, *range(3, 99)])
    monkeypatch.setattr(training, "_look", lambda *arguments: next(losses))
    _, course = learn(graph, replace(CONFIG, held=0.25, epochs=80))
    assert len(course.curves.held) == 2 + training.PATIENCE
    assert course.epochs == 2 * training.LOOK == len(course.curves.loss)
