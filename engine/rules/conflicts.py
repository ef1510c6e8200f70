"""Rules that contradict one another, do nothing, or leave nothing: found in their words, and in the items they mean.

Two rules can only meet where they are in force on one day and for one user. Without a catalogue two segments are taken
to overlap unless they ask one attribute for different values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy import sparse

from engine.rules.book import Book, Mask
from graph.rules import (
    AtMost,
    Base,
    Boost,
    Bury,
    Conditions,
    Exclude,
    Fixed,
    Pin,
    Reached,
    Require,
    Rule,
    Rules,
    Sponsored,
)

ADDS = (Boost, Bury)
HIDES = (Exclude, Require)
PLACES = (Pin, Sponsored)
SHADOWED = "the first does nothing beside the second"


@dataclass(frozen=True)
class Conflict:
    """What is wrong with a rule, or between two or more."""

    rules: tuple[str, ...]
    words: str


def in_words(rules: Rules) -> list[Conflict]:
    """What can be told from the rules alone. Rules that are switched off are not looked at."""
    on = [rule for rule in rules.rule if rule.enabled]
    found = [
        Conflict((rule.name,), f"it has no effect: there are never more than {rule.n} of one among {rule.top}")
        for rule in on
        if isinstance(rule, AtMost) and rule.n >= rule.top
    ]
    for one, other in combinations(on, 2):
        if _same_time(one, other) and _may_overlap(one.users, other.users):
            found += [Conflict((a.name, b.name), words) for a, b, words in _between(one, other)]
    return found


def _between(one: Rule, other: Rule) -> Iterator[tuple[Rule, Rule, str]]:
    """What is wrong between two rules that can meet, with the one at fault first."""
    if isinstance(one, AtMost) and isinstance(other, AtMost):
        for narrow, wide in ((other, one), (one, other)):
            stricter = wide.relation == narrow.relation and wide.n <= narrow.n and wide.top >= narrow.top
            if stricter and _covers(wide, narrow):
                yield narrow, wide, SHADOWED
                return
    elif isinstance(one, Fixed) and isinstance(other, Fixed):
        if isinstance(one, PLACES) and isinstance(other, PLACES):
            if both := sorted(set(one.places) & set(other.places)):
                yield other, one, f"both want place {both[0]}: the one that comes first in the file has it"
        elif isinstance(one, Require) and isinstance(other, Require) and (column := _disjoint(one, other)):
            yield one, other, f"no item can have both values of {column}: nothing would be left to show"
        elif _meaning(one) == _meaning(other):
            yield from _on_the_same(one, other)


def _on_the_same(one: Rule, other: Rule) -> Iterator[tuple[Rule, Rule, str]]:
    """What is wrong between two rules on the same items."""
    kinds = {one.kind, other.kind}
    if len(kinds) == 1:
        for narrow, wide in ((other, one), (one, other)):
            if _covers(wide, narrow):
                yield (
                    narrow,
                    wide,
                    "both are on the same items: " + ("they add up" if isinstance(one, ADDS) else SHADOWED),
                )
                return
    elif kinds == {"boost", "bury"}:
        yield one, other, "one boosts and the other buries the same items"
    elif kinds == {"require", "exclude"}:
        yield one, other, "one requires what the other excludes: nothing would be left to show"
    elif "exclude" in kinds:
        adds, hides = (other, one) if isinstance(one, Exclude) else (one, other)
        yield adds, hides, "the first is for items that the second hides"


def _meaning(rule: Fixed) -> tuple[Any, ...]:
    """Which items a rule means."""
    return (rule.items, rule.node, *((rule.walk, rule.min_value) if isinstance(rule, Reached) else (None, None)))


def _same_time(one: Base, other: Base) -> bool:
    return max(one.begin, other.begin) < min(one.end, other.end)


def _covers(wide: Base, narrow: Base) -> bool:
    """Is a rule in force whenever and for whomever another one is?"""
    always = wide.begin <= narrow.begin and narrow.end <= wide.end
    return always and (wide.users is None or wide.users == narrow.users) and wide.unless in (None, narrow.unless)


def _may_overlap(one: Conditions | None, other: Conditions | None) -> bool:
    shared = (one or {}).keys() & (other or {}).keys()
    return not any(_values(one, column).isdisjoint(_values(other, column)) for column in shared)


def _values(conditions: Conditions | None, column: str) -> set[Any]:
    wanted = (conditions or {})[column]
    return set(wanted) if isinstance(wanted, tuple) else {wanted}


def _disjoint(one: Require, other: Require) -> str | None:
    """A column of numbers of which two requirements want values that do not meet."""
    for column in (one.items or {}).keys() & (other.items or {}).keys():
        low, high = zip(*(_bounds((rule.items or {})[column]) for rule in (one, other)), strict=True)
        if max(low) > min(high):
            return column
    return None


def _bounds(wanted: Any) -> tuple[float, float]:
    """The range that a condition on numbers leaves open; all of them for one on texts."""
    low, high = wanted if isinstance(wanted, tuple) and len(wanted) == 2 else (wanted, wanted)
    texts = any(isinstance(bound, str | tuple) for bound in (low, high))
    return (
        -np.inf if texts or low is None else float(low),
        np.inf if texts or high is None else float(high),
    )


def in_items(book: Book) -> list[Conflict]:
    """What can be told from the items and users of a catalogue, beside what the words tell."""
    told = in_words(book.rules)
    seen = {frozenset(one.rules) for one in told}
    on = [rule for rule in book.rules.rule if rule.enabled]
    dead = [Conflict((rule.name,), words) for rule in on for words in _never(book, rule)]
    idle = {one.rules[0] for one in dead}
    meant = {rule.name: _meant(book, rule) for rule in on if isinstance(rule, Fixed)}
    pairs = []
    for one, other in combinations(on, 2):
        apart = not (book.segments[one.name] & book.segments[other.name]).any()
        if apart or not _same_time(one, other) or idle & {one.name, other.name}:
            continue
        if frozenset((one.name, other.name)) not in seen:
            pairs += [Conflict((a.name, b.name), words) for a, b, words in _items_of(book, meant, one, other)]
    return [*told, *dead, *pairs, *_nothing_left(book, meant, seen)]


def _never(book: Book, rule: Rule) -> Iterator[str]:
    """Why a rule can never do anything here."""
    if rule.users is not None and not book.segments[rule.name].any():
        yield f"no user is in its segment, {_shown(rule.users)}"
    elif isinstance(rule, AtMost):
        most = int(np.bincount(book.shared[rule.name].indices, minlength=1).max())
        if most <= rule.n < rule.top:
            yield f"no more than {most} items share anything over {rule.relation}"
    elif rule.node is not None and not book.walks.knows(rule.node):
        near = book.walks.nearest(rule.node)
        yield f"the graph has no node {rule.node!r}" + (f"; the nearest is {near!r}" if near else "")
    elif not _meant(book, rule).any():
        yield "no item is meant by it" + (": its walk never reaches one" if book.targets[rule.name].any() else "")


def _meant(book: Book, rule: Fixed) -> Mask:
    """(items,) what a rule may mean for somebody: of a walk, all that it reaches from any item."""
    target = book.targets[rule.name]
    if isinstance(rule, Reached) and rule.walk is not None:
        everything = sparse.csr_array(np.ones((1, len(target)), bool))
        target = target & book.walks.reach(everything, rule.walk).toarray()[0]
    return target


def _items_of(book: Book, meant: dict[str, Mask], one: Rule, other: Rule) -> Iterator[tuple[Rule, Rule, str]]:
    """What is wrong between two rules by the items that they mean, with the one at fault first.

    What a walk reaches from some history may well meet another rule here and there: that is no conflict.
    """
    if isinstance(one, AtMost) or isinstance(other, AtMost):
        return
    fixed = not _walks(one) and not _walks(other)
    if isinstance(one, ADDS) and isinstance(other, ADDS):
        both = int((meant[one.name] & meant[other.name]).sum())
        if both and fixed and type(one) is not type(other):
            yield one, other, f"one boosts and the other buries {_count(both)}"
        return
    for a, b in ((one, other), (other, one)):
        if not isinstance(b, HIDES):
            continue
        hidden = _hides(b, meant)
        touched = _hides(a, meant) if isinstance(a, HIDES) else meant[a.name]
        met, certain = int((touched & hidden).sum()), not _walks(b) and _wider(book, b, a)
        if 0 < met == touched.sum() and certain:
            yield a, b, f"{SHADOWED}: all its items are hidden by it"
            return
        if fixed and met and isinstance(a, ADDS) and isinstance(b, Exclude):
            verb = "boosts" if isinstance(a, Boost) else "buries"
            yield a, b, f"the first {verb} {_count(met)} that the second hides, of {int(touched.sum())}"
            return


def _walks(rule: Rule) -> bool:
    return isinstance(rule, Reached) and rule.walk is not None


def _wider(book: Book, wide: Rule, narrow: Rule) -> bool:
    """Is a rule in force whenever and for all users of the catalogue for whom another one is?"""
    users = not (book.segments[narrow.name] & ~book.segments[wide.name]).any()
    return users and _covers(wide.model_copy(update={"users": None, "unless": None}), narrow)


def _hides(rule: Rule, meant: dict[str, Mask]) -> Mask:
    return ~meant[rule.name] if isinstance(rule, Require) else meant[rule.name]


def _nothing_left(book: Book, meant: dict[str, Mask], seen: set[frozenset[str]]) -> Iterator[Conflict]:
    """Users from whom the rules of some day hide everything; what a walk hides depends on the history, so not those."""
    told = set(seen)
    for moment in sorted({rule.begin for rule in book.rules.rule}):
        rules = [rule for rule in book.rules.at(moment).rule if isinstance(rule, HIDES) and not _walks(rule)]
        if not rules:
            continue
        members = np.stack([book.segments[rule.name] for rule in rules], axis=1)  # (users + 1, rules)
        kinds, count = np.unique(members, axis=0, return_counts=True)
        for kind, users in zip(kinds, count.tolist(), strict=True):
            mine = [rule for rule, member in zip(rules, kind, strict=True) if member]
            names = tuple(rule.name for rule in _needed(mine, meant))
            if names and frozenset(names) not in told:
                told.add(frozenset(names))
                yield Conflict(
                    names, f"they leave nothing to show to {users} of {len(members)} users, unknown ones as one"
                )


def _needed(rules: Sequence[Exclude | Require], meant: dict[str, Mask]) -> list[Exclude | Require]:
    """Of rules that together hide everything, those that it takes; none if something is left."""

    def left(some: Sequence[Exclude | Require]) -> bool:
        return not np.logical_or.reduce([_hides(rule, meant) for rule in some]).all() if some else True

    if left(rules):
        return []
    needed = list(rules)
    for rule in rules:
        without = [other for other in needed if other is not rule]
        if not left(without):
            needed = without
    return needed


def _count(items: int) -> str:
    return f"{items} items" if items > 1 else "one item"


def _shown(conditions: Conditions) -> str:
    return ", ".join(f"{column} = {wanted!r}" for column, wanted in conditions.items())
