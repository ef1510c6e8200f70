"""Rules at work: what they hide, what they add to a score, and how they reorder a list.

    filters    exclude, require    hide items before the ranking, so that a list is as long as ever
    priors     boost, bury         add to a score, each under its own name, so that contributions still sum to it
    order      at_most             lets the next best item take a place, after the ranking

A weight is in standard deviations of the user's scores over the catalogue (`Ranker.rank`), so it means the same for
everybody and in every engine: on the generated shop three places of a list of ten are about half a deviation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import where
from engine.errors import DataError
from engine.history import Histories
from engine.ranker import placed, top
from engine.rerank import Candidates
from engine.rules.spacing import Spacing
from engine.tables.catalogue import Catalogue
from graph.build import GraphTables
from graph.errors import GraphError
from graph.rules import AtMost, Boost, Bury, Exclude, Fixed, Reached, Require, Rule, Rules
from graph.walks import Reach, Walks

RULE = "rule: "
"""What the name of a rule follows among the contributions of an item."""

Mask = NDArray[np.bool_]


def today() -> date:
    """The day by which `from` and `until` go."""
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class Book:
    """Rules over one catalogue and its graph: whom and which items each of them means."""

    rules: Rules
    tables: Catalogue
    graph: GraphTables
    walks: Walks
    targets: Mapping[str, Mask]
    """By name of the rule, (items,) that its `items` and `node` mean; a walk narrows them for each user."""
    segments: Mapping[str, Mask]
    """By name of the rule, (users + 1,) whom it is for; the last stands for whoever is not in the table."""
    shared: Mapping[str, Reach]
    """By name of an at_most rule, (items, nodes) what they may not share."""

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {user: row for row, user in enumerate(self.tables.users["user_id"])}

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

    def in_force(self, users: Sequence[str | None], histories: Histories, day: date | None = None) -> "InForce | None":
        """The rules of a day for some users with their histories; None if there is no rule."""
        rules = self.rules.on(day or today()).rule
        if not rules:
            return None
        rows = self.rows(users)
        member = {rule.name: self.segments[rule.name][rows] for rule in rules}
        return InForce(self, tuple(rule for rule in rules if member[rule.name].any()), member, histories)


def bind(rules: Rules, tables: Catalogue, graph: GraphTables) -> Book:
    """Rules over a catalogue. Raises DataError, naming the rule, for a column or relation that is not there."""
    walks = Walks(graph, tables.items["item_id"].to_list())
    targets, segments, shared = {}, {}, {}
    for rule in rules.rule:
        try:
            segments[rule.name] = np.append(where.mask(tables.users, rule.users, "users"), rule.users is None)
            if isinstance(rule, AtMost):
                shared[rule.name] = walks.sharing(rule.relation)
            else:
                targets[rule.name] = _target(rule, tables.items, walks)
        except (DataError, GraphError) as error:
            raise DataError(f"rule {rule.name!r}: {error}") from None
    return Book(rules, tables, graph, walks, targets, segments, shared)


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
        masks = {rule.name: self.meant(rule) for rule in self._of(Exclude)}
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

    def arrange(
        self, best: Candidates, scores: NDArray[np.float32], spread: NDArray[np.float32], n: int
    ) -> tuple[NDArray[np.int64], Candidates]:
        """As `ranker.top`, but an item that a rule forbids at a place waits until it may stand.

        A list ends where no candidate may stand at the next place.
        """
        if not self._of(AtMost):
            return top(best, scores, n)

        def choose(user: int, rows: NDArray[np.int64]) -> list[int]:
            return self.spacing(user).order(best.item[rows].tolist(), n)

        return placed(best, scores, choose)

    def spacing(self, user: int) -> Spacing:
        """What may stand beside what in the list of a user, which is empty yet."""
        rules = [rule for rule in self._of(AtMost) if isinstance(rule, AtMost) and self.member[rule.name][user]]
        found = Spacing(rules, self.book.shared)
        self.moved[user] = found.moved
        return found

    def added(self, user: int, item: int, spread: float) -> dict[str, float]:
        """By name what the rules added to the score of an item; 0 where one only moved it down."""
        parts = {f"{RULE}{name}": weight * spread for name, weight, mask in self.weights if mask[user, item]}
        return parts | {f"{RULE}{name}": 0.0 for name in self.moved.get(user, {}).get(item, ())}
