"""What is kept of a build and of an evaluation: curves, gates, metrics, and the items' vectors for the projector."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine import fusion, history
from engine.candidates.factors import Factors
from engine.tracking import Tracker

if TYPE_CHECKING:
    from engine.evaluation.report import Report  # it draws, and matplotlib is slow to import
    from engine.training import Trained  # it learns, and torch is slower still

ITEMS = 10_000
"""Most vectors that a projector is given."""
LENGTHS = (1, 3, 10, 30, 100, 300)
"""Events in a history at which the gates are read."""


def trained(tracker: Tracker, made: "Trained", titles: Sequence[str]) -> None:
    """All that training leaves: its curves by epoch or round, its gates, what each part gained, and item vectors."""
    for name, values in made.curves.items():
        curve(tracker, slug(name), values)
    gates(tracker, made.fusion)
    for gate in made.gates:
        tracker.scalars(0, {f"gain/{gate.kind}/{gate.part}": gate.gain, f"kept/{gate.kind}/{gate.part}": gate.kept})
    for generator in made.generators:
        if isinstance(generator, Factors):
            tracker.embeddings(generator.name, *first(generator.right, titles))


def gates(tracker: Tracker, made: fusion.Fusion) -> None:
    """The weight of each signal for known and for new items; the step is the length of the history."""
    for length in LENGTHS:
        trust = fusion.trust(history.single([0] * length, 1))
        known, new = made.gates(trust)[:, 0].tolist()
        for side, weights in (("known", known), ("new", new)):
            tracker.scalars(length, {f"gate-{side}/{name}": w for name, w in zip(made.names, weights, strict=True)})


def report(tracker: Tracker, made: "Report") -> None:
    """The figures of the engine, the first of the rankers, and its segments' gains."""
    figures = {name: metric.mean for name, metric in made.rankers[0].metrics.items()}
    tracker.scalars(0, {f"test/{name}": value for name, value in figures.items() if value is not None})
    for name, values in made.curves.items():
        curve(tracker, slug(name), [value for value in values if value is not None])


def curve(tracker: Tracker, name: str, values: Sequence[float]) -> None:
    """A curve by step, from 1."""
    for step, value in enumerate(values, 1):
        tracker.scalars(step, {name: value})


def first(vectors: NDArray[np.float32], titles: Sequence[str]) -> tuple[NDArray[np.float32], list[str]]:
    """The vectors of so many items, spread evenly over the catalogue, and their titles."""
    some = np.unique(np.linspace(0, len(vectors) - 1, min(ITEMS, len(vectors))).astype(np.int64))
    return np.ascontiguousarray(vectors[some]), [titles[at] for at in some]


def slug(name: str) -> str:
    """`reranker/NDCG@20-on-validation` of a curve called `reranker NDCG@20 on validation`."""
    group, _, rest = name.replace(",", "").partition(" ")
    return f"{group}/{rest.replace(' ', '-')}" if rest else f"{group}/{group}"
