"""What kinds of things items are, by one column of theirs."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from engine.config import Data
from engine.errors import DataError
from engine.history import Histories, Matrix


def column_of(data: Data, named: str | None) -> str:
    """The column that kinds are read from: the one named, or else the category, or else the first attribute.

    Raises DataError where there is none.
    """
    found = named or data.category or next(iter(data.attributes), None)
    if found is None:
        raise DataError("calibrated lists need a column of kinds: name it in diversity.column")
    return found


def shares(items: pl.DataFrame, column: str) -> Matrix:
    """(items, kinds) what part of an item is of each kind: rows sum to 1, or to 0 where nothing is said.

    Raises DataError for a column that is not there or holds no texts.
    """
    if column not in items.columns or items.schema[column] not in (pl.String, pl.List(pl.String)):
        usable = [name for name, kind in items.schema.items() if kind in (pl.String, pl.List(pl.String))]
        raise DataError(f"diversity: items have no column {column!r} of kinds; there are {', '.join(usable)}")
    cells = items.select(kind=column).with_row_index("item")
    table = cells.explode("kind") if items.schema[column] == pl.List(pl.String) else cells
    table = table.drop_nulls().unique(maintain_order=True)
    names = table["kind"].unique().sort()
    rows, columns = table["item"].to_numpy(), names.search_sorted(table["kind"]).to_numpy()
    each = 1 / np.maximum(np.bincount(rows, minlength=items.height), 1)[rows]
    return sparse.csr_array((each.astype(np.float32), (rows, columns)), shape=(items.height, len(names)))


def wanted(shares: Matrix, histories: Histories) -> NDArray[np.float64]:
    """(users, kinds) the share of each kind in each history, where an item counts as often as it was chosen.

    A row is 0 for a history that is empty or of no kind.
    """
    ones = np.ones(len(histories.items))
    events = sparse.csr_array((ones, histories.items, histories.indptr), shape=(len(histories), histories.n_items))
    total = (events @ shares).toarray().astype(np.float64)
    found: NDArray[np.float64] = total / np.maximum(total.sum(1, keepdims=True), 1e-12)
    return found
