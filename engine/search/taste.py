"""The taste of who asks: s_w = w * s, where s is what the query gives an item and w comes from one user's history.

    w(u, i) = 1 + strength * t(u, i)

t is the score of a recommendation, scaled to go from 0 to 1 over the items that the query found: taste never brings in
what the query does not, and a strength of 0 means none. The interest weight of `engine.candidates.interest` in its
place, alone or beside it, was worse: `scripts/bench/personal.py`, docs/benchmarks.md.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.history import Histories
from engine.ranker import Ranker
from engine.search.hybrid import TASTE, Match

Tastes = NDArray[np.float64]


def personalised(found: Sequence[Match], ranker: Ranker, past: Histories, strength: float) -> list[Match]:
    """The same items in the order of the query and one user's taste. Without a history taste is 0."""
    if not found or not len(past.items) or strength == 0:
        return list(found)
    rows = np.array([match.item for match in found])
    taste = strength * scaled(by_ranker(ranker, past, rows))
    liked = [
        Match(match.item, match.parts | {TASTE: added * match.score})
        for match, added in zip(found, taste.tolist(), strict=True)
    ]
    return sorted(liked, key=lambda match: -match.score)


def by_ranker(ranker: Ranker, past: Histories, rows: NDArray[np.int64]) -> Tastes:
    """(rows,) the score that a recommendation for this history would give these items."""
    allowed = np.zeros((1, len(ranker.features)), bool)
    allowed[0, rows] = True
    ranked = ranker.rank(past, allowed, len(rows), explain=False)
    by_item = dict(zip(ranked.candidates.item.tolist(), ranked.scores.tolist(), strict=True))
    return np.array([by_item[row] for row in rows.tolist()], np.float64)


def scaled(values: Tastes) -> Tastes:
    """From 0 to 1; zeros where all are alike."""
    return np.asarray((values - values.min()) / max(float(np.ptp(values)), 1e-9), np.float64)
