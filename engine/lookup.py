"""Items and users of a catalogue by their ids, and the history of each user."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine import history
from engine.errors import DataError, UnknownIdError
from engine.history import Histories
from engine.tables.catalogue import Catalogue


@dataclass(frozen=True)
class Lookup:
    """What is found by id; each part is made when it is first asked for."""

    tables: Catalogue
    removed: NDArray[np.bool_]
    """(items,) which are no items any more; they may stand in a history, and nowhere else."""

    def after(self, tables: Catalogue, removed: NDArray[np.bool_]) -> "Lookup":
        """The same where items changed, were removed, or came behind the others, and no event did."""
        made = Lookup(tables, removed)
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

    def histories(self, users: Sequence[str]) -> Histories:
        """The histories of these users, in their order; an unknown user has an empty one."""
        return _take(self._histories, np.array([self._users.get(user, -1) for user in _several(users)], np.int64))

    def history(self, user: str | None, items: Sequence[str] | None) -> Histories:
        """The history of one user, or the one of these items, oldest first."""
        if (user is None) == (items is None):
            raise DataError("name either a user or a history")
        return history.single(self.rows(items), len(self)) if items is not None else self.histories([str(user)])


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
