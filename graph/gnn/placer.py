"""A trained network with its entities as they were: places items of the graph, and items that come later.

It is numbers until something is placed: torch and its graph layers are seconds and hundreds of megabytes to load, and
whoever opens an artefact to ask it has all its items placed already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

if TYPE_CHECKING:
    from graph.gnn.placing import Placing

Vectors = NDArray[np.float32]
KINDS = ("relational", "propagation", "attention")
"""Of messages between items and entities; `messages` has them. An artefact knows them by their place here."""


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

    kind: str
    relations: int
    weights: Mapping[str, NDArray[Any]]
    """Of the network, by name."""
    entities: Vectors
    """(entities, dim)"""
    bases: list[Vectors]
    """(width, at most 64) leading directions of each feature."""

    @cached_property
    def _placing(self) -> "Placing":
        from graph.gnn.placing import Placing

        return Placing(self.kind, self.relations, self.weights, self.entities, self.bases)

    def place(self, graph: ItemGraph) -> Vectors:
        """(items, targets) predictions; entities and features must be those of training, column by column."""
        return self._placing.place(graph)

    def relation_weights(self, graph: ItemGraph) -> NDArray[np.float64]:
        """(relations,) how far each relation moves the items that have it: mean length of what they no longer hear.

        Beside them stands how much the items hear in all, 1 on average after the norm; a relation without edges moves
        nothing.
        """
        return self._placing.relation_weights(graph)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """All arrays that `from_tensors` needs, by name."""
        weights = {f"network.{name}": array for name, array in self.weights.items()}
        bases = {f"basis.{place}": basis for place, basis in enumerate(self.bases)}
        facts = {"kind": np.array(KINDS.index(self.kind)), "relations": np.array(self.relations)}
        return {**weights, **bases, **facts, "entities": self.entities}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Self:
        places = range(sum(name.startswith("basis.") for name in tensors))
        bases = [np.asarray(tensors[f"basis.{at}"], np.float32) for at in places]
        weights = {name[8:]: array for name, array in tensors.items() if name.startswith("network.")}
        return cls(KINDS[int(tensors["kind"])], int(tensors["relations"]), weights, tensors["entities"], bases)
