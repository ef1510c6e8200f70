"""What rank an item has for a user, and what it would have had the user not chosen something."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine import history
from engine.history import Histories
from engine.ranker import Ranker

MOST = 1000
"""Ranks that are told; beyond, only that it is beyond."""


def ranks(
    ranker: Ranker,
    past: Histories,
    item: int,
    open_to: NDArray[np.bool_],
    lift: NDArray[np.float32] | None,
    without: Sequence[int],
) -> list[int | None]:
    """The rank of an item for the one user of `past`, from 1, then its rank without each of these items of the history.

    It is that among the open items, (items,), by scores and `lift`, (1, items), before rules and diversity put items in
    another place; None beyond the first thousand. What is taken out of a history is not recommended in its stead. Costs
    a list of a thousand for each.
    """
    cases = history.stacked([past, *(past.select(past.items != one) for one in without)])
    allowed = np.repeat(open_to[None], len(cases), axis=0)
    allowed[:, item] = True
    lifts = None if lift is None else np.repeat(lift, len(cases), axis=0)
    found: list[int | None] = []
    for batch in ranker.batches(cases):
        some = None if lifts is None else lifts[batch]
        ranked = ranker.rank(cases.take(batch), allowed[batch], MOST, False, some).candidates
        starts = np.cumsum(ranked.sizes) - ranked.sizes
        for start, size in zip(starts.tolist(), ranked.sizes.tolist(), strict=True):
            at = np.flatnonzero(ranked.item[start : start + size] == item)
            found.append(int(at[0]) + 1 if len(at) else None)
    return found
