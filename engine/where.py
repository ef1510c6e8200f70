"""Filters on what items are: `{"brand": "Nike", "price": (None, 500), "colour": ["white", "black"]}`."""

import json
from collections.abc import Mapping
from math import inf
from numbers import Real
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.errors import DataError
from engine.tables.items import described


def parse(text: str) -> dict[str, Any]:
    """Conditions written as a JSON object; none for an empty text. Raises DataError for anything else."""
    if not text.strip():
        return {}
    try:
        conditions = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f'where: not JSON ({error}); write for instance {{"brand": "Nike"}}') from None
    if not isinstance(conditions, dict):
        raise DataError('where: an object is wanted, for instance {"brand": "Nike", "price": [null, 500]}')
    return conditions


def mask(items: pl.DataFrame, where: Mapping[str, Any] | None, of: str = "items") -> NDArray[np.bool_]:
    """(items,) which rows pass every condition: a value, a list of values of which one must hold, or (low, high).

    A category matches itself and everything below it. The same for a table `of` users. Raises DataError for a column
    that is not there, or a value that the column cannot be compared with.
    """
    if not where:
        return np.ones(items.height, bool)
    keep = pl.lit(value=True)
    for column, wanted in where.items():
        usable = [name for name in items.columns if name in ("item_id", "title", *described(items.columns))]
        if column not in usable:
            raise DataError(f"where: {of} have no column {column!r}; there are {', '.join(usable)}")
        keep = keep & _condition(column, items.schema[column], wanted)
    passed = items.with_columns(keep.fill_null(value=False).alias("keep"))["keep"]
    return np.asarray(passed.to_numpy(), bool)


def _condition(column: str, dtype: pl.DataType, wanted: Any) -> pl.Expr:
    cell = pl.col(column)
    if dtype.is_numeric():
        if isinstance(wanted, (tuple, list)) and len(wanted) == 2:
            low, high = (None if bound is None else _number(column, bound) for bound in wanted)
            return cell.is_between(-inf if low is None else low, inf if high is None else high)
        return cell.eq(_number(column, wanted))
    values = [_text(column, value) for value in (wanted if isinstance(wanted, (list, tuple, set)) else [wanted])]
    if dtype == pl.List(pl.String):
        return cell.list.set_intersection(pl.lit(values, dtype=pl.List(pl.String))).list.len() > 0
    below = [cell.str.starts_with(f"{value} > ") for value in values]
    return pl.any_horizontal(cell.is_in(values), *below)


def _number(column: str, value: Any) -> float:
    # A text would be taken by polars for the name of a column.
    if isinstance(value, bool) or not isinstance(value, Real):
        raise DataError(f"where: {column!r} holds numbers: give one, or [low, high] with null for open (got {value!r})")
    try:
        return float(value)
    except OverflowError:
        raise DataError(f"where: the number for {column!r} is too large") from None


def _text(column: str, value: Any) -> str:
    if not isinstance(value, (str, Real)) or _has_surrogates(str(value)):
        raise DataError(f"where: {column!r} takes a text or a list of texts (got {value!r})")
    return str(value)


def _has_surrogates(text: str) -> bool:
    """Halves of characters, which JSON can write as escapes but no table can hold."""
    return any("\ud800" <= character <= "\udfff" for character in text)
