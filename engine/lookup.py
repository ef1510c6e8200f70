"""Items and users of a catalogue by their ids, and the history of each user."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine import history
from engine.errors import DataError, UnknownIdError
from engine.history import Histories
from engine.tables.catalogue import Catalogue

MOST_LATER = 2000
"""Users with events that came later; more of them are put among all others, for every event copies this table."""


@dataclass(frozen=True)
class Lookup:
    """What is found by id; each part is made when it is first asked for."""

    tables: Catalogue
    removed: NDArray[np.bool_]
    """(items,) which are no items any more; they may stand in a history, and nowhere else."""
    _later: Mapping[str, Histories] = field(default_factory=dict)
    """The whole histories of those who did something since `_histories` were made."""

    def after(self, tables: Catalogue, removed: NDArray[np.bool_]) -> "Lookup":
        """The same where items changed, were removed, or came behind the others, and no event did."""
        later = {user: replace(past, n_items=tables.items.height) for user, past in self._later.items()}
        made = Lookup(tables, removed, later)
        if "_histories" in self.__dict__:
            made.__dict__["_users"] = self._users
            made.__dict__["_histories"] = replace(self._histories, n_items=len(made))
        return made

    def shown(self, item: str) -> int:
        """The row of an item. Raises UnknownIdError for one that is not in the catalogue, or not any more."""
        row = self.rows([item])[0]
        if self.removed[row]:
            raise UnknownIdError(f"item {item!r} was removed from the catalogue")
        return row

    def has(self, item: str) -> bool:
        """Is it an item now?"""
        row = self._rows.get(item)
        return row is not None and not self.removed[row]

    def with_events(self, tables: Catalogue) -> "Lookup":
        """The same with the events that `tables` have behind ours. Costs what they are, not what was there before."""
        fresh = tables.interactions[self.tables.interactions.height :]
        items = np.array(self.rows(fresh["item_id"]), np.int32)
        touched, news = history.by_user(
            fresh["user_id"].to_list(), items, fresh["value"].to_numpy(), fresh["time"].to_numpy(), len(self)
        )
        grown = history.merged(self.histories(touched), news)
        later = {**self._later, **dict(zip(touched, grown.each(), strict=True))}
        users, histories = self._users, self._histories
        if len(later) > MOST_LATER:
            users, histories = _settled(users, histories, later)
            later = {}
        made = Lookup(tables, self.removed, later)
        parts = ("ids", "titles", "_rows")
        made.__dict__.update({name: self.__dict__[name] for name in parts if name in self.__dict__})
        popularity = self.popularity + np.bincount(items, minlength=len(self))
        made.__dict__.update(_users=users, _histories=histories, popularity=popularity)
        return made

    def __len__(self) -> int:
        return self.tables.items.height

    @cached_property
    def ids(self) -> list[str]:
        """Ids of the items by row."""
        return self.tables.items["item_id"].to_list()

    @cached_property
    def titles(self) -> list[str]:
        """Titles of the items by row."""
        return self.tables.items["title"].to_list()

    @cached_property
    def popularity(self) -> NDArray[np.int64]:
        """(items,) how many events each has."""
        events = self.tables.interactions["item_id"].value_counts()
        counts = np.zeros(len(self), np.int64)
        counts[self.rows(events["item_id"])] = events["count"].to_numpy()
        return counts

    def knows(self, user: str) -> bool:
        """Has this user a history?"""
        return user in self._users or user in self._later

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {item: row for row, item in enumerate(self.ids)}

    @cached_property
    def _users(self) -> dict[str, int]:
        known = self.tables.interactions["user_id"].unique(maintain_order=True).to_list()
        return {user: row for row, user in enumerate(known)}

    @cached_property
    def _histories(self) -> Histories:
        return history.from_frame(self.tables.interactions, list(self._users), self._rows)

    def rows(self, items: Iterable[str]) -> list[int]:
        """Rows of these items, removed ones too. Raises UnknownIdError for one that was never in the catalogue."""
        rows = []
        for item in _several(items):
            if item not in self._rows:
                raise UnknownIdError(f"item {item!r} is not in the catalogue")
            rows.append(self._rows[item])
        return rows

    def known(self, items: Iterable[str]) -> list[int]:
        """Rows of those of these items that were ever in the catalogue."""
        return [self._rows[item] for item in items if item in self._rows]

    def histories(self, users: Sequence[str]) -> Histories:
        """The histories of these users, in their order; an unknown user has an empty one."""
        users = _several(users)
        if len(users) == 1 and users[0] in self._later:
            return self._later[users[0]]
        settled = [-1 if user in self._later else self._users.get(user, -1) for user in users]
        found = _take(self._histories, np.array(settled, np.int64))
        later = [row for row, user in enumerate(users) if user in self._later]
        if not later:
            return found
        order = np.arange(len(users))
        order[later] = len(users) + np.arange(len(later))
        return history.stacked([found, *(self._later[users[row]] for row in later)]).take(order)

    def history(self, user: str | None, items: Sequence[str] | None) -> Histories:
        """The history of one user, or the one of these items, oldest first."""
        if (user is None) == (items is None):
            raise DataError("name either a user or a history")
        return history.single(self.rows(items), len(self)) if items is not None else self.histories([str(user)])


def _settled(
    users: Mapping[str, int], histories: Histories, later: Mapping[str, Histories]
) -> tuple[dict[str, int], Histories]:
    """Users, by their rows, and histories, where some have the later ones; costs a copy, and no sorting."""
    rows = dict(users)
    for user in later:
        rows.setdefault(user, len(rows))
    order = np.arange(len(rows))
    order[[rows[user] for user in later]] = len(histories) + np.arange(len(later))
    return rows, history.stacked([histories, *later.values()]).take(order)


def _several(ids: Iterable[str]) -> list[str]:
    """Ids as tables hold them: numbers as text. A lone text would be taken for a list of its letters."""
    if isinstance(ids, str):
        raise DataError(f"a list of ids is wanted, not the text {ids!r}; write [{ids!r}]")
    return [str(one) for one in ids]


def _take(histories: Histories, rows: NDArray[np.int64]) -> Histories:
    """The histories of these rows; an empty one for -1."""
    taken = histories.take(np.maximum(rows, 0)) if len(histories) else None
    if taken is None:
        empty = history.single([], histories.n_items)
        return replace(empty, indptr=np.zeros(len(rows) + 1, np.int64))
    return taken.select(np.repeat(rows >= 0, taken.lengths))
