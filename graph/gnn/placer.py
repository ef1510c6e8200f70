"""A trained network with its entities as they were: places items of the graph, and items that come later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from graph.gnn.messages import KINDS
from graph.gnn.network import Network

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class ItemGraph:
    """Items with their edges and features.

    facts (items, entities) is not zero where the graph says an entity of an item; relations (entities,) numbers the
    relation over which it says it, from 0; each of features is (items, width).
    """

    facts: "sparse.csr_array[np.float32]"
    relations: NDArray[np.int64]
    features: Sequence[Vectors]

    @property
    def n_relations(self) -> int:
        return int(self.relations.max(initial=-1)) + 1


@dataclass(frozen=True)
class Placer:
    """What training gives."""

    network: Network
    kind: str
    entities: Tensor
    bases: list[Vectors]
    """(width, at most 64) leading directions of each feature."""

    @torch.inference_mode()
    def place(self, graph: ItemGraph) -> Vectors:
        """(items, targets) predictions; entities and features must be those of training, column by column."""
        inputs = self.network.encode(reduced(graph, self.bases))
        heard = self.network.heard(inputs, self.entities, *edges_of(graph))
        return np.asarray(self.network.items(inputs, heard).numpy(), np.float32)

    @torch.inference_mode()
    def relation_weights(self, graph: ItemGraph) -> NDArray[np.float64]:
        """(relations,) how far each relation moves the items that have it: mean length of what they no longer hear.

        Beside them stands how much the items hear in all, 1 on average after the norm; a relation without edges moves
        nothing.
        """
        inputs = self.network.encode(reduced(graph, self.bases))
        edges, relation = edges_of(graph)
        whole = self.network.heard(inputs, self.entities, edges, relation)
        moved = np.zeros(graph.n_relations)
        for number in range(graph.n_relations):
            rest = relation != number
            touched = torch.unique(edges[0, ~rest])
            if len(touched):
                less = self.network.heard(inputs, self.entities, edges[:, rest], relation[rest])
                moved[number] = float((whole - less)[touched].square().mean(1).sqrt().mean())
        return moved

    def tensors(self) -> dict[str, NDArray[Any]]:
        """All arrays that `from_tensors` needs, by name."""
        weights = {f"network.{name}": tensor.numpy() for name, tensor in self.network.state_dict().items()}
        bases = {f"basis.{place}": basis for place, basis in enumerate(self.bases)}
        facts = {"kind": np.array(list(KINDS).index(self.kind)), "relations": np.array(self.network.relations)}
        return {**weights, **bases, **facts, "entities": self.entities.numpy()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Self:
        places = range(sum(name.startswith("basis.") for name in tensors))
        bases = [np.asarray(tensors[f"basis.{at}"], np.float32) for at in places]
        state = {name[8:]: torch.tensor(array) for name, array in tensors.items() if name.startswith("network.")}
        kind = list(KINDS)[int(tensors["kind"])]
        count, dim = state["entity"].shape
        relations = int(tensors["relations"])
        network = Network([b.shape[1] for b in bases], count, relations, len(state["result.bias"]), dim, kind)
        network.load_state_dict(state)
        return cls(network.eval(), kind, torch.tensor(tensors["entities"]), bases)


def leading(feature: Vectors, width: int) -> Vectors:
    """(d, at most `width`) leading right singular vectors of (n, d), scaled so that rows get length 1 on average."""
    _, vectors = np.linalg.eigh(feature.T @ feature)
    basis = vectors[:, ::-1][:, :width]
    length = np.linalg.norm(feature @ basis, axis=1)
    return np.asarray(basis / max(float(length[length > 0].mean()) if length.any() else 1.0, 1e-6), np.float32)


def reduced(graph: ItemGraph, bases: Sequence[Vectors]) -> list[Tensor]:
    """Each feature of the items in its leading directions."""
    return [torch.from_numpy(feature @ basis) for feature, basis in zip(graph.features, bases, strict=True)]


def edges_of(graph: ItemGraph) -> tuple[Tensor, Tensor]:
    """(2, edges) from item to entity, and the relation of each, (edges,)."""
    cells = graph.facts.tocoo()
    pairs = np.stack([cells.row, cells.col]).astype(np.int64)
    return torch.from_numpy(pairs), torch.from_numpy(graph.relations[cells.col])
