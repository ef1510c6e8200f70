"""EASE among many items: each item is regressed on those alone that say most about it, so that no matrix is square.

EASE's column of an item is the ridge regression of who chose it on who chose each of the others. Here the others are at
most `keep` items, those whose regression alone would explain most, x_i.x_j / sqrt(x_i.x_i + l2); with all of them it is
EASE. The columns together are an approximate inverse of the Gram matrix with a fixed pattern of zeros, each column
solved exactly on its pattern, as in the sparse Markov networks of Steck (NeurIPS 2019) and SANSA (Spisak et al., RecSys
2023).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.candidates.neighbours import largest
from engine.history import Matrix

BLOCK = 1024
"""Items whose products are held at once."""
BATCH_FLOATS = 4_000_000
"""Most floats of systems that are solved at once (16 MB)."""


def weights(chosen: Matrix, l2: float, keep: int) -> Matrix:
    """(items, items) weights, at most `keep` in each column and none on the diagonal; `chosen` is (users, items).

    Time grows with items times `keep` cubed and with the sum of squared history lengths; memory with items times
    `keep`, and with the pairs of items that anybody chose together.
    """
    near, pairs = products(chosen, l2, keep)
    data = np.empty(near.nnz, np.float32)
    widths = np.diff(near.indptr)
    order = np.argsort(widths, kind="stable")  # systems of about one size are solved together
    start = int(np.searchsorted(widths[order], 1))
    while start < len(order):
        most = int(widths[order[start]] * 1.25) + 1
        stop = int(np.searchsorted(widths[order], most, side="right"))
        items = order[start : min(stop, start + max(1, BATCH_FLOATS // most**2))]
        at, found = solved(near, pairs, items, l2)
        data[at] = found
        start += len(items)
    columns = sparse.csr_array((data, near.indices, near.indptr), shape=near.shape)
    return sparse.csr_array(columns.T)


@dataclass(frozen=True)
class Pairs:
    """x_i.x_j of every two items that anybody chose together, each once, beside x_i.x_i.

    A pair is in the row of the item of fewer partners, so that no row is long: rows of the items that are everybody's
    neighbours would be read again and again.
    """

    own: NDArray[np.float32]
    """(items,)"""
    other: Matrix
    """(items, items)"""
    place: NDArray[np.int32]
    """(items,) room to look up where an item is among a few; -1 between two uses."""

    def among(self, items: NDArray[np.int32], out: NDArray[np.float32]) -> None:
        """Write the products among some items into `out` (items, items), which is zero."""
        self.place[items] = np.arange(len(items))
        starts, stops = self.other.indptr[items], self.other.indptr[items + 1]
        lengths = stops - starts
        entry = np.arange(lengths.sum()) + np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        column = self.place[self.other.indices[entry]]
        real = column >= 0
        row, column, value = np.repeat(np.arange(len(items)), lengths)[real], column[real], self.other.data[entry[real]]
        out[row, column] = out[column, row] = value
        np.fill_diagonal(out, self.own[items])
        self.place[items] = -1


def products(chosen: Matrix, l2: float, keep: int) -> tuple[Matrix, Pairs]:
    """(items, items) with the `keep` items that say most of each in its row, and the products of all pairs."""
    n = chosen.shape[1]
    whose = sparse.csr_array(chosen.T)
    own = np.asarray(whose.multiply(whose).sum(axis=1), np.float32).ravel()
    popularity = np.diff(whose.indptr)
    rank = np.empty(n, np.int64)
    rank[np.argsort(popularity, kind="stable")] = np.arange(n)
    worth = (1 / np.sqrt(own + l2)).astype(np.float32)
    near, other = [], []
    for start in range(0, n, BLOCK):
        block = sparse.csr_array(whose[start : start + BLOCK] @ chosen)
        rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        apart = block.indices != rows + start
        upwards = rank[block.indices] > rank[rows + start]
        other.append(part(block, rows, upwards, block.data))
        near.append(largest(part(block, rows, apart, block.data * worth[block.indices]), keep))
    joined = [sparse.csr_array(sparse.vstack(blocks, dtype=np.float32)) for blocks in (near, other)]
    return joined[0], Pairs(own, joined[1], np.full(n, -1, np.int32))


def part(block: Matrix, rows: NDArray[np.int64], kept: NDArray[np.bool_], values: NDArray[np.float32]) -> Matrix:
    """Some entries of a matrix, with other values; `rows` is the row of each."""
    return sparse.csr_array((values[kept], (rows[kept], block.indices[kept])), shape=block.shape)


def solved(
    near: Matrix, pairs: Pairs, items: NDArray[np.int64], l2: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Where the weights of some items lie in `near`, and the weights; the items are in order of how many they have."""
    starts, widths = near.indptr[items], np.diff(near.indptr)[items]
    width = int(widths[-1])
    products = np.zeros((len(items), 1 + width, 1 + width), np.float32)
    for one, item, first, size in zip(products, items.tolist(), starts.tolist(), widths.tolist(), strict=True):
        some = np.append(np.int32(item), near.indices[first : first + size])
        pairs.among(some, one[: 1 + size, : 1 + size])
    right, system = products[:, 1:, :1], products[:, 1:, 1:]
    real = np.arange(width) < widths[:, None]
    at = np.arange(width)
    system[:, at, at] += np.where(real, np.float32(l2), 1)  # padding stands alone, and gets nothing
    found = np.linalg.solve(system, right)[..., 0]
    return (starts[:, None] + at)[real], found[real]
