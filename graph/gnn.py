"""A relational graph network that places an item by its edges and features: nobody needs to have met it.

Two rounds of messages over items and the entities that the graph says of them:

    entity   e' = e + W1 e + W2 mean of its items' vectors                  (GraphSAGE, Hamilton et al. 2017)
    item     m  = sum over relations r of W_r mean of its entities' e'      (R-GCN, Schlichtkrull et al. 2018)
    result   W [relu(one vector a feature), relu(LayerNorm(m))]

It is trained by regression on what is known of some items, full graph at a time, and has no vector of an item's own: a
new item is its features and edges. With a thousand items to learn from it would rather remember them, so features,
edges (DropEdge, Rong et al. 2020) and whole entities are dropped in training.
"""

import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor, nn

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", ".*torch.jit", FutureWarning)  # about how torch_geometric is written
    from torch_geometric.nn import RGCNConv, SAGEConv

Vectors = NDArray[np.float32]
Progress = Callable[[int, int], None]
Chance = torch.Generator | None
"""What is dropped in training is drawn from it; without one nothing is dropped."""
_SEEDING = threading.Lock()
WIDEST = 64
"""Leading coordinates of a feature that the network looks at: more is slower, and no better."""


@dataclass(frozen=True)
class GnnConfig:
    """How large the network is and how it is trained."""

    dim: int = 64
    epochs: int = 80
    learning_rate: float = 0.01
    dropout: float = 0.4
    """Share of the features' coordinates, and of the last layer's, hidden in training."""
    edge_dropout: float = 0.5
    entity_dropout: float = 0.2
    """Share of the entities whose own vector is hidden in training."""
    weight_decay: float = 0.05
    seed: int = 0


@dataclass(frozen=True)
class ItemGraph:
    """Items with their edges and features.

    facts (items, entities) is not zero where the graph says an entity of an item; relations (entities,) numbers the
    relation over which it says it, from 0; each of features is (items, width).
    """

    facts: "sparse.csr_array[np.float32]"
    relations: NDArray[np.int64]
    features: Sequence[Vectors]


class Network(nn.Module):
    """The layers; `widths` are those of the features, `targets` is how many numbers are predicted."""

    def __init__(self, widths: Sequence[int], entities: int, relations: int, targets: int, config: GnnConfig) -> None:
        super().__init__()
        dim = config.dim
        self.config = config
        self.inputs = nn.ModuleList(nn.Linear(width, dim) for width in widths)
        self.entity = nn.Parameter(0.1 * torch.randn(entities, dim))
        self.up = SAGEConv((dim, dim), dim)
        self.down = RGCNConv((dim, dim), dim, max(relations, 1), root_weight=False, bias=False)
        self.norm = nn.LayerNorm(dim)
        self.result = nn.Linear(dim * (len(widths) + 1), targets)

    def encode(self, features: Sequence[Tensor], chance: Chance = None) -> list[Tensor]:
        """One (items, dim) vector a feature."""
        return [layer(_drop(x, self.config.dropout, chance)) for layer, x in zip(self.inputs, features, strict=True)]

    def entities(self, inputs: Sequence[Tensor], edges: Tensor, chance: Chance = None) -> Tensor:
        """(entities, dim) vectors that have taken in their items; edges (2, n) from item to entity."""
        own: Tensor = self.entity
        if chance is not None:
            own = own * _kept(len(own), self.config.entity_dropout, chance)[:, None]
            edges = edges[:, _kept(edges.shape[1], self.config.edge_dropout, chance)]
        merged: Tensor = self.up((torch.relu(torch.stack(list(inputs)).sum(0)), own), edges)
        return own + merged

    def items(
        self, inputs: Sequence[Tensor], entities: Tensor, edges: Tensor, relation: Tensor, chance: Chance = None
    ) -> Tensor:
        """(items, targets) from the items' own vectors and their entities'; relation (n,) of each edge."""
        if chance is not None:
            kept = _kept(edges.shape[1], self.config.edge_dropout, chance)
            edges, relation = edges[:, kept], relation[kept]
        blank = inputs[0].new_zeros(len(inputs[0]), entities.shape[1])
        message = self.norm(self.down((entities, blank), edges.flip(0), relation))
        together = torch.relu(torch.cat([*inputs, message], dim=1))
        result: Tensor = self.result(_drop(together, self.config.dropout, chance))
        return result


def _kept(n: int, rate: float, chance: torch.Generator) -> Tensor:
    """(n,) true where one of n is not dropped."""
    return torch.rand(n, generator=chance) >= rate


def _drop(x: Tensor, rate: float, chance: Chance) -> Tensor:
    """Dropout; torch's own draws from a generator that all threads share."""
    if chance is None:
        return x
    return x * (torch.rand(x.shape, generator=chance) >= rate) / (1 - rate)


@dataclass(frozen=True)
class Placer:
    """A trained network with its entities as they were: places items of the graph and items that come later."""

    network: Network
    entities: Tensor
    bases: list[Vectors]
    """(width, at most 64) leading directions of each feature."""

    @torch.inference_mode()
    def place(self, graph: ItemGraph) -> Vectors:
        """(items, targets) predictions; entities and features must be those of training, column by column."""
        edges, relation = _edges(graph)
        inputs = self.network.encode(_reduced(graph, self.bases))
        return np.asarray(self.network.items(inputs, self.entities, edges, relation).numpy(), np.float32)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """All arrays that `from_tensors` needs, by name."""
        weights = {f"network.{name}": tensor.numpy() for name, tensor in self.network.state_dict().items()}
        bases = {f"basis.{place}": basis for place, basis in enumerate(self.bases)}
        return {**weights, **bases, "entities": self.entities.numpy()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Self:
        bases = [
            np.asarray(tensors[f"basis.{at}"], np.float32) for at in range(sum(n[:6] == "basis." for n in tensors))
        ]
        state = {name[8:]: torch.tensor(array) for name, array in tensors.items() if name.startswith("network.")}
        targets, relations = len(state["result.bias"]), len(state["down.weight"])
        count, dim = state["entity"].shape
        network = Network([basis.shape[1] for basis in bases], count, relations, targets, GnnConfig(dim=dim))
        network.load_state_dict(state)
        return cls(network.eval(), torch.tensor(tensors["entities"]), bases)


def fit(
    graph: ItemGraph,
    known: NDArray[np.int64],
    targets: Vectors,
    weights: Vectors,
    config: GnnConfig,
    progress: Progress | None = None,
) -> tuple[Placer, list[float]]:
    """Train on the items `known` (k,) with `targets` (k, t), each column weighing `weights` (t,).

    Every item of the graph takes part in the messages, by its features alone. Returns the placer and the loss of each
    epoch. Time grows with epochs times edges plus entities.
    """
    bases = [leading(feature, WIDEST) for feature in graph.features]
    features, (edges, relation) = _reduced(graph, bases), _edges(graph)
    rows, wanted, share = torch.from_numpy(known), torch.from_numpy(targets), torch.from_numpy(weights)
    relations = int(graph.relations.max(initial=-1)) + 1
    widths = [basis.shape[1] for basis in bases]
    with _SEEDING, torch.random.fork_rng(devices=[]):  # first weights come from a generator that all threads share
        torch.manual_seed(config.seed)
        network = Network(widths, graph.facts.shape[1], relations, targets.shape[1], config)
    chance = torch.Generator().manual_seed(config.seed)
    optimizer = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=config.epochs)
    curve = []
    for epoch in range(config.epochs):
        inputs = network.encode(features, chance)
        entities = network.entities(inputs, edges, chance)
        found = network.items(inputs, entities, edges, relation, chance)[rows]
        loss = ((found - wanted).square() * share).mean(0).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        curve.append(float(loss.detach()))
        if progress:
            progress(epoch + 1, config.epochs)
    network.eval()
    with torch.inference_mode():
        entities = network.entities(network.encode(features), edges)
    return Placer(network, entities, bases), curve


def leading(feature: Vectors, width: int) -> Vectors:
    """(d, at most `width`) leading right singular vectors of (n, d), scaled so that rows get length 1 on average."""
    _, vectors = np.linalg.eigh(feature.T @ feature)
    basis = vectors[:, ::-1][:, :width]
    length = np.linalg.norm(feature @ basis, axis=1)
    return np.asarray(basis / max(float(length[length > 0].mean()) if length.any() else 1.0, 1e-6), np.float32)


def _reduced(graph: ItemGraph, bases: Sequence[Vectors]) -> list[Tensor]:
    return [torch.from_numpy(feature @ basis) for feature, basis in zip(graph.features, bases, strict=True)]


def _edges(graph: ItemGraph) -> tuple[Tensor, Tensor]:
    """(2, edges) from item to entity, and the relation of each, (edges,)."""
    cells = graph.facts.tocoo()
    pairs = np.stack([cells.row, cells.col]).astype(np.int64)
    return torch.from_numpy(pairs), torch.from_numpy(graph.relations[cells.col])
