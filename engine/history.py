"""A user is a history: events in order of time. Every generator scores histories; no user is a trained row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

Matrix = sparse.csr_array


@dataclass(frozen=True)
class Histories:
    """The events of many users, as three flat arrays cut by `indptr`, oldest first within a user.

    Shapes: indptr (users + 1,), items, values and times (events,). Items are row numbers of the catalogue.
    """

    indptr: NDArray[np.int64]
    items: NDArray[np.int32]
    values: NDArray[np.float32]
    times: NDArray[np.int64]
    n_items: int

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Events a user, (users,)."""
        return np.diff(self.indptr)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The user of each event, (events,)."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @cached_property
    def ages(self) -> NDArray[np.int64]:
        """How many later events the same user has, for each event: 0 is the latest."""
        return np.repeat(self.indptr[1:], self.lengths) - 1 - np.arange(len(self.items))

    def select(self, keep: NDArray[np.bool_]) -> "Histories":
        """The same users with the events where `keep` (events,) is true."""
        counts = np.bincount(self.rows[keep], minlength=len(self))
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Histories(indptr, self.items[keep], self.values[keep], self.times[keep], self.n_items)

    def take(self, users: NDArray[np.int64]) -> "Histories":
        """The histories of some users, in the order given."""
        starts, lengths = self.indptr[users], self.lengths[users]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        events = np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], lengths)
        return Histories(indptr, self.items[events], self.values[events], self.times[events], self.n_items)

    def each(self) -> list["Histories"]:
        """The history of each user alone, over the same memory."""
        cuts = [slice(*ends) for ends in pairwise(self.indptr.tolist())]
        items, values, times = self.items, self.values, self.times
        return [
            Histories(np.array([0, cut.stop - cut.start]), items[cut], values[cut], times[cut], self.n_items)
            for cut in cuts
        ]

    @cached_property
    def _latest(self) -> NDArray[np.int64]:
        """The latest event of each (user, item), in order of cell: a repeat counts once, by its last time."""
        cell = self.rows * self.n_items + self.items
        _, first = np.unique(cell[::-1], return_index=True)
        return np.asarray(len(cell) - 1 - first, np.int64)

    @cached_property
    def met(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The items that each user has met, once each and in order of row: indptr (users + 1,) and items (cells,)."""
        event = self._latest
        users = np.bincount(self.rows[event], minlength=len(self))
        return np.concatenate([[0], np.cumsum(users)]), self.items[event]

    def faded(self, half_lives: Sequence[float]) -> NDArray[np.float32]:
        """(half_lives, cells) what is left of each cell of `met`.

        1 for the latest event of a user, half of it that many events earlier; repeats keep the most.
        """
        return np.asarray(np.exp2(-self.ages[self._latest] / np.array(half_lives)[:, None]), np.float32)

    def weights(self, *half_lives: float) -> Matrix:
        """(half_lives * users, items) the same as a matrix, one half-life below the other; of no fading if none."""
        indptr, items = self.met
        weights = self.faded(half_lives or [np.inf])
        ends = np.cumsum(np.tile(np.diff(indptr), len(weights)))
        parts = (weights.ravel(), np.tile(items, len(weights)), np.concatenate([[0], ends]))
        return sparse.csr_array(parts, shape=(len(weights) * len(self), self.n_items))

    def recent(self, events: int) -> "Histories":
        """The same users with their latest events only."""
        return self.select(self.ages < events)

    def seen(self) -> Matrix:
        """(users, items) ones where the user has met the item."""
        return self.weights()


def from_frame(
    interactions: pl.DataFrame, users: Sequence[str], item_index: Mapping[str, int], n_items: int | None = None
) -> Histories:
    """Histories of `users` in that order (empty for one without rows), oldest event first, ties as they stand.

    `interactions` has user_id, item_id, value and time; items outside `item_index` are left out.
    """
    user, item = (
        interactions[name].cast(pl.Enum(ids), strict=False).to_physical().fill_null(len(ids)).to_numpy()
        for name, ids in (("user_id", list(users)), ("item_id", list(item_index)))
    )
    columns, time = np.array([*item_index.values()], np.int32), interactions["time"].to_numpy()
    known = np.flatnonzero((user < len(users)) & (item < len(columns)))
    events = known[np.lexsort((time[known], user[known]))]  # stable
    counts = np.bincount(user[events], minlength=len(users))
    return Histories(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        columns[item[events]],
        interactions["value"].to_numpy()[events].astype(np.float32),
        time[events].astype(np.int64),
        n_items if n_items is not None else len(item_index),
    )


def by_user(
    users: Sequence[str],
    items: NDArray[np.int32],
    values: NDArray[np.float32],
    times: NDArray[np.int64],
    n_items: int,
) -> tuple[list[str], Histories]:
    """The users of some events, (events,) each, in order of appearance, and their histories; ties as they stand."""
    numbers = {user: row for row, user in enumerate(dict.fromkeys(users))}
    rows = np.array([numbers[user] for user in users], np.int64)
    order = np.lexsort((times, rows))  # stable
    ends = np.cumsum(np.bincount(rows, minlength=len(numbers)))
    indptr = np.concatenate([[0], ends]).astype(np.int64)
    return list(numbers), Histories(indptr, items[order], values[order], times[order], n_items)


def stacked(parts: Sequence[Histories]) -> Histories:
    """The users of all parts, one part behind the other."""
    lengths = np.concatenate([part.lengths for part in parts])
    return Histories(
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.concatenate([part.items for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.times for part in parts]),
        parts[0].n_items,
    )


def merged(earlier: Histories, later: Histories) -> Histories:
    """The same users with the events of both, oldest first; what came later stands behind what has the same time."""
    both = stacked([earlier, later])
    rows = np.concatenate([earlier.rows, later.rows])
    order = np.lexsort((both.times, rows))  # stable
    lengths = earlier.lengths + later.lengths
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Histories(indptr, both.items[order], both.values[order], both.times[order], earlier.n_items)


def single(items: Sequence[int], n_items: int) -> Histories:
    """One user who met `items` in this order; what they were worth (NaN) and when is not known."""
    array = np.asarray(items, np.int32)
    size = len(array)
    return Histories(np.array([0, size]), array, np.full(size, np.nan, np.float32), np.zeros(size, np.int64), n_items)


def followed(past: Histories, items: Sequence[int]) -> Histories:
    """The history of one user with these items behind it, as of the time of the last event; their values are NaN."""
    more = single(items, past.n_items)
    times = past.times[-1:].repeat(len(items)) if len(past.times) else more.times
    return Histories(
        np.array([0, len(past.items) + len(items)]),
        np.concatenate([past.items, more.items]),
        np.concatenate([past.values, more.values]),
        np.concatenate([past.times, times]),
        past.n_items,
    )
