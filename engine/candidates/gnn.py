"""The graph network as a generator: it learns to put items at their factors of taste, by edges and features.

What is trained and how is in graph/gnn/; here histories become its targets. Beside the factors it learns log
popularity, which keeps the network to what matters to people and is not used afterwards (see prior.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.candidates.amount import Amount, binary, learn
from engine.candidates.base import Features, Generator, Tensors, group, grouped
from engine.candidates.factors import Factors, from_tensors, taste
from engine.config import Gnn as Settings
from engine.history import Histories
from graph import gnn

if TYPE_CHECKING:
    from graph.gnn.train import Course

NAME = "gnn"


@dataclass(frozen=True)
class Network:
    """The trained network, in the scale of the factors: `scale` is (rank,)."""

    amount: Amount
    placer: gnn.Placer
    scale: NDArray[np.float32]
    course: "Course | None" = None
    """How training went; an artefact does not keep it with the network."""

    def place(self, features: Features) -> NDArray[np.float32]:
        """(items, rank)."""
        return self.placer.place(graph_of(features, self.amount))[:, :-1] * self.scale

    def tensors(self) -> Tensors:
        amount, placer = grouped("amount", self.amount.tensors()), grouped("gnn", self.placer.tensors())
        return {"scale": self.scale, **amount, **placer}

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> "Network":
        amount, placer = Amount.from_tensors(group("amount", tensors)), gnn.Placer.from_tensors(group("gnn", tensors))
        return cls(amount, placer, np.asarray(tensors["scale"], np.float32))


def fit(histories: Histories, features: Features, config: Settings, seed: int) -> Factors:
    """Train the network on the items with history."""
    from graph.gnn import train  # it needs torch and its graph layers
    from graph.gnn.network import Drops

    learned = taste(histories, config.rank, config.power, config.max_items)
    # A direction along which all items are alike has next to no deviation: it is not blown up.
    lengths = np.sqrt((learned.factors**2).mean(axis=0))
    scale = np.maximum(learned.factors.std(axis=0), np.maximum(0.5 * lengths, 1e-6)) if len(lengths) else np.ones(1)
    popularity = np.log1p(np.asarray(histories.seen().sum(axis=0)).ravel()[learned.known])
    popularity = (popularity - popularity.mean()) / max(float(popularity.std()), 1e-6)
    targets = np.column_stack([learned.factors / scale, popularity]).astype(np.float32)
    settings = train.GnnConfig(
        config.kind, config.dim, config.epochs, config.learning_rate, Drops(values=config.dropout), config.weight_decay,
        config.contrast, config.temperature, config.link, config.calm, config.held, seed,
    )  # fmt: skip
    amount = learn(features)
    weights, place = np.append(learned.weights, np.float32(1)), learned.factors.shape[1]
    placer, course = train.fit(graph_of(features, amount), learned.known, targets, weights, settings, place)
    network = Network(amount, placer, scale.astype(np.float32), course)
    return Factors(NAME, config.half_lives, network, learned.spread(len(features)), network.place(features))


def curves(generators: Sequence[Generator]) -> dict[str, list[float]]:
    """Loss, learning rate and so on of the network among these generators, by epoch."""
    courses = [one.placer.course for one in generators if isinstance(one, Factors) and isinstance(one.placer, Network)]
    values = {name: curve for course in courses if course for name, curve in vars(course.curves).items()}
    return {f"gnn {name.replace('_', ' ')}": curve for name, curve in values.items() if curve}


def restore(tensors: Tensors) -> Factors:
    return from_tensors(NAME, tensors, Network.from_tensors)


def graph_of(features: Features, amount: Amount) -> gnn.ItemGraph:
    """The items as the network takes them: facts as edges; texts, pictures and so on, and amounts, as features."""
    vectors = [*features.vectors.values(), amount.of(features)]
    return gnn.ItemGraph(binary(features), features.relations, vectors)
