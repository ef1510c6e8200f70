"""Why an item is where it is for a user: exact contributions, the history behind them, and paths through the graph."""

from dataclasses import dataclass, field

import numpy as np

from engine.fusion import trust
from engine.history import Histories
from engine.lookup import Lookup
from engine.ranker import Ranker
from graph.paths import Path as GraphPath
from graph.paths import Pathfinder

MOST_LIKED = 50
"""Latest items of a history that paths are looked for from; of rated ones none that was rated low."""
MOST_PATHS = 5


@dataclass(frozen=True)
class Explanation:
    """Why an item is where it is for a user."""

    item_id: str
    title: str
    score: float
    contributions: dict[str, float]
    paths: list[GraphPath]
    """What the graph says it shares with the history, the most telling first."""
    neighbours: list[tuple[str, float]]
    """Items of the history that speak for it, with their share of the generators' credit."""
    rules: list[str] = field(default_factory=list)
    """What each rule in force does with it, in words."""
    rank: int | None = None
    """From 1, among all that the user may be shown, before anything puts items in another place; None beyond 1,000."""
    without: list[tuple[str, int | None]] = field(default_factory=list)
    """The same rank had the user not chosen one item, for each of `neighbours`."""


def explain(ranker: Ranker, lookup: Lookup, graph: Pathfinder, past: Histories, item: int) -> Explanation:
    """Explain the score of the item in this row for the one user of `past`."""
    allowed = np.zeros((1, len(lookup)), bool)
    allowed[0, item] = True
    ranked = ranker.rank(past, allowed, 1)
    values = past.values
    fond = ~(values < values.mean() - values.std()) if len(values) else np.zeros(0, bool)  # unknown ones too
    liked = list(dict.fromkeys(past.items[fond][::-1].tolist()))[:MOST_LIKED]
    return Explanation(
        lookup.ids[item],
        lookup.titles[item],
        float(ranked.scores[0]),
        dict(zip(ranker.parts, ranked.parts[0].tolist(), strict=True)),
        graph.find(liked, item, MOST_PATHS),
        [(lookup.ids[row], share) for row, share in credit(ranker, past, item)],
    )


def credit(ranker: Ranker, past: Histories, item: int, n: int = 5) -> list[tuple[int, float]]:
    """Items of the history by their share of what the generators' signals owe to the history."""
    if not len(past.items):
        return []
    new = int(not ranker.known[item])
    gates = ranker.fusion.gates(trust(past))[new, 0]
    total, at = np.zeros(len(past.items)), 0
    for generator in ranker.generators:
        each = generator.credit(past, item)  # (signals, events)
        scale = np.abs(each).sum(axis=1, keepdims=True)
        share = np.divide(each, scale, where=scale > 0, out=np.zeros_like(each))
        total += (gates[at : at + len(each), None] * share).sum(0)
        at += len(each)
    shares = total / max(np.abs(total).sum(), 1e-12)
    order = np.argsort(-shares, kind="stable")[:n]
    return [(int(past.items[i]), float(shares[i])) for i in order if shares[i] > 0]
