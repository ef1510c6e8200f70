"""The layers, and what is dropped in training.

With a thousand items to learn from a network would rather remember them, so features, edges (DropEdge, Rong et al.
2020) and whole entities are dropped in training.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from graph.gnn.messages import MADE

Chance = torch.Generator | None
"""What is dropped in training is drawn from it; without one nothing is dropped."""


@dataclass(frozen=True)
class Drops:
    """Shares that are hidden in training."""

    values: float = 0.4
    """Of the features' coordinates, and of the last layer's."""
    edges: float = 0.5
    entities: float = 0.2
    """Of the entities' own vectors."""


class Network(nn.Module):
    """`widths` are those of the features, `targets` how many numbers are predicted; `kind` is one of `placer.KINDS`."""

    def __init__(
        self,
        widths: Sequence[int],
        entities: int,
        relations: int,
        targets: int,
        dim: int,
        kind: str,
        drops: Drops | None = None,
    ) -> None:
        super().__init__()
        self.drops = drops or Drops()
        self.relations = max(relations, 1)
        self.inputs = nn.ModuleList(nn.Linear(width, dim) for width in widths)
        self.entity = nn.Parameter(0.1 * torch.randn(entities, dim))
        self.messages = MADE[kind](dim, self.relations)
        self.norm = nn.LayerNorm(dim)
        self.result = nn.Linear(dim * (len(widths) + 1), targets)

    def encode(self, features: Sequence[Tensor], chance: Chance = None) -> list[Tensor]:
        """One (items, dim) vector a feature."""
        return [layer(_drop(x, self.drops.values, chance)) for layer, x in zip(self.inputs, features, strict=True)]

    def entities(self, inputs: Sequence[Tensor], edges: Tensor, chance: Chance = None) -> Tensor:
        """(entities, dim) vectors that have taken in their items; edges (2, n) from item to entity."""
        own: Tensor = self.entity
        if chance is not None:
            own = own * _kept(len(own), self.drops.entities, chance)[:, None]
            edges = edges[:, _kept(edges.shape[1], self.drops.edges, chance)]
        return own + self.messages.up(_own(inputs), own, edges)

    def heard(
        self, inputs: Sequence[Tensor], entities: Tensor, edges: Tensor, relation: Tensor, chance: Chance = None
    ) -> Tensor:
        """(items, dim) what each item hears from its entities; relation (n,) of each edge."""
        if chance is not None:
            kept = _kept(edges.shape[1], self.drops.edges, chance)
            edges, relation = edges[:, kept], relation[kept]
        normed: Tensor = self.norm(self.messages.down(_own(inputs), entities, edges, relation))
        return normed

    def items(self, inputs: Sequence[Tensor], heard: Tensor, chance: Chance = None) -> Tensor:
        """(items, targets) from the items' own vectors and what they hear."""
        together = torch.relu(torch.cat([*inputs, heard], dim=1))
        result: Tensor = self.result(_drop(together, self.drops.values, chance))
        return result


def _own(inputs: Sequence[Tensor]) -> Tensor:
    return torch.relu(torch.stack(list(inputs)).sum(0))


def _kept(n: int, rate: float, chance: torch.Generator) -> Tensor:
    """(n,) true where one of n is not dropped."""
    return torch.rand(n, generator=chance) >= rate


def _drop(x: Tensor, rate: float, chance: Chance) -> Tensor:
    """Dropout; torch's own draws from a generator that all threads share."""
    if chance is None:
        return x
    return x * (torch.rand(x.shape, generator=chance) >= rate) / (1 - rate)
