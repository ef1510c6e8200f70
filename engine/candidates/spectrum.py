"""The leading directions of a sparse matrix, the same every time."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import qr, svd
from scipy.sparse.linalg import LinearOperator, eigsh


def leading(matrix: "sparse.csr_array[np.float64]", rank: int) -> NDArray[np.float32]:
    """(columns, at most `rank`) leading right singular vectors of (rows, columns): orthonormal, the strongest first.

    By Lanczos on the smaller Gram matrix, as scipy's `svds`, which cannot be told how to begin anew: where directions
    are equally strong, as of a few categories of one size, it would give others every time.
    """
    rows, columns = matrix.shape
    rank = min(rank, rows - 1, columns - 1)
    if rank < 1 or not matrix.nnz:
        return np.zeros((columns, 0), np.float32)
    tall = rows >= columns
    inner, outer = (matrix, matrix.T) if tall else (matrix.T, matrix)
    size = min(rows, columns)

    def squared(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(outer @ (inner @ x))

    gram = LinearOperator((size, size), matvec=squared, dtype=np.float64)
    _, vectors = eigsh(gram, rank, v0=np.ones(size), rng=np.random.default_rng(0))
    basis, _ = qr(vectors, mode="economic")  # those of equal strength may come out not quite orthogonal
    left, strength, right = svd(inner @ basis, full_matrices=False)
    real = strength > 1e-6 * strength[0]  # what is beyond the rank of the matrix points anywhere
    return np.ascontiguousarray((basis @ right.T if tall else left)[:, real], dtype=np.float32)
