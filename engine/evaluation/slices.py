"""Quality in groups: of users by the length of their history, of items by their popularity."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evaluation import bootstrap, metrics
from engine.evaluation.metrics import Cells, Floats, Ints
from engine.evaluation.report import Slice

HISTORY_EDGES = (0, 1, 5, 10, 20, 50, 100, 200)
"""The shortest history of each group, in events."""


def by_history_length(
    values: Floats, lengths: Ints, edges: Sequence[int] = HISTORY_EDGES, resamples: int = 1000, seed: int = 0
) -> list[Slice]:
    """The mean of a metric (users,) over users whose history has so many events; groups without users are left out."""
    group = np.searchsorted(edges, lengths, side="right") - 1
    slices = []
    for number, label in enumerate(labels(edges)):
        slices += _slice(label, values[group == number], resamples, seed)
    return slices


def by_item_popularity(
    ranked: Ints, relevant: Cells, popularity: NDArray[Any], resamples: int = 1000, seed: int = 0
) -> list[Slice]:
    """Recall of the lists by decile of item popularity, rarest tenth of the items first.

    `ranked` (users, k), `relevant` (users, items), `popularity` (items,). A user counts in a decile with the share of
    their relevant items of that decile that the list shows; a decile without relevant items is left out.
    """
    decile = tenth_of(popularity)
    hits = metrics.hit_table(ranked, relevant)
    row, place = np.nonzero(hits)
    asked = relevant.tocoo()
    asked_row, asked_item = asked.row[asked.data != 0], asked.col[asked.data != 0]
    found = _count(row, decile[ranked[row, place]], len(ranked))
    total = _count(asked_row, decile[asked_item], len(ranked))
    slices = []
    for number in range(10):
        users = total[:, number] > 0
        slices += _slice(str(number + 1), found[users, number] / total[users, number], resamples, seed)
    return slices


def labels(edges: Sequence[int]) -> list[str]:
    """Names of the groups of whole numbers that begin at these edges; the last has no end."""
    spans = [str(first) if end == first + 1 else f"{first}\N{EN DASH}{end - 1}" for first, end in pairwise(edges)]
    return [*spans, f"{edges[-1]}+"]


def tenth_of(values: NDArray[Any]) -> Ints:
    """(n,) 0 to 9, the lowest values first: tenths of one size whatever the ties, which are parted by number."""
    tenth = np.empty(len(values), np.int64)
    tenth[np.argsort(values, kind="stable")] = np.arange(len(values)) * 10 // max(1, len(values))
    return tenth


def _count(rows: NDArray[Any], groups: NDArray[Any], users: int) -> NDArray[np.int64]:
    return np.bincount(rows * 10 + groups, minlength=users * 10).reshape(users, 10)


def _slice(label: str, values: Floats, resamples: int, seed: int) -> list[Slice]:
    if not len(values):
        return []
    low, high = bootstrap.interval(values, resamples, seed)
    return [Slice(label=label, users=len(values), mean=float(values.mean()), low=low, high=high)]
