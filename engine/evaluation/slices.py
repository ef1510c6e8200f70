"""Quality in groups: of users by the length of their history, of items by their popularity."""

from collections.abc import Sequence
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
    for number, start in enumerate(edges):
        last = number + 1 == len(edges)
        label = f"{start}+" if last else _span(start, edges[number + 1] - 1)
        slices += _slice(label, values[group == number], resamples, seed)
    return slices


def by_item_popularity(
    ranked: Ints, relevant: Cells, popularity: NDArray[Any], resamples: int = 1000, seed: int = 0
) -> list[Slice]:
    """Recall of the lists by decile of item popularity, rarest tenth of the items first.

    `ranked` (users, k), `relevant` (users, items), `popularity` (items,). A user counts in a decile with the share of
    their relevant items of that decile that the list shows; a decile without relevant items is left out.
    """
    n_items = len(popularity)
    decile = np.empty(n_items, np.int64)
    # Items of one popularity are parted by number: deciles have equal sizes whatever the ties.
    decile[np.argsort(popularity, kind="stable")] = np.arange(n_items) * 10 // max(1, n_items)
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


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}\N{EN DASH}{last}"


def _count(rows: NDArray[Any], groups: NDArray[Any], users: int) -> NDArray[np.int64]:
    return np.bincount(rows * 10 + groups, minlength=users * 10).reshape(users, 10)


def _slice(label: str, values: Floats, resamples: int, seed: int) -> list[Slice]:
    if not len(values):
        return []
    low, high = bootstrap.interval(values, resamples, seed)
    return [Slice(label=label, users=len(values), mean=float(values.mean()), low=low, high=high)]
