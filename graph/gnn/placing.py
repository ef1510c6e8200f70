"""The network of a placer at work: what it needs torch and the graph layers for."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graph.gnn.network import Network
from graph.gnn.placer import ItemGraph, Vectors


class Placing:
    """As `Placer` says."""

    def __init__(
        self,
        kind: str,
        relations: int,
        weights: Mapping[str, NDArray[Any]],
        entities: Vectors,
        bases: Sequence[Vectors],
    ) -> None:
        count, dim = weights["entity"].shape
        widths, targets = [basis.shape[1] for basis in bases], len(weights["result.bias"])
        with torch.device("meta"):  # without values: first ones would be drawn from the chance that all threads share
            self._network = Network(widths, count, relations, targets, dim, kind)
        state = {name: torch.tensor(array) for name, array in weights.items()}
        self._network.load_state_dict(state, assign=True)
        self._network.eval()
        self._entities, self._bases = torch.tensor(entities), bases

    @torch.inference_mode()
    def place(self, graph: ItemGraph) -> Vectors:
        inputs = self._network.encode(reduced(graph, self._bases))
        heard = self._network.heard(inputs, self._entities, *edges_of(graph))
        return np.asarray(self._network.items(inputs, heard).numpy(), np.float32)

    @torch.inference_mode()
    def relation_weights(self, graph: ItemGraph) -> NDArray[np.float64]:
        inputs = self._network.encode(reduced(graph, self._bases))
        edges, relation = edges_of(graph)
        whole = self._network.heard(inputs, self._entities, edges, relation)
        moved = np.zeros(graph.n_relations)
        for number in range(graph.n_relations):
            rest = relation != number
            touched = torch.unique(edges[0, ~rest])
            if len(touched):
                less = self._network.heard(inputs, self._entities, edges[:, rest], relation[rest])
                moved[number] = float((whole - less)[touched].square().mean(1).sqrt().mean())
        return moved


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
