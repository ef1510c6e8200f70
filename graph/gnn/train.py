"""Training, full graph at a time, until items held cold are placed no better."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graph.gnn import objectives
from graph.gnn.network import Drops, Network
from graph.gnn.placer import ItemGraph, Placer, Vectors, edges_of, leading, reduced

Progress = Callable[[int, int], None]
_SEEDING = threading.Lock()
WIDEST = 64
"""Leading coordinates of a feature that the network looks at: more is slower, and no better."""
LOOK = 4
"""Epochs between two looks at the items held cold."""
LINKS = 4096
"""Edges drawn an epoch for the link objective."""


@dataclass(frozen=True)
class GnnConfig:
    """How large the network is and how it is trained."""

    kind: str = "relational"
    """See graph.gnn.messages."""
    dim: int = 64
    epochs: int = 80
    """At most."""
    learning_rate: float = 0.01
    """The highest, of AdamW (Loshchilov and Hutter 2019) with one cycle."""
    drops: Drops = field(default_factory=Drops)
    weight_decay: float = 0.05
    contrast: float = 0.2
    """Weight of the contrastive loss beside the regression."""
    temperature: float = 0.2
    """Of the contrastive loss."""
    link: float = 0.0
    """Weight of the link loss."""
    calm: float = 3e-3
    """Penalty on relations of few edges."""
    held: float = 0.0
    """Share of the known items held cold, by which the best epoch is found; the network is then trained on all."""
    seed: int = 0


@dataclass(frozen=True)
class Course:
    """How training went."""

    loss: list[float]
    """Of each epoch."""
    held: list[float]
    """Loss on the items held cold, every fourth epoch."""
    epochs: int
    """That the network was trained for: those of the best look."""


@dataclass(frozen=True)
class _Task:
    """Everything as tensors. Shapes as in `fit`."""

    features: list[Tensor]
    edges: Tensor
    relation: Tensor
    known: Tensor
    targets: Tensor
    weights: Tensor
    place: int


def fit(
    graph: ItemGraph,
    known: NDArray[np.int64],
    targets: Vectors,
    weights: Vectors,
    config: GnnConfig,
    place: int | None = None,
    progress: Progress | None = None,
) -> tuple[Placer, Course]:
    """Train on the items `known` (k,) with `targets` (k, t), each column weighing `weights` (t,).

    The first `place` columns (all if None) are where an item is; what comes after is learned beside it, and is no part
    of the contrastive loss.
    Every item of the graph takes part in the messages, by its features alone. Time grows with epochs times edges plus
    entities, and is double where items are held.
    """
    bases = [leading(feature, WIDEST) for feature in graph.features]
    edges, relation = edges_of(graph)
    rows, wanted, share = (torch.from_numpy(array) for array in (known, targets, weights))
    columns = targets.shape[1] if place is None else place
    task = _Task(reduced(graph, bases), edges, relation, rows, wanted, share, columns)
    order = torch.randperm(len(known), generator=torch.Generator().manual_seed(config.seed))
    cold = order[: int(config.held * len(known))]
    epochs, watched = config.epochs, list[float]()
    if len(cold):
        watched = _run(_network(graph, bases, targets.shape[1], config), task, order[len(cold) :], cold, config)[1]
        epochs = min(config.epochs, (int(np.argmin(watched)) + 1) * LOOK)
    network = _network(graph, bases, targets.shape[1], config)
    curve, _ = _run(network, task, order, order[:0], config, epochs, progress)
    with torch.inference_mode():
        entities = network.eval().entities(network.encode(task.features), edges)
    return Placer(network, config.kind, entities, bases), Course(curve, watched, epochs)


def _network(graph: ItemGraph, bases: list[Vectors], targets: int, config: GnnConfig) -> Network:
    with _SEEDING, torch.random.fork_rng(devices=[]):  # first weights come from a generator that all threads share
        torch.manual_seed(config.seed)
        return Network(
            [basis.shape[1] for basis in bases], graph.facts.shape[1], graph.n_relations, targets, config.dim,
            config.kind, config.drops,
        )  # fmt: skip


def _run(
    network: Network,
    task: _Task,
    taught: Tensor,
    cold: Tensor,
    config: GnnConfig,
    epochs: int | None = None,
    progress: Progress | None = None,
) -> tuple[list[float], list[float]]:
    """Train in place on the known items `taught`; the loss of each epoch, and on `cold` ones at each look."""
    chance = torch.Generator().manual_seed(config.seed)
    relations = len(torch.bincount(task.relation))
    share = torch.bincount(task.relation).float() / max(len(task.relation), 1)
    vectors = nn.Parameter(torch.ones(relations, config.dim))  # of the link loss
    optimizer = torch.optim.AdamW(
        [*network.parameters(), vectors], config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=config.epochs)
    curve, looks = list[float](), list[float]()
    epochs = epochs or config.epochs
    for epoch in range(epochs):
        inputs = network.encode(task.features, chance)
        entities = network.entities(inputs, task.edges, chance)
        heard = network.heard(inputs, entities, task.edges, task.relation, chance)
        loss = _mistake(network.items(inputs, heard, chance), task, taught, config)
        if config.calm and relations:
            loss = loss + config.calm * network.messages.penalty(share)
        if config.link and relations:
            own = torch.stack(inputs).sum(0) + heard
            loss = loss + config.link * objectives.links(
                own, entities, task.edges, task.relation, vectors, LINKS, chance
            )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        curve.append(float(loss.detach()))
        if len(cold) and (epoch + 1) % LOOK == 0:
            looks.append(_look(network, task, cold, config))
        if progress:
            progress(epoch + 1, epochs)
    return curve, looks


@torch.inference_mode()
def _look(network: Network, task: _Task, cold: Tensor, config: GnnConfig) -> float:
    """Loss on items held cold, nothing dropped."""
    inputs = network.encode(task.features)
    heard = network.heard(inputs, network.entities(inputs, task.edges), task.edges, task.relation)
    return float(_mistake(network.items(inputs, heard), task, cold, config))


def _mistake(found: Tensor, task: _Task, rows: Tensor, config: GnnConfig) -> Tensor:
    """Regression and contrast on some of the known items."""
    found, wanted = found[task.known[rows]], task.targets[rows]
    loss = objectives.regression(found, wanted, task.weights)
    if config.contrast:
        columns = slice(task.place)
        loss = loss + config.contrast * objectives.contrast(
            found[:, columns], wanted[:, columns], task.weights[columns], config.temperature
        )
    return loss
