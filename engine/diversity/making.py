"""A list place by place: the best of what is left, by its score and by what it adds to those above it, or a draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.diversity.draws import Draws

Floats = NDArray[np.float64]


class Criterion(Protocol):
    """What the items of one shortlist are worth beside those above them."""

    @property
    def size(self) -> int:
        """Rows of the shortlist."""
        ...

    def added(self) -> Floats:
        """(shortlist,) what the next place would add to the score of each, in deviations of the user's scores."""
        ...

    def take(self, row: int) -> None:
        """A row of the shortlist stands at the next place."""
        ...


class Spacing(Protocol):
    """What may stand beside what, whatever it is worth."""

    def may(self, item: int) -> bool:
        """May the item stand at the next place? One that may not is noted."""
        ...

    def against(self, item: int) -> Sequence[str]:
        """What forbids it there; nothing is noted."""
        ...

    def take(self, item: int) -> None:
        """The item stands there."""
        ...


class Place(NamedTuple):
    """A row of a list, what the criterion added to its score, and the chance that it had of the place."""

    row: int
    added: float = 0.0
    propensity: float = 1.0


@dataclass
class Making:
    """The list of one user while it is made, from scores (rows,), best first, and their items, (rows,).

    The criterion knows the first rows only, the shortlist; what comes after them follows in the order of its scores.
    """

    scores: Floats
    items: NDArray[np.int64]
    criterion: Criterion | None = None
    spacing: Spacing | None = None

    def __post_init__(self) -> None:
        self.left = np.ones(len(self.scores), bool)

    def greedy(self, n: int, draws: Draws | None = None) -> list[Place]:
        """At most `n` places, the last of them by chance if there are `draws`. It ends where nothing may stand."""
        found: list[Place] = []
        fixed = n if draws is None else n - draws.places
        while len(found) < min(n, len(self.scores)):
            place = None
            if draws is not None and len(found) >= fixed:
                place = self._drawn(draws)
            place = place or self._best()
            if place is None:
                break
            self._take(place.row)
            found.append(place)
        return found

    def _drawn(self, draws: Draws) -> Place | None:
        """A row by chance, of those that may be drawn and may stand."""
        rows = np.flatnonzero(self.left[: len(draws.logs)])
        if self.spacing is not None:
            rows = np.array([row for row in rows if not self.spacing.against(int(self.items[row]))], np.int64)
        if not len(rows):
            return None
        row, propensity = draws.draw(rows)
        return Place(row, propensity=propensity)

    def _best(self) -> Place | None:
        """The row of the shortlist with the highest value that is left and may stand, or else the first one behind."""
        added = np.zeros(0) if self.criterion is None else self.criterion.added()
        values, spacing = self.scores[: len(added)] + added, self.spacing
        rows = chain(np.argsort(-values, kind="stable").tolist(), range(len(added), len(self.left)))
        for row in rows:
            if self.left[row] and (spacing is None or spacing.may(int(self.items[row]))):
                return Place(row, float(added[row]) if row < len(added) else 0.0)
        return None

    def _take(self, row: int) -> None:
        self.left[row] = False
        if self.criterion is not None and row < self.criterion.size:
            self.criterion.take(row)
        if self.spacing is not None:
            self.spacing.take(int(self.items[row]))
