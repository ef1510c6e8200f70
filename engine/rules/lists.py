"""Lists: the best items by the ranker, with what the rules hide, add and reorder, and how much each of it counted."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.explain import Explanation
from engine.history import Histories
from engine.ranker import Ranked, Ranker
from engine.rules.book import RULE, InForce, Mask
from graph.rules import AtMost, Pin, Rule, Sponsored

DEEP, DEEPER = 1000, 10
"""Candidates that a list which came out short is made from, and how many times more if it still is."""


class Placed(NamedTuple):
    """An item of a list: its row, its score, and what each part of the ranker and each rule added."""

    item: int
    score: float
    parts: NDArray[np.float32]
    rules: dict[str, float]
    chance: float | None = None
    sponsored: bool = False


def batched(
    ranker: Ranker, histories: Histories, allowed: Mask, n: int, rules: InForce | None = None, explain: bool = True
) -> list[list[Placed]]:
    """The best `n` of the allowed items, (items,), that are not in each history, by the ranker and the rules."""
    found = []
    for batch in ranker.batches(histories):
        some = histories.take(batch)
        open_to = np.broadcast_to(allowed, (len(some), len(allowed))).copy()
        open_to[some.rows, some.items] = False
        force = None
        if rules is not None:
            force = rules.take(batch)
            open_to = force.opened(open_to)
        found += _lists(ranker, some, open_to, n, force, explain)
    return found


def _lists(
    ranker: Ranker, histories: Histories, open_to: Mask, n: int, rules: InForce | None, explain: bool, depth: int = 0
) -> list[list[Placed]]:
    """Lists of the items, (users, items), that are open. One for which the rules passed over so many candidates that it
    is short is made anew from more of them, at last from all.
    """
    lift, arrange, wanted = (None, None, ()) if rules is None else (rules.lift(), rules.arrange, rules.wanted)
    ranked = ranker.rank(histories, open_to, n, explain, lift, arrange, depth, wanted)
    found, at = [], 0
    for user, size in enumerate(ranked.candidates.sizes.tolist()):
        one = [_placed(ranked, row, rules, user) for row in range(at, at + size)]
        possible = int(np.count_nonzero(open_to[user]))
        if rules is not None and size < min(n, possible) and depth < possible:
            alone, deeper = np.array([user]), min(possible, max(DEEP, depth * DEEPER))
            one = _lists(ranker, histories.take(alone), open_to[alone], n, rules.take(alone), explain, deeper)[0]
        found.append(one)
        at += size
    return found


def _placed(ranked: Ranked, row: int, rules: InForce | None, user: int) -> Placed:
    item = int(ranked.candidates.item[row])
    chance = None if ranked.chances is None else float(ranked.chances[row])
    added = {} if rules is None else rules.added(user, item, float(ranked.spread[user]))
    paid = rules is not None and rules.sponsored(user, item)
    return Placed(item, float(ranked.scores[row]), ranked.parts[row], added, chance, paid)


def explained(found: Explanation, ranker: Ranker, past: Histories, item: int, rules: InForce | None) -> Explanation:
    """The same explanation with what the rules add to the score for the one user of `past`, and what they do."""
    if rules is None:
        return found
    words = [f"hidden by {name!r}" for name, hidden in rules.hidden().items() if hidden[0, item]]
    open_to = np.ones((1, len(ranker.known)), bool)
    open_to[0, past.items] = False
    longest = max([1, *(_longest(rule) for rule in rules.rules)])
    ranked = ranker.rank(past, rules.opened(open_to), longest, False, rules.lift(), rules.arrange, wanted=rules.wanted)
    added = rules.added(0, item, float(ranked.spread[0]))
    put = rules.placed.get((0, item))
    for name, value in added.items():
        what = "boosted" if value > 0 else "buried" if value < 0 else "moved down"
        if put is not None and name == f"{RULE}{put.name}":
            place = ranked.candidates.item.tolist().index(item) + 1
            what = f"{'sponsored' if isinstance(put, Sponsored) else 'pinned'} at place {place}"
        words.append(f"{what} by {name.removeprefix(RULE)!r}")
    score = found.score + sum(added.values())
    return replace(found, score=score, contributions=found.contributions | added, rules=words)


def _longest(rule: Rule) -> int:
    """How long a list must be for a rule to have its say."""
    if isinstance(rule, Pin | Sponsored):
        return max(rule.places)
    return rule.top if isinstance(rule, AtMost) else 1
