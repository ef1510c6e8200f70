"""Dry run: what rules would change in the lists of a sample of users, before they are switched on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import DataError
from engine.rules.book import Book, bind, now
from engine.rules.lists import batched
from graph.rules import Rule, Rules

if TYPE_CHECKING:
    from engine.engine import Engine

SAMPLE = 200
"""Users whose lists are compared, where none are named."""
EXAMPLES = 3

Lists = list[list[int]]
"""Rows of items, best first, for each user."""


@dataclass(frozen=True)
class Change:
    """What a rule, or all of them, changes in the lists of some users."""

    name: str
    lists: int
    """How many lists are not as they were."""
    added: int
    """Items that came in, over all lists."""
    removed: int
    """Items that went out."""
    moved: int
    """Items that stayed in a list at another place."""
    mean_places: float
    """How many places those moved on average, up or down; 0 if none did."""
    short: int
    """Lists that have fewer items than before."""


@dataclass(frozen=True)
class Example:
    """The list of one user before and after: item ids, best first."""

    user: str
    before: list[str]
    after: list[str]


@dataclass(frozen=True)
class Trial:
    """What rules would change. Nothing was switched on."""

    users: int
    n: int
    moment: datetime
    """As at this time."""
    each: list[Change]
    """Each rule alone, as if it were enabled and in force, against lists without any rule."""
    all: Change
    """All rules in force at the time together, against the lists as the engine makes them now."""
    examples: list[Example]
    """The lists that changed most; of users who were named, all of them."""


def try_rules(
    engine: "Engine", rules: Rules, users: Sequence[str] | None = None, n: int = 10, moment: datetime | None = None
) -> Trial:
    """Compare the lists of `users`, by default of 200 drawn from the seed of the configuration.

    Raises DataError for rules that do not fit the catalogue, and where there are no users to draw from.
    """
    if n < 1:
        raise DataError(f"n must be at least 1, not {n}")
    moment = moment or now()
    asked = _sample(engine) if users is None else list(users)
    book = bind(rules, engine.catalogue, engine.graph)
    histories = engine.state.lookup.histories(asked)

    def lists(by: Book | None) -> Lists:
        force = by.in_force(asked, histories, moment) if by else None
        allowed = ~engine.state.removed
        found = batched(engine.ranker, histories, allowed, n, force, explain=False)
        return [[one.item for one in each] for each in found]

    bare = lists(None)
    each = [_change(rule.name, bare, lists(book.only(_always(rule)))) for rule in rules.rule]
    today, then = lists(engine.book), lists(book)
    ids = engine.catalogue.items["item_id"].to_list()
    shown = range(len(asked)) if users is not None else _most_changed(today, then)
    examples = [Example(asked[at], [ids[i] for i in today[at]], [ids[i] for i in then[at]]) for at in shown]
    return Trial(len(asked), n, moment, each, _change("all together", today, then), examples)


def _always(rule: Rule) -> Rule:
    return rule.model_copy(update={"enabled": True, "first": None, "last": None})


def _sample(engine: "Engine") -> list[str]:
    """Users with a history, drawn evenly, in order of their ids."""
    known = engine.catalogue.interactions["user_id"].unique().sort()
    rng = np.random.default_rng([engine.config.seed, len(known)])
    drawn = rng.permutation(len(known))[:SAMPLE]
    if not len(drawn):
        raise DataError("nobody has a history here: name the users whose lists are to be compared")
    return known[np.sort(drawn)].to_list()


def _change(name: str, before: Lists, after: Lists) -> Change:
    added = removed = changed = short = 0
    places: list[int] = []
    for old, new in zip(before, after, strict=True):
        was, is_ = ({item: place for place, item in enumerate(list_)} for list_ in (old, new))
        changed += old != new
        short += len(new) < len(old)
        added += len(is_.keys() - was.keys())
        removed += len(was.keys() - is_.keys())
        places += [abs(was[item] - is_[item]) for item in was.keys() & is_.keys() if was[item] != is_[item]]
    return Change(name, changed, added, removed, len(places), float(np.mean(places)) if places else 0.0, short)


def _most_changed(before: Lists, after: Lists) -> list[int]:
    """Numbers of the lists with most new items, of which those at the top count most."""
    changes = [
        sum(1 / (1 + place) for place, item in enumerate(new) if place >= len(old) or old[place] != item)
        + abs(len(old) - len(new))
        for old, new in zip(before, after, strict=True)
    ]
    order = np.argsort(-np.array(changes), kind="stable")[:EXAMPLES]
    return [int(at) for at in order if changes[at] > 0]
