"""What else those chose who chose this: co-occurrence, where long histories and popular items say less.

    S = D_i^-a X' D_u^-g X D_i^-b,  each row cut to its largest

with X (users, items), D_u the lengths of histories and D_i the popularities. Item kNN by cosine is a = b = .5, g = 0; a
low-pass filter of the graph of users and items is a = b = .5, g = 1 (GF-CF, Shen et al., CIKM 2021).
"""

import numpy as np
from scipy import sparse

from engine.candidates.base import ItemToItem
from engine.config import Neighbours
from engine.history import Histories, Matrix

NAME = "neighbours"
BLOCK = 2048
"""Items whose neighbours are counted at once, so that memory does not grow with the square of the catalogue."""


def fit(histories: Histories, config: Neighbours) -> ItemToItem:
    """Time grows with the sum of squared history lengths; memory with items times `keep`."""
    chosen = histories.seen()
    popularity = np.maximum(np.bincount(chosen.indices, minlength=chosen.shape[1]), 1).astype(np.float32)
    length = np.maximum(np.diff(chosen.indptr), 1).astype(np.float32)
    weighed = sparse.diags_array(length**-config.length) @ chosen @ sparse.diags_array(popularity**-config.power)
    whose = sparse.csr_array((chosen @ sparse.diags_array(popularity**-config.history)).T)
    weighed, blocks = sparse.csr_array(weighed), []
    for start in range(0, whose.shape[0], BLOCK):
        block = sparse.csr_array(whose[start : start + BLOCK] @ weighed)
        block.setdiag(0, k=start)  # an item is no neighbour of its own
        blocks.append(largest(block, config.keep))
    return ItemToItem(NAME, config.half_lives, sparse.csr_array(sparse.vstack(blocks, dtype=np.float32)))


def largest(matrix: Matrix, keep: int) -> Matrix:
    """The `keep` largest of each row; ties go to the earlier column."""
    matrix.eliminate_zeros()
    matrix.sort_indices()
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((-matrix.data, rows))
    place = np.arange(matrix.nnz) - matrix.indptr[rows]
    kept = np.sort(order[place < keep])
    return sparse.csr_array((matrix.data[kept], (rows[kept], matrix.indices[kept])), shape=matrix.shape)
