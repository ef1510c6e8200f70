"""Diversity at work: the best candidates of each user put in an order by their scores and by one another."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from engine.candidates.base import Features, dense
from engine.candidates.content import kernel
from engine.config import Diversity
from engine.diversity import kinds
from engine.diversity.calibrated import Calibrated
from engine.diversity.dpp import Dpp
from engine.diversity.greedy import Criterion, Spacing, greedy
from engine.diversity.mmr import Mmr
from engine.history import Histories, Matrix
from engine.ranker import placed
from engine.rerank import Candidates

DIVERSITY = "diversity"
"""Its name among the contributions of an item."""


@dataclass(frozen=True)
class Varied:
    """The settings over some users, who are numbered as their histories are.

    A weight is in standard deviations of the user's scores over the catalogue, as that of a rule is (engine/rules).
    """

    settings: Diversity
    features: Features
    kinds: Matrix | None
    """(items, kinds) shares, for calibrated lists."""
    histories: Histories
    found: dict[tuple[int, int], float] = field(default_factory=dict)
    """By user and item, what diversity added to its score, in deviations."""

    def take(self, users: NDArray[np.int64]) -> "Varied":
        """The same for some of the users."""
        return replace(self, histories=self.histories.take(users), found={})

    def arrange(
        self,
        best: Candidates,
        scores: NDArray[np.float32],
        spread: NDArray[np.float32],
        n: int,
        spacing: Callable[[int], Spacing | None] = lambda _: None,
    ) -> tuple[NDArray[np.int64], Candidates]:
        """As `ranker.top`, by scores and diversity; `spacing` says of a user what may stand beside what."""

        def choose(user: int, rows: NDArray[np.int64]) -> list[int]:
            items = best.item[rows]
            criterion = self._criterion(user, items[: self.settings.shortlist])
            places = greedy(scores[rows] / np.float64(spread[user]), items, criterion, n, spacing(user))
            self.found.update({(user, int(items[place.row])): place.added for place in places})
            return [place.row for place in places]

        return placed(best, scores, choose)

    def _criterion(self, user: int, items: NDArray[np.int64]) -> Criterion:
        weight = self.settings.weight
        if self.kinds is not None:
            wanted = kinds.wanted(self.kinds, self.histories.take(np.array([user])))[0]
            return Calibrated(dense(self.kinds[items]), wanted, weight)
        alike = likeness(self.features.take(items))
        return Mmr(alike, weight) if self.settings.by == "mmr" else Dpp(alike, weight)

    def added(self, user: int, item: int, spread: float) -> dict[str, float]:
        """By name what diversity added to the score of an item."""
        return {DIVERSITY: self.found[user, item] * spread}


def likeness(features: Features) -> NDArray[np.float32]:
    """(items, items) the mean cosine of facts, words, text and picture, scaled so that each item is 1 to itself.

    `Engine.similar` has the same mean unscaled. An item of which nothing is known is like no other one.
    """
    alike = kernel(features, features, (0.25, 0.25, 0.25, 0.25))
    size = np.sqrt(np.maximum(np.diag(alike), 1e-12))
    alike /= size[:, None] * size
    np.fill_diagonal(alike, 1)
    return alike
