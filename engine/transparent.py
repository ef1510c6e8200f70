"""Lists by interest-weighted similarity alone, s_w = w * s: nothing is learned, all can be checked by hand."""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.candidates.interest import Interest
from engine.history import Histories

MOST = 5
"""Interests of an item that are named; the others are one sum."""
OTHER = "other interests"


class Weighed(NamedTuple):
    """An item of a list: its row, s_w, its two factors, and what each interest added to s; these sum to the score."""

    item: int
    score: float
    factors: dict[str, float]
    contributions: dict[str, float]


def rank(model: Interest, entities: pl.DataFrame, past: Histories, allowed: NDArray[np.bool_], n: int) -> list[Weighed]:
    """The best `n` of the allowed items, (items,), for one history; those that nothing in it is like are left out."""
    items = np.flatnonzero(allowed)
    similarity, weight, lifts = model.factors(past, items)
    scores = weight * similarity
    best = np.argsort(-scores, kind="stable")[:n]
    names = [f"{label.lower()} {name}" for label, name in entities.select("label", "name").iter_rows()]
    found = []
    for at in best[scores[best] > 0].tolist():
        s = float(similarity[at])
        row = slice(lifts.indptr[at], lifts.indptr[at + 1])
        factors = {"similarity": s, "interest": float(weight[at])}
        named = _named(names, lifts.indices[row].tolist(), (s * lifts.data[row]).tolist())
        found.append(Weighed(int(items[at]), float(scores[at]), factors, {"similarity": s} | named))
    return found


def _named(names: list[str], entities: list[int], values: list[float]) -> dict[str, float]:
    """What the most telling interests add, by name, and all others together."""
    told: dict[str, float] = {}
    for place, (entity, value) in enumerate(sorted(zip(entities, values, strict=True), key=lambda pair: -abs(pair[1]))):
        name = names[entity] if place < MOST else OTHER
        told[name] = told.get(name, 0.0) + value
    return told
