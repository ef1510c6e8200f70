"""A list place by place: at each the best of what is left, by its score and by what it adds to those above it."""

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Criterion(Protocol):
    """What the items of one shortlist are worth beside those above them."""

    def added(self) -> Floats:
        """(shortlist,) what the next place would add to the score of each, in deviations of the user's scores."""
        ...

    def take(self, row: int) -> None:
        """A row of the shortlist stands at the next place."""
        ...


class Spacing(Protocol):
    """What may stand beside what, whatever it is worth."""

    def may(self, item: int) -> bool:
        """May the item stand at the next place?"""
        ...

    def take(self, item: int) -> None:
        """The item stands there."""
        ...


class Place(NamedTuple):
    """A row of a list, and what the criterion added to its score."""

    row: int
    added: float


def greedy(
    scores: Floats, items: NDArray[np.int64], criterion: Criterion, n: int, spacing: Spacing | None = None
) -> list[Place]:
    """At most `n` of the rows, from scores (rows,), best first, and their items, (rows,).

    The criterion knows the first rows only, the shortlist; what comes after them follows in the order of its scores. A
    list ends early where nothing may stand at the next place.
    """
    left = np.ones(len(scores), bool)
    found: list[Place] = []
    while len(found) < min(n, len(scores)):
        added = criterion.added()
        row = _next(scores[: len(added)] + added, left, items, spacing)
        if row is None:
            break
        left[row] = False
        inside = row < len(added)
        found.append(Place(row, float(added[row]) if inside else 0.0))
        if inside:
            criterion.take(row)
        if spacing is not None:
            spacing.take(int(items[row]))
    return found


def _next(values: Floats, left: NDArray[np.bool_], items: NDArray[np.int64], spacing: Spacing | None) -> int | None:
    """The row of the shortlist with the highest value that is left and may stand, or else the first one behind it."""
    behind = len(values)
    rows: Iterable[int] = chain(np.argsort(-values, kind="stable").tolist(), range(behind, len(left)))
    return next((row for row in rows if left[row] and (spacing is None or spacing.may(int(items[row])))), None)
