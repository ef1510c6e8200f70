"""Lists: the best by the ranker, and what rules, feedback and diversity hide, add and reorder, each with its share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import counterfactual
from engine.config import Exploration
from engine.diversity import draws
from engine.diversity.varied import Varied
from engine.explain import Explanation
from engine.history import Histories
from engine.ranker import Arrange, Ranked, Ranker
from engine.rules.book import RULE, InForce, Mask
from engine.rules.feedback import Heeded
from graph.rules import AtMost, Pin, Rule, Sponsored

DEEP, DEEPER = 1000, 10
"""Candidates that a list which came out short is made from, and how many times more if it still is."""


class Placed(NamedTuple):
    """An item of a list: its row, its score, and what each part of the ranker, each rule, and all else added."""

    item: int
    score: float
    parts: NDArray[np.float32]
    rules: dict[str, float]
    chance: float | None = None
    """That the user chooses it."""
    propensity: float | None = None
    """The chance that it had of its place, where places are drawn."""
    sponsored: bool = False
    """Whether somebody pays for its place."""


def batched(
    ranker: Ranker,
    histories: Histories,
    allowed: Mask,
    n: int,
    rules: InForce | None = None,
    explain: bool = True,
    varied: Varied | None = None,
    heeded: Heeded | None = None,
) -> list[list[Placed]]:
    """The best `n` of the allowed items, (items,), that are not in each history, by the ranker and the rules.

    With `heeded` as the users' feedback has them. With `varied` they are the best by diversity too, and drawn in part,
    as far as the rules let them stand.
    """
    found = []
    for batch in ranker.batches(histories):
        some = histories.take(batch)
        open_to = np.broadcast_to(allowed, (len(some), len(allowed))).copy()
        open_to[some.rows, some.items] = False
        order = Order(rules, varied, heeded).take(batch)
        found += _lists(ranker, some, order.opened(open_to), n, order, explain)
    return found


@dataclass(frozen=True)
class Order:
    """What has a say in the lists of some users beside the ranker."""

    rules: InForce | None
    varied: Varied | None = None
    heeded: Heeded | None = None

    def take(self, users: NDArray[np.int64]) -> "Order":
        """The same for some of the users."""
        rules, varied, heeded = self.rules, self.varied, self.heeded
        return Order(rules and rules.take(users), varied and varied.take(users), heeded and heeded.take(users))

    def opened(self, allowed: Mask) -> Mask:
        """(users, items) what is left of `allowed`."""
        for each in (self.rules, self.heeded):
            allowed = allowed if each is None else each.opened(allowed)
        return allowed

    def lift(self) -> NDArray[np.float32] | None:
        """(users, items) what is added to scores before the best are chosen, in deviations; None if nothing is."""
        lifts = [each.lift() for each in (self.rules, self.heeded) if each is not None]
        there = [lift for lift in lifts if lift is not None]
        return np.sum(there, axis=0) if there else None

    def added(self, user: int, item: int, spread: float) -> dict[str, float]:
        """By name what was added to the score of an item for one of the users, but for diversity."""
        told = [each.added(user, item, spread) for each in (self.rules, self.heeded) if each is not None]
        return {name: value for one in told for name, value in one.items()}

    def arrange(self) -> Arrange | None:
        """The order of candidates; None if it is that of their scores."""
        if self.varied is None:
            return None if self.rules is None else self.rules.arrange
        if self.rules is None:
            return self.varied.arrange
        inner = partial(self.varied.arrange, spacing=self.rules.spacing)
        return partial(self.rules.around, inner) if self.rules.slots else inner


def _lists(
    ranker: Ranker, histories: Histories, open_to: Mask, n: int, order: Order, explain: bool, depth: int = 0
) -> list[list[Placed]]:
    """Lists of the items, (users, items), that are open. One for which the rules passed over so many candidates that it
    is short is made anew from more of them, at last from all.
    """
    looked = depth if order.varied is None else max(depth, order.varied.depth)
    kept: Sequence[tuple[Mask, int]] = () if order.rules is None else order.rules.wanted
    ranked = ranker.rank(histories, open_to, n, explain, order.lift(), order.arrange(), looked, kept)
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
    added, score, propensity = order.added(user, item, spread), float(ranked.scores[row]), None
    if order.varied is not None:
        told, propensity = order.varied.added(user, item, spread), order.varied.propensity(user, item)
        added, score = added | told, score + sum(told.values())
    paid = order.rules is not None and order.rules.sponsored(user, item)
    return Placed(item, score, ranked.parts[row], added, chance, propensity, paid)


def propensity(
    ranker: Ranker,
    past: Histories,
    open_to: Mask,
    shown: Sequence[int],
    item: int,
    order: Order,
    settings: Exploration,
) -> float:
    """The chance of an item to be drawn below those shown, for the one user of `past`; `open_to` is (1, items)."""
    best = ranker.rank(past, open_to, settings.shortlist, False, order.lift())
    items, spacing = best.candidates.item, None if order.rules is None else order.rules.spacing(0)
    if spacing is not None:
        for above in shown:
            spacing.take(above)
    logs = draws.log_weights(best.scores / np.float64(best.spread[0]), settings)
    may = ~np.isin(items, list(shown))
    if spacing is not None:
        may &= np.array([not spacing.against(each) for each in items.tolist()], bool)
    rows = np.flatnonzero(may)
    if item not in items[rows]:
        return 0.0
    return float(draws.among(logs, rows)[items[rows] == item][0])


def explained(found: Explanation, ranker: Ranker, past: Histories, item: int, order: Order) -> Explanation:
    """The same explanation with what rules and feedback add to the score for the one user of `past`, and do."""
    rules, words, longest = order.rules, list[str](), 1
    open_to = np.ones((1, len(ranker.known)), bool)
    open_to[0, past.items] = False
    kept: Sequence[tuple[Mask, int]] = ()
    if rules is not None:
        words = [f"hidden by {name!r}" for name, hidden in rules.hidden().items() if hidden[0, item]]
        longest, kept = max([1, *(_longest(rule) for rule in rules.rules)]), rules.wanted
    if order.heeded is not None and not order.heeded.opened(open_to)[0, item]:
        words.append("hidden by the user")
    ranked = ranker.rank(past, order.opened(open_to), longest, False, order.lift(), order.arrange(), wanted=kept)
    added = order.added(0, item, float(ranked.spread[0]))
    put = None if rules is None else rules.placed.get((0, item))
    for name, value in added.items():
        if name.startswith(RULE):
            what = "boosted" if value > 0 else "buried" if value < 0 else "moved down"
            if put is not None and name == f"{RULE}{put.name}":
                place = ranked.candidates.item.tolist().index(item) + 1
                what = f"{'sponsored' if isinstance(put, Sponsored) else 'pinned'} at place {place}"
            words.append(f"{what} by {name.removeprefix(RULE)!r}")
    score = found.score + sum(added.values())
    return replace(found, score=score, contributions=found.contributions | added, rules=words)


def ranked_among(
    found: Explanation, ranker: Ranker, past: Histories, item: int, allowed: Mask, owed: Sequence[int], order: Order
) -> Explanation:
    """The same explanation with the item's rank, and what that would be without each of the items that it is owed to.

    `allowed` (items,) is what lists are made of, `owed` the rows of the explanation's neighbours.
    """
    open_to = allowed[None].copy()
    open_to[0, past.items] = False
    rank, *without = counterfactual.ranks(ranker, past, item, order.opened(open_to)[0], order.lift(), owed)
    ids = [neighbour for neighbour, _ in found.neighbours]
    return replace(found, rank=rank, without=list(zip(ids, without, strict=True)))


def _longest(rule: Rule) -> int:
    """How long a list must be for a rule to have its say."""
    if isinstance(rule, Pin | Sponsored):
        return max(rule.places)
    return rule.top if isinstance(rule, AtMost) else 1
