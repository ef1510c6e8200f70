"""Diversity and exploration at work: candidates in an order by their scores, by one another, and by chance."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from engine.candidates.base import Features, dense
from engine.candidates.content import kernel
from engine.config import Diversity, Exploration
from engine.diversity import draws, kinds
from engine.diversity.calibrated import Calibrated
from engine.diversity.dpp import Dpp
from engine.diversity.making import Criterion, Making, Place, Spacing
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

    diversity: Diversity
    exploration: Exploration
    features: Features
    kinds: Matrix | None
    """(items, kinds) shares, for calibrated lists."""
    histories: Histories
    entropy: int
    """What all draws start from."""
    numbers: NDArray[np.int64]
    """(users,) the number of each in what was asked, so that a list that is made anew is drawn the same."""
    found: dict[tuple[int, int], Place] = field(default_factory=dict)
    """By user and item, how it came to its place."""

    @property
    def depth(self) -> int:
        """Candidates of a user that are looked at."""
        diversity, exploration = self.diversity, self.exploration
        return max(bool(diversity.weight) * diversity.shortlist, bool(exploration.places) * exploration.shortlist)

    def take(self, users: NDArray[np.int64]) -> "Varied":
        """The same for some of the users."""
        return replace(self, histories=self.histories.take(users), numbers=self.numbers[users], found={})

    def arrange(
        self,
        best: Candidates,
        scores: NDArray[np.float32],
        spread: NDArray[np.float32],
        n: int,
        spacing: Callable[[int], Spacing | None] = lambda _: None,
    ) -> tuple[NDArray[np.int64], Candidates]:
        """As `ranker.top`, by scores, diversity and chance; `spacing` says of a user what may stand beside what."""

        def choose(user: int, rows: NDArray[np.int64]) -> list[int]:
            items, values = best.item[rows], scores[rows] / np.float64(spread[user])
            making = Making(values, items, self._criterion(user, items), spacing(user))
            places = making.greedy(n, self._draws(user, values))
            self.found.update({(user, int(items[place.row])): place for place in places})
            return [place.row for place in places]

        return placed(best, scores, choose)

    def _criterion(self, user: int, items: NDArray[np.int64]) -> Criterion | None:
        weight, items = self.diversity.weight, items[: self.diversity.shortlist]
        if not weight:
            return None
        if self.kinds is not None:
            wanted = kinds.wanted(self.kinds, self.histories.take(np.array([user])))[0]
            return Calibrated(dense(self.kinds[items]), wanted, weight)
        alike = likeness(self.features.take(items))
        return Mmr(alike, weight) if self.diversity.by == "mmr" else Dpp(alike, weight)

    def _draws(self, user: int, scores: NDArray[np.float64]) -> draws.Draws | None:
        if not self.exploration.places:
            return None
        rng = np.random.default_rng([self.entropy, int(self.numbers[user])])
        return draws.Draws(self.exploration.places, draws.log_weights(scores, self.exploration), rng)

    def added(self, user: int, item: int, spread: float) -> dict[str, float]:
        """By name what diversity added to the score of an item; nothing to one that a rule put there."""
        place = self.found.get((user, item))
        return {DIVERSITY: place.added * spread} if self.diversity.weight and place is not None else {}

    def propensity(self, user: int, item: int) -> float | None:
        """The chance that an item had of its place, given those above it; None if no place was to be drawn.

        It is 1 for an item that a rule put there.
        """
        place = self.found.get((user, item))
        return None if not self.exploration.places else 1.0 if place is None else place.propensity


def likeness(features: Features) -> NDArray[np.float32]:
    """(items, items) the mean cosine of facts, words, text, picture and so on, scaled so that each item is 1 to itself.

    `Engine.similar` has the same mean unscaled. An item of which nothing is known is like no other one.
    """
    alike = kernel(features, features, dict.fromkeys(features.parts, 1 / len(features.parts)))
    size = np.sqrt(np.maximum(np.diag(alike), 1e-12))
    alike /= size[:, None] * size
    np.fill_diagonal(alike, 1)
    return alike
