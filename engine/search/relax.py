"""No result: which conditions have to go until a query finds something again.

Conditions are dropped one at a time, and each is put back if the others suffice, so none goes in vain. First goes what
costs least. A number is a wish by degree (510 instead of 500 is nearly what was asked); another value of an attribute
is the same kind of thing in another colour; another maker is another thing of its kind; and outside its category it is
something else. Among conditions of one kind that goes first without which the query fits the best item best.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import where
from engine.config import Data

Mask = NDArray[np.bool_]


def to_drop(
    items: pl.DataFrame, scores: NDArray[np.float64], conditions: Mapping[str, Any] | None, data: Data
) -> list[str]:
    """Columns whose conditions have to go, in the order in which they go, for some item to score above zero.

    `scores`, (items,), are of the query, 0 where it does not fit or may not be shown. Empty where nothing has to go,
    and where nothing helps. Raises DataError as `where.mask` does.
    """
    masks = {name: where.mask(items, {name: wanted}) for name, wanted in (conditions or {}).items()}
    return dropped(scores, masks, {name: _cost(name, items, data) for name in masks})


def dropped(scores: NDArray[np.float64], masks: Mapping[str, Mask], costs: Mapping[str, int]) -> list[str]:
    """Names of the conditions that have to go; `masks`, (items,) each, are who passes them."""
    if not (scores > 0).any() or _best(scores, list(masks.values())) > 0:
        return []
    left, gone = dict(masks), []
    while _best(scores, list(left.values())) <= 0:
        name = _cheapest(scores, left, costs)
        del left[name]
        gone.append(name)
    for name in reversed(gone[:-1]):  # the dearest first
        if _best(scores, [*left.values(), masks[name]]) > 0:
            left[name] = masks[name]
            gone.remove(name)
    return gone


def _cheapest(scores: NDArray[np.float64], left: Mapping[str, Mask], costs: Mapping[str, int]) -> str:
    """What goes next: what suffices alone before what does not, then by cost, then by the best item."""

    def price(name: str) -> tuple[bool, int, float, str]:
        best = _best(scores, [mask for other, mask in left.items() if other != name])
        return best <= 0, costs[name], -best, name

    return min(left, key=price)


def _cost(column: str, items: pl.DataFrame, data: Data) -> int:
    if items.schema[column].is_numeric():
        return 0
    return {data.brand: 2, data.category: 3}.get(column, 1)


def _best(scores: NDArray[np.float64], masks: Sequence[Mask]) -> float:
    """The best score of the items that pass all masks."""
    return float(scores[np.logical_and.reduce([scores > 0, *masks])].max(initial=0))
