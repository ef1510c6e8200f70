"""Filters on what items are: `{"brand": "Nike", "price": (None, 500), "colour": ["white", "black"]}`."""

from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.errors import DataError


def mask(items: pl.DataFrame, where: Mapping[str, Any] | None) -> NDArray[np.bool_]:
    """(items,) which rows pass every condition: a value, a list of values of which one must hold, or (low, high).

    A category matches itself and everything below it. Raises DataError for a column that items do not have.
    """
    keep = pl.lit(value=True)
    for column, wanted in (where or {}).items():
        if column not in items.columns or column in ("text", "image"):
            usable = [name for name in items.columns if name not in ("text", "image")]
            raise DataError(f"where: items have no column {column!r}; there are {', '.join(usable)}")
        keep = keep & _condition(column, items.schema[column], wanted)
    passed = items.with_columns(keep.fill_null(value=False).alias("keep"))["keep"]
    return np.asarray(passed.to_numpy(), bool)


def _condition(column: str, dtype: pl.DataType, wanted: Any) -> pl.Expr:
    cell = pl.col(column)
    if dtype.is_numeric():
        if isinstance(wanted, (tuple, list)) and len(wanted) == 2:
            low, high = wanted
            return cell.is_between(-inf if low is None else low, inf if high is None else high)
        return cell.eq(wanted)
    values = [str(value) for value in (wanted if isinstance(wanted, (list, tuple, set)) else [wanted])]
    if dtype == pl.List(pl.String):
        return cell.list.set_intersection(pl.lit(values, dtype=pl.List(pl.String))).list.len() > 0
    below = [cell.str.starts_with(f"{value} > ") for value in values]
    return pl.any_horizontal(cell.is_in(values), *below)
