"""Ranking metrics, one value a user, computed for all users at once.

A list is a row of item numbers, best first, padded with -1; what is relevant is a sparse (users, items) matrix whose
true cells are the answers. Every list metric lies in [0, 1]. k is the length of the list that is judged.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats

Cells = sparse.csr_array[Any, tuple[int, int]]
Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]

_BLOCK = 1 << 23
"""Cells of a dense (users, items) block that is worked on at once: bounds the temporary memory to some 200 MB."""


def rank(
    scores: NDArray[np.floating[Any]],
    k: int,
    exclude: Cells | None = None,
    candidates: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.floating[Any]]]:
    """The k best items of each user and their scores, both (users, k), best first; ties go to the lower item number.

    `scores` is (users, items). Every stored cell of `exclude` (users, items) is left out, whatever its value, because
    the weight of an old event may have faded to zero; so are items outside the mask `candidates` (items,). Where fewer
    than k items are left the list ends in item -1 with score -inf. A score that is not finite is a ValueError.
    """
    users, items = scores.shape
    ranked = np.full((users, k), -1, np.int64)
    values = np.full((users, k), -np.inf, scores.dtype)
    for rows in _blocks(users, items):
        block = _masked(scores[rows], None if exclude is None else exclude[rows], candidates)
        best = _best(block, min(k, items))
        picked = np.take_along_axis(block, best, axis=1)
        ranked[rows, : best.shape[1]] = np.where(np.isneginf(picked), -1, best)
        values[rows, : best.shape[1]] = picked
    return ranked, values


def list_metrics(ranked: Ints, relevant: Cells, k: int) -> dict[str, Floats]:
    """Metrics of the first k places by name (`recall@k`, ...), each (users,).

    `ranked` is (users, at least 0 places); places past its width count as misses. With r relevant items of a user:

    - recall: hits / r; precision: hits / k; hit: 1 if there is a hit
    - ndcg: sum of 1 / log2(place + 1) over hits, divided by the same sum over the first min(k, r) places
      (Järvelin and Kekäläinen 2002, binary gains)
    - mrr: 1 / place of the first hit
    - map: sum over hits of the precision at their place, divided by min(k, r)

    Raises ValueError when a user has nothing relevant (no metric is defined there: leave such users out), or when a
    list has an item twice or one outside the catalogue.
    """
    relevant = _true_cells(relevant)
    counts = np.diff(relevant.indptr)
    if not counts.all():
        raise ValueError(f"user row {int(np.argmin(counts))} has no relevant item; leave such users out")
    hits = hit_table(ranked, relevant)[:, :k]
    width = hits.shape[1]
    found = hits.sum(axis=1)
    places = np.arange(1, k + 1)
    discounts = 1 / np.log2(places + 1)
    ideal = np.minimum(counts, k)
    precisions = np.cumsum(hits, axis=1) / places[:width]
    return {
        f"recall@{k}": found / counts,
        f"precision@{k}": found / k,
        f"hit@{k}": (found > 0).astype(np.float64),
        f"ndcg@{k}": (hits @ discounts[:width]) / np.cumsum(discounts)[ideal - 1],
        f"mrr@{k}": (hits / places[:width]).max(axis=1, initial=0.0),
        f"map@{k}": (precisions * hits).sum(axis=1) / ideal,
    }


def hit_table(ranked: Ints, relevant: Cells) -> NDArray[np.bool_]:
    """(users, places) true where the list shows a relevant item. Raises ValueError as `list_metrics` does."""
    users, items = relevant.shape
    if ranked.ndim != 2 or len(ranked) != users:
        raise ValueError(f"ranked is {ranked.shape}, relevant is {relevant.shape}: the users differ")
    if ranked.size and not -1 <= ranked.min() <= ranked.max() < items:
        raise ValueError(f"a list has an item outside -1..{items - 1}")
    in_order = np.sort(ranked, axis=1)
    if ((in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0)).any():
        raise ValueError("a list has an item twice")
    relevant = _true_cells(relevant)
    # A cell's number grows along the rows and columns of a sorted matrix, so one binary search finds every hit.
    cells = np.repeat(np.arange(users), np.diff(relevant.indptr)) * items + relevant.indices
    asked = np.arange(users)[:, None] * items + ranked.astype(np.int64)
    near = np.searchsorted(cells, asked)
    found = np.append(cells, -1)[near] == asked
    return np.asarray(found & (ranked >= 0))


def auc(
    scores: NDArray[np.floating[Any]],
    relevant: Cells,
    exclude: Cells | None = None,
    candidates: NDArray[np.bool_] | None = None,
) -> Floats:
    """(users,) area under the ROC curve: the chance that a relevant candidate scores above another one, ties half.

    By the rank sum (Mann and Whitney 1947) over the cells that `rank` would show. NaN for a user whose candidates are
    all relevant or none. Raises ValueError for a score that is not finite.
    """
    users, items = scores.shape
    relevant = _true_cells(relevant)
    areas = np.full(users, np.nan)
    for rows in _blocks(users, items):
        block = _masked(scores[rows], None if exclude is None else exclude[rows], candidates)
        shown = ~np.isneginf(block)
        # Hidden cells are -inf and take the lowest ranks, so they shift the rank of every shown cell alike.
        hidden = items - shown.sum(axis=1)
        positive = relevant[rows].toarray() & shown
        n_positive = positive.sum(axis=1)
        n_negative = items - hidden - n_positive
        ranks = stats.rankdata(block, axis=1) - hidden[:, None]
        above = np.where(positive, ranks, 0).sum(axis=1) - n_positive * (n_positive + 1) / 2
        defined = (n_positive > 0) & (n_negative > 0)
        area = np.full(len(block), np.nan)
        area[defined] = above[defined] / (n_positive * n_negative)[defined]
        areas[rows] = area
    return areas


def coverage(ranked: Ints, n_items: int) -> float:
    """The share of `n_items` (the catalogue, or the candidates) that at least one list shows."""
    return len(np.unique(ranked[ranked >= 0])) / n_items


def novelty(ranked: Ints, popularity: Ints, n_users: int) -> float:
    """Mean self-information of what is shown, in bits: -log2 of the share of users who know the item.

    `popularity` (items,) counts users. One is added to both counts so that a new item is not infinitely novel. Source:
    Zhou et al. 2010, Solving the apparent diversity-accuracy dilemma. NaN when nothing is shown.
    """
    shown = ranked[ranked >= 0]
    if not len(shown):
        return float("nan")
    return float(-np.log2((popularity[shown] + 1) / (n_users + 1)).mean())


def _blocks(users: int, items: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(1, items))
    return (slice(start, min(users, start + step)) for start in range(0, users, step))


def _true_cells(matrix: Cells) -> Cells:
    """The true cells alone, as a canonical bool matrix; the argument is left as it is."""
    cells: Cells = matrix.astype(bool)
    cells.sum_duplicates()
    cells.eliminate_zeros()
    return cells


def _masked(
    block: NDArray[np.floating[Any]], exclude: Cells | None, candidates: NDArray[np.bool_] | None
) -> NDArray[np.floating[Any]]:
    """A copy of the block in which -inf marks what may not be shown."""
    if not np.isfinite(block).all():
        row, item = np.argwhere(~np.isfinite(block))[0]
        raise ValueError(f"score {block[row, item]} of item {item}: scores must be finite")
    block = block.copy()
    if candidates is not None:
        block[:, ~candidates] = -np.inf
    if exclude is not None:
        block[np.repeat(np.arange(len(block)), np.diff(exclude.indptr)), exclude.indices] = -np.inf
    return block


def _best(block: NDArray[np.floating[Any]], k: int) -> NDArray[np.int64]:
    """(users, k) columns of the k largest cells of each row, in order; ties in order of column."""
    columns = np.argpartition(block, -k, axis=1)[:, -k:]
    least = np.take_along_axis(block, columns, axis=1).min(axis=1, keepdims=True)
    # argpartition picks any of the cells that tie at the last place; where it had a choice, take the first columns.
    tied = np.flatnonzero((block >= least).sum(axis=1) > k)
    if len(tied):
        above, level = block[tied] > least[tied], block[tied] == least[tied]
        room = k - above.sum(axis=1, keepdims=True)
        chosen = above | (level & (np.cumsum(level, axis=1) <= room))
        columns[tied] = np.nonzero(chosen)[1].reshape(len(tied), k)
    columns.sort(axis=1)
    order = np.argsort(-np.take_along_axis(block, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)
