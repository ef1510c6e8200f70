"""Training, full graph at a time, until items held cold are placed no better.

AdamW (Loshchilov and Hutter 2019), its rate warmed up and let down as half a cosine, gradients clipped by length
(Pascanu et al. 2013). With a folder for checkpoints, training that was cut goes on to the same result.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graph.gnn import checkpoint, objectives
from graph.gnn.checkpoint import Curves
from graph.gnn.network import Drops, Network
from graph.gnn.placer import ItemGraph, Placer, Vectors
from graph.gnn.placing import edges_of, leading, reduced

Progress = Callable[[int, int], None]
_SEEDING = threading.Lock()
WIDEST = 64
"""Leading coordinates of a feature that the network looks at: more is slower, and no better."""
LOOK = 4
"""Epochs between two looks at the items held cold."""
PATIENCE = 6
"""Looks without a better one after which training with items held cold ends."""
SAVE = 10
"""Epochs between two checkpoints."""
LINKS = 4096
"""Edges drawn an epoch for the link objective."""
CONTRASTED = 4096
"""Most items that are told from each other in an epoch; of more, so many are drawn: memory is square in them."""


@dataclass(frozen=True)
class GnnConfig:
    """How large the network is and how it is trained."""

    kind: str = "relational"
    """See graph.gnn.messages."""
    dim: int = 64
    epochs: int = 80
    """At most."""
    learning_rate: float = 0.01
    """The highest, of AdamW."""
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
    warm_up: float = 0.1
    """Share of the epochs in which the rate rises to the highest; then it falls to zero."""
    clip: float = 1.0
    """Longest gradient; a longer one is shortened to it."""


@dataclass(frozen=True)
class Course:
    """How training went."""

    curves: Curves
    """Of the network that came out; `held` is of the one that was watched before."""
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

    @property
    def relations(self) -> int:
        return int(self.relation.max()) + 1 if len(self.relation) else 0

    def tensors(self) -> list[Tensor]:
        return [*self.features, self.edges, self.relation, self.known, self.targets, self.weights]


def fit(
    graph: ItemGraph,
    known: NDArray[np.int64],
    targets: Vectors,
    weights: Vectors,
    config: GnnConfig,
    place: int | None = None,
    progress: Progress | None = None,
    checkpoints: Path | None = None,
) -> tuple[Placer, Course]:
    """Train on the items `known` (k,) with `targets` (k, t), each column weighing `weights` (t,).

    The first `place` columns (all if None) are where an item is; what comes after is learned beside it, and is no part
    of the contrastive loss.
    Every item of the graph takes part in the messages, by its features alone. Time grows with epochs times edges plus
    entities, and is double where items are held. In the folder `checkpoints` the state is kept every ten epochs: the
    same call goes on from there, and a call with other data or settings starts anew. The caller deletes the folder.
    With one thread of torch the result is the same to the last bit; with more, sums may be added in another order.

    Raises GraphError when a checkpoint cannot be read.
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
        file = checkpoints and checkpoints / "watched.safetensors"
        network = _network(graph, bases, targets.shape[1], config)
        watched = _run(network, task, order[len(cold) :], cold, config, file=file).held
        epochs = min(config.epochs, (int(np.argmin(watched)) + 1) * LOOK)
    file = checkpoints and checkpoints / "network.safetensors"
    network = _network(graph, bases, targets.shape[1], config)
    curves = _run(network, task, order, order[:0], config, epochs, progress, file)
    curves.held = watched
    with torch.inference_mode():
        entities = network.eval().entities(network.encode(task.features), edges)
    learned = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    return Placer(config.kind, network.relations, learned, entities.numpy(), bases), Course(curves, epochs)


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
    file: Path | None = None,
) -> Curves:
    """Train in place on the known items `taught`, until those held `cold`, if any, have long been placed no better."""
    links = nn.Embedding(task.relations, config.dim, _weight=torch.ones(task.relations, config.dim))
    parameters = [*network.parameters(), *links.parameters()]
    optimizer = torch.optim.AdamW(parameters, config.learning_rate, weight_decay=config.weight_decay)
    modules: dict[str, nn.Module] = {"network": network, "links": links}
    state = checkpoint.State(modules, optimizer, torch.Generator().manual_seed(config.seed), Curves())
    curves, epochs, name = state.curves, epochs or config.epochs, ""
    if file:
        name = checkpoint.task_of((config, epochs), [*task.tensors(), taught, cold])
        checkpoint.resume(file, state, name)
    for epoch in range(len(curves.loss), epochs):
        if len(curves.held) - np.argmin(curves.held or [0]) > PATIENCE:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate(epoch, config)
        loss = _loss(network, links, task, taught, config, state.chance)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        length = nn.utils.clip_grad_norm_(parameters, config.clip)
        optimizer.step()
        curves.loss.append(float(loss.detach()))
        curves.learning_rate.append(rate(epoch, config))
        curves.gradient.append(float(length))
        if len(cold) and (epoch + 1) % LOOK == 0:
            curves.held.append(_look(network, task, cold, config))
        if file and ((epoch + 1) % SAVE == 0 or epoch + 1 == epochs):
            checkpoint.save(file, state, name)
        if progress:
            progress(epoch + 1, epochs)
    return curves


def rate(epoch: int, config: GnnConfig) -> float:
    """The learning rate of an epoch: a line up to the highest, then half a cosine down to zero."""
    at, top = (epoch + 1) / config.epochs, config.warm_up
    if at <= top:
        return config.learning_rate * at / top
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (at - top) / (1 - top)))


def _loss(
    network: Network, links: nn.Embedding, task: _Task, taught: Tensor, config: GnnConfig, chance: torch.Generator
) -> Tensor:
    """The sum of all objectives, with values, edges and entities dropped by `chance`."""
    inputs = network.encode(task.features, chance)
    entities = network.entities(inputs, task.edges, chance)
    heard = network.heard(inputs, entities, task.edges, task.relation, chance)
    loss = _mistake(network.items(inputs, heard, chance), task, taught, config, chance)
    if config.calm and task.relations:
        share = torch.bincount(task.relation).float() / len(task.relation)
        loss = loss + config.calm * network.messages.penalty(share)
    if config.link and task.relations:
        own = torch.stack(inputs).sum(0) + heard
        loss = loss + config.link * objectives.links(
            own, entities, task.edges, task.relation, links.weight, LINKS, chance
        )
    return loss


@torch.inference_mode()
def _look(network: Network, task: _Task, cold: Tensor, config: GnnConfig) -> float:
    """Loss on items held cold, nothing dropped."""
    inputs = network.encode(task.features)
    heard = network.heard(inputs, network.entities(inputs, task.edges), task.edges, task.relation)
    chance = torch.Generator().manual_seed(config.seed)  # the same items at every look
    return float(_mistake(network.items(inputs, heard), task, cold, config, chance))


def _mistake(found: Tensor, task: _Task, rows: Tensor, config: GnnConfig, chance: torch.Generator) -> Tensor:
    """Regression and contrast on some of the known items."""
    found, wanted = found[task.known[rows]], task.targets[rows]
    loss = objectives.regression(found, wanted, task.weights)
    if config.contrast:
        if len(rows) > CONTRASTED:
            some = torch.randperm(len(rows), generator=chance)[:CONTRASTED]
            found, wanted = found[some], wanted[some]
        columns = slice(task.place)
        loss = loss + config.contrast * objectives.contrast(
            found[:, columns], wanted[:, columns], task.weights[columns], config.temperature
        )
    return loss
