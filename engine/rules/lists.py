"""Lists: the best by the ranker, with what rules and diversity hide, add and reorder, and how much each counted."""

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.diversity.varied import Varied
from engine.explain import Explanation
from engine.history import Histories
from engine.ranker import Arrange, Ranked, Ranker
from engine.rules.book import RULE, InForce, Mask
from graph.rules import AtMost

DEEP, DEEPER = 1000, 10
"""Candidates that a list which came out short is made from, and how many times more if it still is."""


class Placed(NamedTuple):
    """An item of a list: its row, its score, and what each part of the ranker, each rule and diversity added."""

    item: int
    score: float
    parts: NDArray[np.float32]
    rules: dict[str, float]
    chance: float | None = None


def batched(
    ranker: Ranker,
    histories: Histories,
    allowed: Mask,
    n: int,
    rules: InForce | None = None,
    explain: bool = True,
    varied: Varied | None = None,
) -> list[list[Placed]]:
    """The best `n` of the allowed items, (items,), that are not in each history, by the ranker and the rules.

    With `varied` they are the best by diversity too, as far as the rules let them stand.
    """
    found = []
    for batch in ranker.batches(histories):
        some = histories.take(batch)
        open_to = np.broadcast_to(allowed, (len(some), len(allowed))).copy()
        open_to[some.rows, some.items] = False
        force = None
        if rules is not None:
            force = rules.take(batch)
            open_to = force.opened(open_to)
        found += _lists(ranker, some, open_to, n, Order(force, varied and varied.take(batch)), explain)
    return found


@dataclass(frozen=True)
class Order:
    """What has a say in the lists of some users beside the ranker."""

    rules: InForce | None
    varied: Varied | None

    def take(self, users: NDArray[np.int64]) -> "Order":
        """The same for some of the users."""
        return Order(self.rules and self.rules.take(users), self.varied and self.varied.take(users))

    def arrange(self) -> Arrange | None:
        """The order of candidates; None if it is that of their scores."""
        if self.varied is None:
            return None if self.rules is None else self.rules.arrange
        return self.varied.arrange if self.rules is None else partial(self.varied.arrange, spacing=self.rules.spacing)


def _lists(
    ranker: Ranker, histories: Histories, open_to: Mask, n: int, order: Order, explain: bool, depth: int = 0
) -> list[list[Placed]]:
    """Lists of the items, (users, items), that are open. One for which the rules passed over so many candidates that it
    is short is made anew from more of them, at last from all.
    """
    lift = None if order.rules is None else order.rules.lift()
    looked = depth if order.varied is None else max(depth, order.varied.settings.shortlist)
    ranked = ranker.rank(histories, open_to, n, explain, lift, order.arrange(), looked)
    found, at = [], 0
    for user, size in enumerate(ranked.candidates.sizes.tolist()):
        one = [_placed(ranked, row, order, user) for row in range(at, at + size)]
        possible = int(np.count_nonzero(open_to[user]))
        if order.rules is not None and size < min(n, possible) and depth < possible:
            alone, deeper = np.array([user]), min(possible, max(DEEP, depth * DEEPER))
            one = _lists(ranker, histories.take(alone), open_to[alone], n, order.take(alone), explain, deeper)[0]
        found.append(one)
        at += size
    return found


def _placed(ranked: Ranked, row: int, order: Order, user: int) -> Placed:
    item, spread = int(ranked.candidates.item[row]), float(ranked.spread[user])
    chance = None if ranked.chances is None else float(ranked.chances[row])
    added = {} if order.rules is None else order.rules.added(user, item, spread)
    score = float(ranked.scores[row])
    if order.varied is not None:
        told = order.varied.added(user, item, spread)
        added, score = added | told, score + sum(told.values())
    return Placed(item, score, ranked.parts[row], added, chance)


def explained(found: Explanation, ranker: Ranker, past: Histories, item: int, rules: InForce | None) -> Explanation:
    """The same explanation with what the rules add to the score for the one user of `past`, and what they do."""
    if rules is None:
        return found
    words = [f"hidden by {name!r}" for name, hidden in rules.hidden().items() if hidden[0, item]]
    open_to = np.ones((1, len(ranker.known)), bool)
    open_to[0, past.items] = False
    longest = max((rule.top for rule in rules.rules if isinstance(rule, AtMost)), default=1)
    ranked = ranker.rank(past, rules.opened(open_to), longest, False, rules.lift(), rules.arrange)
    added = rules.added(0, item, float(ranked.spread[0]))
    for name, value in added.items():
        what = "boosted" if value > 0 else "buried" if value < 0 else "moved down"
        words.append(f"{what} by {name.removeprefix(RULE)!r}")
    score = found.score + sum(added.values())
    return replace(found, score=score, contributions=found.contributions | added, rules=words)
