"""Whom a rule is for: attributes of users, their ids, and their age."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import where
from engine.errors import DataError
from graph.rules import AgeLimit, Conditions, Rule, Rules

ID = "user_id"
_AGE = re.compile(r"\s*(\d{1,3})(?!\d)")

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Group:
    """Users that some conditions mean, in the table of users or not."""

    rows: Mask
    """(users + 1,) by what is known beside the id; the last stands for whoever is not in the table."""
    ids: frozenset[str] | None
    """If it is one of these."""

    def has(self, users: Sequence[str | None], rows: NDArray[np.int64]) -> Mask:
        """(users,) which are meant, where the table has them in these rows."""
        found = self.rows[rows]
        if self.ids is not None:
            found = found & np.array([user in self.ids for user in users], bool)
        return np.asarray(found, bool)


@dataclass(frozen=True)
class Whom:
    """Those whom a rule is for, and of them those whom it spares."""

    wanted: Group
    spared: Group | None

    def has(self, users: Sequence[str | None], rows: NDArray[np.int64]) -> Mask:
        """(users,) as `Group.has`."""
        found = self.wanted.has(users, rows)
        return found if self.spared is None else found & ~self.spared.has(users, rows)


def whom(rule: Rule, users: pl.DataFrame) -> Whom:
    """Whom a rule is for. Raises DataError for a column that the table of users does not have."""
    wanted = _group(rule.users, users)
    if isinstance(rule, AgeLimit):
        wanted = Group(wanted.rows & ~_old_enough(rule, users), wanted.ids)
    return Whom(wanted, None if rule.unless is None else _group(rule.unless, users))


def forget(rules: Rules, user: str) -> Rules:
    """The rules that name a user nowhere; one that is for this user alone is gone."""
    left = []
    for rule in rules.rule:
        users, unless = _without(rule.users, user), _without(rule.unless, user)
        if users is not None or rule.users is None:
            left.append(rule.model_copy(update={"users": users, "unless": unless}))
    return rules if tuple(left) == rules.rule else Rules(rule=tuple(left))


def _without(conditions: Conditions | None, user: str) -> Conditions | None:
    """The conditions without the id of a user; None where they mean nobody then."""
    ids = _ids((conditions or {}).get(ID))
    if conditions is None or ids is None or user not in ids:
        return conditions
    left = tuple(sorted(ids - {user}))
    return {**conditions, ID: left} if left else None


def _group(conditions: Conditions | None, users: pl.DataFrame) -> Group:
    known = {column: wanted for column, wanted in (conditions or {}).items() if column != ID}
    ids = _ids((conditions or {}).get(ID))
    return Group(np.append(where.mask(users, known, "users"), not known), ids)


def _ids(wanted: Any) -> frozenset[str] | None:
    if wanted is None:
        return None
    return frozenset(map(str, wanted if isinstance(wanted, tuple) else [wanted]))


def _old_enough(rule: AgeLimit, users: pl.DataFrame) -> Mask:
    """(users + 1,) who is known to be."""
    if rule.age not in users.columns:
        there = ", ".join(users.columns)
        raise DataError(f"where: users have no column {rule.age!r} that says their age; there are {there}")
    ages = [_least(values) >= rule.min_age for values in users[rule.age].to_list()]
    return np.array([*ages, False], bool)


def _least(values: Any) -> int:
    """The least age that some values leave open; 0 where one of them begins with no number, or there is none."""
    given = values if isinstance(values, list) else [values]
    found = [_AGE.match(str(value)) for value in given]
    return min((0 if one is None else int(one[1]) for one in found), default=0)
