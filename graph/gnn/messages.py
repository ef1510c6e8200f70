"""How items and entities speak to each other: three kinds of messages behind one small interface.

Shapes: items (n_items, dim), entities (n_entities, dim), edges (2, n) from item to entity, relation (n,) of each edge.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from graph.gnn.placer import KINDS

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", ".*torch.jit", FutureWarning)  # about how torch_geometric is written
    from torch_geometric.nn import GATv2Conv, RGCNConv, SAGEConv
    from torch_geometric.utils import scatter

HEADS = 4
"""Of the attention; `dim` must be a multiple of it."""


class Messages(Protocol):
    """A torch module with these two directions."""

    def up(self, items: Tensor, entities: Tensor, edges: Tensor) -> Tensor:
        """(n_entities, dim) what each entity hears from its items."""
        ...

    def down(self, items: Tensor, entities: Tensor, edges: Tensor, relation: Tensor) -> Tensor:
        """(n_items, dim) what each item hears from its entities."""
        ...

    def penalty(self, share: Tensor) -> Tensor:
        """How much the weights of relations shout: a scalar; share (relations,) of the edges, summing to 1."""
        ...


class Relational(nn.Module):
    """A matrix for each relation: m = sum over relations r of W_r mean of the entities over r.

    R-GCN (Schlichtkrull et al. 2018, eq. 2) without a self-loop; entities take in the mean of their items by GraphSAGE
    (Hamilton et al. 2017).
    """

    def __init__(self, dim: int, relations: int) -> None:
        super().__init__()
        self.to_entity = SAGEConv((dim, dim), dim)
        self.to_item = RGCNConv((dim, dim), dim, relations, root_weight=False, bias=False)

    def up(self, items: Tensor, entities: Tensor, edges: Tensor) -> Tensor:
        heard: Tensor = self.to_entity((items, entities), edges)
        return heard

    def down(self, items: Tensor, entities: Tensor, edges: Tensor, relation: Tensor) -> Tensor:
        heard: Tensor = self.to_item((entities, torch.zeros_like(items)), edges.flip(0), relation)
        return heard

    def penalty(self, share: Tensor) -> Tensor:
        """Each matrix is held down by the square of its size over its share of the edges: few edges, little said."""
        size = self.to_item.weight.square().sum(dim=(1, 2))
        total: Tensor = (size / share.clamp(min=1e-4)).mean()
        return total


class Propagation(nn.Module):
    """No matrix at all: sums over edges, each divided by the root of both ends' degrees.

    LightGCN (He et al. 2020, eq. 7) on the graph of items and entities; how much a layer counts (eq. 8) is learned.
    """

    def __init__(self, dim: int, relations: int) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.tensor(0.1))

    def up(self, items: Tensor, entities: Tensor, edges: Tensor) -> Tensor:
        return self.share * self._sums(items, edges[0], edges[1], len(entities))

    def down(self, items: Tensor, entities: Tensor, edges: Tensor, relation: Tensor) -> Tensor:
        return self._sums(entities, edges[1], edges[0], len(items))

    def penalty(self, share: Tensor) -> Tensor:
        return torch.zeros(())

    def _sums(self, vectors: Tensor, source: Tensor, target: Tensor, n: int) -> Tensor:
        out = torch.bincount(source, minlength=len(vectors))[source]
        into = torch.bincount(target, minlength=n)[target]
        parts = vectors[source] * (out * into).float().rsqrt()[:, None]
        total: Tensor = scatter(parts, target, dim=0, dim_size=n, reduce="sum")
        return total


class Attention(nn.Module):
    """An item weighs its entities by what they and their relations are, against what it is itself.

    GATv2 (Brody et al. 2022, eq. 7) with a vector for each relation as the feature of its edges; the idea of weighing
    relations so is of KGAT (Wang et al. 2019). Entities take in the mean of their items.
    """

    def __init__(self, dim: int, relations: int) -> None:
        super().__init__()
        self.relation = nn.Embedding(relations, dim)
        self.to_entity = SAGEConv((dim, dim), dim)
        self.to_item = GATv2Conv((dim, dim), dim // HEADS, heads=HEADS, edge_dim=dim, add_self_loops=False)

    def up(self, items: Tensor, entities: Tensor, edges: Tensor) -> Tensor:
        heard: Tensor = self.to_entity((items, entities), edges)
        return heard

    def down(self, items: Tensor, entities: Tensor, edges: Tensor, relation: Tensor) -> Tensor:
        heard: Tensor = self.to_item((entities, items), edges.flip(0), self.relation(relation))
        return heard

    def penalty(self, share: Tensor) -> Tensor:
        return (self.relation.weight.square().sum(dim=1) / share.clamp(min=1e-4)).mean()


MADE: Mapping[str, Callable[[int, int], Relational | Propagation | Attention]] = dict(
    zip(KINDS, (Relational, Propagation, Attention), strict=True)
)
"""Each is made of (dim, relations)."""
