"""What users said against items, and what they were shown: items they hide or dislike, and how often one was seen.

It teaches nothing: histories are of what was chosen. It is obeyed in the lists of that user, and in no other's. A
hidden item is recommended no more. Neither is a disliked one, and what is like it goes down; so does what was shown
often and not chosen. How much is said in units of the spread of the user's scores, as for rules that boost and bury.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.candidates import Features
from engine.candidates.content import alike
from engine.errors import DataError
from engine.lookup import Lookup

Kind = Literal["hide", "dislike", "seen", "undo"]
"""`undo` takes back what the user said of the item."""
KINDS: tuple[Kind, ...] = get_args(Kind)
DISLIKED = 1.0
"""What an item loses that is in all like those disliked."""
SEEN = 0.1
"""What an item loses at each doubling of the times it was shown, from the first on."""
LATEST = 20
"""Disliked items that others are compared with; tastes change."""
Mask = NDArray[np.bool_]
TABLE = {"user_id": pl.String, "item_id": pl.String, "kind": pl.String, "times": pl.Int64}


class Reaction(NamedTuple):
    """What one user said of an item, or that it was shown to them."""

    user: str
    item: str
    kind: str
    """One of `Kind`."""


@dataclass(frozen=True)
class OfUser:
    """What one user said, by item id; the latest last."""

    hidden: Mapping[str, None] = field(default_factory=dict)
    disliked: Mapping[str, None] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)
    """How many times it was shown."""

    def after(self, item: str, kind: str) -> "OfUser":
        others = {name: {one: None for one in getattr(self, name) if one != item} for name in ("hidden", "disliked")}
        match kind:
            case "seen":
                return OfUser(self.hidden, self.disliked, {**self.seen, item: self.seen.get(item, 0) + 1})
            case "hide":
                return OfUser({**others["hidden"], item: None}, others["disliked"], self.seen)
            case "dislike":
                return OfUser(others["hidden"], {**others["disliked"], item: None}, self.seen)
            case "undo":
                return OfUser(**others, seen={one: times for one, times in self.seen.items() if one != item})
        raise DataError(f"kind of feedback is one of {', '.join(KINDS)}, not {kind!r}")


NOTHING = OfUser()


@dataclass(frozen=True)
class Feedback:
    """What all users said. Nothing in it is ever written."""

    by_user: Mapping[str, OfUser] = field(default_factory=dict)

    def of(self, user: str | None) -> OfUser:
        return NOTHING if user is None else self.by_user.get(user, NOTHING)

    def after(self, news: Iterable[Reaction]) -> "Feedback":
        """With what was said later. Raises DataError for an unknown kind; then nothing is taken."""
        changed: dict[str, OfUser] = {}
        for user, item, kind in news:
            changed[user] = changed.get(user, self.of(user)).after(item, kind)
        return Feedback({**self.by_user, **changed}) if changed else self

    def without(self, user: str) -> "Feedback":
        """After that user is forgotten."""
        return Feedback({one: said for one, said in self.by_user.items() if one != user})

    def table(self) -> pl.DataFrame:
        """user_id, item_id, kind, times: what `restored` takes."""
        rows = []
        for user, said in self.by_user.items():
            rows += [(user, item, "hide", 1) for item in said.hidden]
            rows += [(user, item, "dislike", 1) for item in said.disliked]
            rows += [(user, item, "seen", times) for item, times in said.seen.items()]
        return pl.DataFrame(rows, schema=TABLE, orient="row")


def restored(table: pl.DataFrame) -> Feedback:
    """What `Feedback.table` gave."""
    by_user: dict[str, OfUser] = {}
    for (user,), rows in table.group_by(["user_id"], maintain_order=True):
        kinds: dict[str, dict[str, int]] = {"hide": {}, "dislike": {}, "seen": {}}
        for item, kind, times in rows.select("item_id", "kind", "times").iter_rows():
            kinds[kind][item] = times
        by_user[str(user)] = OfUser(dict.fromkeys(kinds["hide"]), dict.fromkeys(kinds["dislike"]), kinds["seen"])
    return Feedback(by_user)


@dataclass(frozen=True)
class Heeded:
    """What feedback does to the lists of some users, who are numbered as their histories are."""

    shown: Mapping[int, Mask]
    """By user who said something, (items,) what may be recommended."""
    lowered: Mapping[int, Mapping[str, NDArray[np.float32]]]
    """By user and reason, (items,) what is added to scores, in deviations; below 0."""
    users: NDArray[np.int64]
    """(users,) the numbers by which these users are known above."""

    def take(self, users: NDArray[np.int64]) -> "Heeded":
        """The same for some of the users."""
        return replace(self, users=self.users[users])

    def opened(self, allowed: Mask) -> Mask:
        """(users, items) what is left of `allowed`."""
        left = allowed.copy()
        for row, user in enumerate(self.users.tolist()):
            if user in self.shown:
                left[row] &= self.shown[user]
        return left

    def lift(self) -> NDArray[np.float32] | None:
        """(users, items) what is added, in deviations; None if nothing is."""
        if not any(self.lowered.get(user) for user in self.users.tolist()):
            return None
        rows = [sum(self.lowered.get(user, {}).values(), np.float32(0)) for user in self.users.tolist()]
        items = max(np.size(row) for row in rows)
        return np.stack([np.broadcast_to(np.asarray(row, np.float32), items) for row in rows])

    def added(self, user: int, item: int, spread: float) -> dict[str, float]:
        """By reason, what was added to the score of an item."""
        reasons = self.lowered.get(int(self.users[user]), {})
        return {name: float(values[item]) * spread for name, values in reasons.items() if values[item]}


def heeded(said: Feedback, users: Sequence[str | None], lookup: Lookup, features: Features) -> Heeded | None:
    """What to do in the lists of these users; None if none of them has said anything.

    Costs a product with the vectors of all items for each who dislikes something, and next to nothing else.
    """
    speaking = {row: said.of(user) for row, user in enumerate(users) if user in said.by_user}
    if not speaking:
        return None
    shown, lowered = {}, {}
    for row, one in speaking.items():
        shown[row] = np.ones(len(lookup), bool)
        shown[row][lookup.known([*one.hidden, *one.disliked])] = False
        lowered[row] = _lowered(one, lookup, features)
    return Heeded(shown, lowered, np.arange(len(users)))


def _lowered(said: OfUser, lookup: Lookup, features: Features) -> dict[str, NDArray[np.float32]]:
    found: dict[str, NDArray[np.float32]] = {}
    rows = lookup.known(said.disliked)[-LATEST:]
    if rows:
        found["disliked"] = (-DISLIKED * alike(features, rows).clip(0)).astype(np.float32)
    if said.seen:
        seen = lookup.known(said.seen)
        times = [said.seen[lookup.ids[row]] for row in seen]
        found["seen"] = np.zeros(len(lookup), np.float32)
        found["seen"][seen] = -SEEN * np.log2(1 + np.array(times))
    return found
