"""A split folder in, a run file out, for every peer.

Run by a peer's own Python, so it needs numpy and scipy only and nothing of Weft. The test lists are never read but
for the names of the users to rank for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

DEPTH = 100

Ints = NDArray[np.int64]
Scorer = Callable[[Ints], NDArray[np.floating[Any]]]
"""Users to (users, items) scores; -inf where the model cannot score an item."""


@dataclass(frozen=True)
class Events:
    """Who chose what, users grouped, oldest first within a user, as rows of `Split.users` and `Split.items`."""

    users: Ints
    items: Ints
    shape: tuple[int, int]

    def matrix(self) -> sparse.csr_matrix:
        """(users, items) of ones."""
        pairs = (np.ones(len(self.users), np.float32), (self.users, self.items))
        made = sparse.csr_matrix(pairs, self.shape)
        made.data[:] = 1
        return made


@dataclass(frozen=True)
class Split:
    """What is known, whom to rank for, and what a list may show."""

    users: list[str]
    items: list[str]
    known: Events
    asked: Ints
    candidates: Ints
    valid: Events | None
    """The split's own last events before the test, if it sets some apart; they are a part of `known`."""

    @property
    def cold(self) -> bool:
        """Whether nobody has touched any candidate."""
        return not np.isin(self.candidates, self.known.items).any()


def read(folder: Path) -> Split:
    """A split folder as numbers."""
    parts = {name: pairs(folder / f"{name}.tsv") for name in ("train", "valid", "test")}
    known = parts["train"] + parts["valid"]
    shown = [line for line in (folder / "candidates.txt").read_text(encoding="utf-8").split("\n") if line]
    users = list(dict.fromkeys(user for user, _ in [*known, *parts["test"]]))
    items = list(dict.fromkeys([*(item for _, item in known), *shown]))
    user_row = {user: row for row, user in enumerate(users)}
    item_row = {item: row for row, item in enumerate(items)}

    def events(part: list[tuple[str, str]]) -> Events:
        rows = np.array([user_row[user] for user, _ in part], np.int64)
        columns = np.array([item_row[item] for _, item in part], np.int64)
        order = np.argsort(rows, kind="stable")
        return Events(rows[order], columns[order], (len(users), len(items)))

    asked = np.array([user_row[user] for user in dict.fromkeys(user for user, _ in parts["test"])], np.int64)
    candidates = np.array([item_row[item] for item in shown], np.int64)
    return Split(users, items, events(known), asked, candidates, events(parts["valid"]) if parts["valid"] else None)


def pairs(path: Path) -> list[tuple[str, str]]:
    """(user, item) of each line; none where there is no file."""
    if not path.exists():
        return []
    lines = (line.split("\t") for line in path.read_text(encoding="utf-8").split("\n") if line)
    return [(user, item) for user, item, *_ in lines]


def rank(scores: NDArray[Any], seen: sparse.csr_matrix, shown: Ints, depth: int) -> tuple[Ints, NDArray[Any]]:
    """(users, depth) the best unseen items that may be shown, and their scores; -inf where a list ends."""
    held = np.full(scores.shape, -np.inf, np.float64)
    held[:, shown] = scores[:, shown]
    held[seen.nonzero()] = -np.inf
    held[~np.isfinite(held)] = -np.inf
    depth = min(depth, held.shape[1])
    best = np.sort(np.argpartition(-held, depth - 1, axis=1)[:, :depth], axis=1)
    order = np.argsort(-np.take_along_axis(held, best, axis=1), axis=1, kind="stable")
    best = np.take_along_axis(best, order, axis=1)
    return best, np.take_along_axis(held, best, axis=1)


def blocks(users: Ints, size: int = 500) -> list[Ints]:
    return np.array_split(users, max(1, -(-len(users) // size)))


def write_run(path: Path, split: Split, scorer: Scorer) -> None:
    """Lists of user, item and score, best first; an item that the model cannot score is not listed."""
    seen = split.known.matrix()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for block in blocks(split.asked):
            best, scores = rank(scorer(block), seen[block], split.candidates, DEPTH)
            for row, place in zip(*np.nonzero(np.isfinite(scores)), strict=True):
                user, item = split.users[block[row]], split.items[best[row, place]]
                file.write(f"{user}\t{item}\t{scores[row, place]:.9g}\n")
