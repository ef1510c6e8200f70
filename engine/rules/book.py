"""Rules at work: what they hide, what they add to a score, and how they reorder a list.

    filters    exclude, require, age_limit, sensitive
                                   hide items before the ranking, so that a list is as long as ever
    priors     boost, bury         add to a score, each under its own name, so that contributions still sum to it
    order      pin, sponsored, at_most
                                   keep places for some items, or let the next best take one, after the ranking

A weight is in standard deviations of the user's scores over the catalogue (`Ranker.rank`), so it means the same for
everybody and in every engine: on the generated shop three places of a list of ten are about half a deviation.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import where
from engine.errors import DataError
from engine.history import Histories
from engine.ranker import Arrange, placed, top
from engine.rerank import Candidates
from engine.rules.slots import SPARE, Slots
from engine.rules.spacing import Spacing
from engine.rules.whom import Whom, whom
from engine.tables.catalogue import Catalogue
from graph.build import GraphTables
from graph.errors import GraphError
from graph.rules import (
    AgeLimit,
    AtMost,
    Boost,
    Bury,
    Exclude,
    Fixed,
    Pin,
    Reached,
    Require,
    Rule,
    Rules,
    Sensitive,
    Sponsored,
)
from graph.walks import Reach, Walks

RULE = "rule: "
"""What the name of a rule follows among the contributions of an item."""

Mask = NDArray[np.bool_]


def now() -> datetime:
    """The time by which `from` and `until` go."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Book:
    """Rules over one catalogue and its graph: whom and which items each of them means."""

    rules: Rules
    tables: Catalogue
    graph: GraphTables
    walks: Walks
    targets: Mapping[str, Mask]
    """By name of the rule, (items,) that its `items` and `node` mean; a walk narrows them for each user."""
    whom: Mapping[str, Whom]
    """By name of the rule, whom it is for."""
    shared: Mapping[str, Reach]
    """By name of an at_most rule, (items, nodes) what they may not share."""

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {user: row for row, user in enumerate(self.tables.users["user_id"])}

    @cached_property
    def segments(self) -> dict[str, Mask]:
        """By name of the rule, (users + 1,) whom it is for; the last stands for whoever is not in the table.

        A rule that names ids is for such a one if it names one that is not there.
        """
        ids = self.tables.users["user_id"].to_list()
        rows = np.arange(len(ids))
        return {name: np.append(one.has(ids, rows), self._strangers(one)) for name, one in self.whom.items()}

    def _strangers(self, whom: Whom) -> bool:
        named = whom.wanted.ids
        some = [None] if named is None else [user for user in named if user not in self._rows]
        return bool(whom.has(some, np.full(len(some), len(self._rows))).any())

    def rows(self, users: Sequence[str | None]) -> NDArray[np.int64]:
        """Rows of users in the table of them; one beyond the last for whoever is not in it."""
        return np.array([self._rows.get(user, len(self._rows)) if user else len(self._rows) for user in users], int)

    def fits(self, rules: Rules, tables: Catalogue, graph: GraphTables) -> bool:
        """Was it made from these very rules, items, users and graph? Events may have come since."""
        same = self.tables.items is tables.items and self.tables.users is tables.users
        return same and self.rules is rules and self.graph is graph

    def only(self, rule: Rule) -> "Book":
        """The same for one of its rules, which may be enabled or dated otherwise."""
        return replace(self, rules=Rules(rule=(rule,)))

    def in_force(
        self,
        users: Sequence[str | None],
        histories: Histories,
        moment: datetime | None = None,
        topics: Collection[str] = (),
    ) -> "InForce | None":
        """The rules of a time for some users with their histories, who ask for sensitive topics; None for no rule."""
        rules = [
            rule
            for rule in self.rules.at(moment or now()).rule
            if not (isinstance(rule, Sensitive) and rule.topic in topics)
        ]
        if not rules:
            return None
        rows = self.rows(users)
        member = {rule.name: self.whom[rule.name].has(users, rows) for rule in rules}
        return InForce(self, tuple(rule for rule in rules if member[rule.name].any()), member, histories)


def bind(rules: Rules, tables: Catalogue, graph: GraphTables) -> Book:
    """Rules over a catalogue. Raises DataError, naming the rule, for a column or relation that is not there."""
    walks = Walks(graph, tables.items["item_id"].to_list())
    targets, people, shared = {}, {}, {}
    for rule in rules.rule:
        try:
            people[rule.name] = whom(rule, tables.users)
            if isinstance(rule, AtMost):
                shared[rule.name] = walks.sharing(rule.relation)
            else:
                targets[rule.name] = _target(rule, tables.items, walks)
        except (DataError, GraphError) as error:
            raise DataError(f"rule {rule.name!r}: {error}") from None
    return Book(rules, tables, graph, walks, targets, people, shared)


def _target(rule: Fixed, items: pl.DataFrame, walks: Walks) -> Mask:
    target = where.mask(items, rule.items)
    if rule.node is not None:
        target = target & walks.having(rule.node)
    for step in (isinstance(rule, Reached) and rule.walk) or ():
        walks.step(step)  # a relation that is not there is told now, and a list does not wait for its matrix
    return target


@dataclass
class InForce:
    """The rules that hold for some users, who are numbered as their histories are."""

    book: Book
    rules: tuple[Rule, ...]
    member: Mapping[str, Mask]
    """By name of the rule, (users,) whom it is for."""
    histories: Histories
    moved: dict[int, dict[int, list[str]]] = field(default_factory=dict)
    """By user, then item, the rules that let another item take its place."""
    placed: dict[tuple[int, int], Pin | Sponsored] = field(default_factory=dict)
    """By user and item, the rule that put it where it stands."""

    def take(self, users: NDArray[np.int64]) -> "InForce":
        """The same for some of the users."""
        member = {name: mask[users] for name, mask in self.member.items()}
        return InForce(self.book, self.rules, member, self.histories.take(users))

    def _of(self, *kinds: type) -> list[Rule]:
        return [rule for rule in self.rules if isinstance(rule, kinds)]

    def meant(self, rule: Rule) -> Mask:
        """(users, items) the items that a rule means, for the users whom it is for."""
        assert isinstance(rule, Fixed)
        target = self.member[rule.name][:, None] & self.book.targets[rule.name]
        if isinstance(rule, Reached) and rule.walk is not None:
            target &= self._reached(rule)
        return np.asarray(target, bool)

    def _reached(self, rule: Reached) -> Mask:
        past = self.histories
        if rule.min_value is not None:
            past = past.select(past.values >= rule.min_value)
        return np.asarray(self.book.walks.reach(past.seen(), rule.walk or ()).toarray(), bool)

    def opened(self, allowed: Mask) -> Mask:
        """(users, items) what is left of `allowed` when all that the rules hide is hidden."""
        for hidden in self.hidden().values():
            allowed = allowed & ~hidden
        return allowed

    def hidden(self) -> dict[str, Mask]:
        """By name of the rule, (users, items) what it hides."""
        masks = {rule.name: self.meant(rule) for rule in self._of(Exclude, AgeLimit, Sensitive)}
        for rule in self._of(Require):
            masks[rule.name] = self.member[rule.name][:, None] & ~self.book.targets[rule.name]
        return masks

    @cached_property
    def weights(self) -> list[tuple[str, float, Mask]]:
        """Name, weight and (users, items) of each prior."""
        return [
            (rule.name, rule.weight if isinstance(rule, Boost) else -rule.weight, self.meant(rule))
            for rule in self._of(Boost, Bury)
            if isinstance(rule, Boost | Bury)
        ]

    def lift(self) -> NDArray[np.float32] | None:
        """(users, items) what the priors add, in deviations; None if there is none."""
        if not self.weights:
            return None
        total = np.zeros((len(self.histories), self.book.tables.items.height), np.float32)
        for _, weight, mask in self.weights:
            total += np.float32(weight) * mask
        return total

    @cached_property
    def slots(self) -> list[tuple[Pin | Sponsored, Mask]]:
        """Rules that keep places, and (users, items) what is meant to stand in them."""
        return [(rule, self.meant(rule)) for rule in self._of(Pin, Sponsored) if isinstance(rule, Pin | Sponsored)]

    @property
    def wanted(self) -> list[tuple[Mask, int]]:
        """(users, items) of which so many must be among the candidates, whatever their scores."""
        return [(mask, len(rule.places) + SPARE) for rule, mask in self.slots]

    def arrange(
        self, best: Candidates, scores: NDArray[np.float32], spread: NDArray[np.float32], n: int
    ) -> tuple[NDArray[np.int64], Candidates]:
        """As `ranker.top`, but some places are kept for some items, and one that a rule forbids at a place waits until
        it may stand.

        A list ends where no candidate may stand at the next place.
        """
        if not self._of(AtMost) and not self.slots:
            return top(best, scores, n)

        def choose(user: int, rows: NDArray[np.int64]) -> list[int]:
            items = best.item[rows].tolist()
            return self._order(user, items, self._slots(user, items, n), n)

        return placed(best, scores, choose)

    def around(
        self, inner: Arrange, best: Candidates, scores: NDArray[np.float32], spread: NDArray[np.float32], n: int
    ) -> tuple[NDArray[np.int64], Candidates]:
        """As `arrange`, where what waits for no place is in the order of another arrangement."""
        slots, kept = dict[int, Slots](), np.zeros(len(best.item), bool)

        def keep(user: int, rows: NDArray[np.int64]) -> list[int]:
            slots[user] = self._slots(user, best.item[rows].tolist(), n)
            kept[rows[list(slots[user].kept)]] = True
            return list(slots[user].kept)

        waiting, _ = placed(best, scores, keep)
        lists: dict[int, list[int]] = {user: [] for user in slots}
        for number in {len(one.kept) for one in slots.values()} - {n}:
            some = np.flatnonzero(
                ~kept & np.isin(best.user, [u for u, one in slots.items() if len(one.kept) == number])
            )
            sizes = np.bincount(best.user[some], minlength=len(best.sizes))
            free = Candidates(best.user[some], best.item[some], sizes)
            chosen, _ = inner(free, scores[some], spread, n - number)
            for row in some[chosen].tolist():
                lists[int(best.user[row])].append(row)
        rows: list[int] = []
        sizes = np.zeros(len(best.sizes), np.int64)
        for user, free_rows in lists.items():
            mine = [*free_rows, *waiting[best.user[waiting] == user].tolist()]
            items = best.item[mine].tolist()
            order = self._order(user, items, slots[user].among(len(free_rows)), n)
            rows += [mine[at] for at in order]
            sizes[user] = len(order)
        found = np.array(rows, np.int64)
        return found, Candidates(best.user[found], best.item[found], sizes)

    def _order(self, user: int, items: list[int], slots: Slots, n: int) -> list[int]:
        """Places of `items`, which come best first, in the order that the rules want; at most `n`."""
        order = self.spacing(user).order(items, n, slots)
        rules = {rule.name: rule for rule, _ in self.slots}
        self.placed.update({(user, items[at]): rules[name] for at, name in slots.put.items()})
        return order

    def _slots(self, user: int, items: list[int], n: int) -> Slots:
        """The places of a user's list of `n` that rules keep, with numbers of the `items` that may take them."""
        meant = [(rule, [at for at, item in enumerate(items) if mask[user, item]]) for rule, mask in self.slots]
        return Slots([(place, rule.name, some) for rule, some in meant for place in rule.places if place <= n])

    def spacing(self, user: int) -> Spacing:
        """What may stand beside what in the list of a user, which is empty yet."""
        rules = [rule for rule in self._of(AtMost) if isinstance(rule, AtMost) and self.member[rule.name][user]]
        return Spacing(rules, self.book.shared, moved=self.moved.setdefault(user, {}))

    def added(self, user: int, item: int, spread: float) -> dict[str, float]:
        """By name what the rules added to the score of an item; 0 where one only moved it."""
        parts = {f"{RULE}{name}": weight * spread for name, weight, mask in self.weights if mask[user, item]}
        put = self.placed.get((user, item))
        moved = [*self.moved.get(user, {}).get(item, ()), *([] if put is None else [put.name])]
        return parts | {f"{RULE}{name}": 0.0 for name in moved}

    def sponsored(self, user: int, item: int) -> bool:
        """Does an item stand where it does because somebody pays for it?"""
        return isinstance(self.placed.get((user, item)), Sponsored)
