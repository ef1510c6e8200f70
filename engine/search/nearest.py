"""The nearest of many vectors by an index: hierarchical small worlds (Malkov and Yashunin, 2018, by usearch).

It keeps a byte a number. scripts/bench/dense_index.py has how it was chosen, and what it misses. It is made once, with
the artefact, and mapped from there by every process that asks.

A change makes another `Nearest`, which shares the index: rows that changed since are left out of what it finds, and
given beside it. When they have become many, a copy of the index learns them.
"""

from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from encoders import Vectors
from engine.errors import ArtifactError

LATE = 10_000
"""Changed rows beside an index; when there are more, it learns them."""
NEAREST = 400
"""How many the index is asked for."""
LINKS, WIDTH, EXPANSION = 16, 128, 512
"""Of the index: neighbours an item, and how many are looked at to place one and to find one."""

Rows = NDArray[np.int64]


def opened(path: Path) -> Index:
    """The index in a file, mapped: pages are read on first use. Raises ArtifactError where there is none in it."""
    try:
        index = Index.restore(str(path), view=True, connectivity=LINKS, expansion_search=EXPANSION)
    except (ValueError, RuntimeError) as error:
        raise ArtifactError(f"{path}: expected an index of vectors, found none ({error}); build it again") from None
    if index is None:
        raise ArtifactError(f"{path}: expected an index of vectors, found none; build it again")
    return index


@dataclass(frozen=True)
class Nearest:
    """An index over the rows of an earlier matrix, and which rows of the present one it does not know."""

    index: Index
    lock: Lock
    """The library lets one search at a time use the same scratch memory."""
    vectors: Vectors
    late: NDArray[np.bool_]
    """(items,) rows that changed since the index was made."""

    def save(self, path: Path) -> None:
        """Write the index to a file, with every row."""
        known = self.learned() if self.late.any() else self
        with known.lock:
            known.index.save(str(path))

    @classmethod
    def of(cls, vectors: Vectors) -> "Nearest":
        index = Index(
            ndim=vectors.shape[1],
            metric="ip",
            dtype="i8",
            connectivity=LINKS,
            expansion_add=WIDTH,
            expansion_search=EXPANSION,
        )
        there = np.flatnonzero(vectors.any(axis=1))  # nothing is near to an item without a text, or a picture
        index.add(there, vectors[there], threads=1)
        return cls.over(index, vectors)

    @classmethod
    def over(cls, index: Index, vectors: Vectors) -> "Nearest":
        """An index that knows all of these vectors."""
        return cls(index, Lock(), vectors, np.zeros(len(vectors), bool))

    def find(self, query: Vectors) -> Rows:
        """Rows of the nearest that it finds, and of all that changed since."""
        with self.lock:
            found = self.index.search(query, NEAREST, threads=1).keys.astype(np.int64)
        return np.concatenate([found[~self.late[found]], np.flatnonzero(self.late)])

    def without(self, rows: Rows, vectors: Vectors) -> "Nearest":
        """After a change of these rows, to those in `vectors`."""
        late = np.pad(self.late, (0, len(vectors) - len(self.late)))
        late[rows] = True
        changed = Nearest(self.index, self.lock, vectors, late)
        return changed if late.sum() <= LATE else changed.learned()

    def learned(self) -> "Nearest":
        """The same with an index that knows every row."""
        with self.lock:
            index = self.index.copy()
        changed, vectors = np.flatnonzero(self.late), self.vectors
        index.remove(changed[index.contains(changed)], threads=1)
        there = changed[vectors[changed].any(axis=1)]
        index.add(there, vectors[there], threads=1)
        return Nearest.over(index, vectors)
