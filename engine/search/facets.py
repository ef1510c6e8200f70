"""Facets: what can be filtered by, with how many items each value would leave.

A count is exactly what the list would hold with that value as the only filter on its column: the query and the filters
on other columns apply, the column's own does not. So whoever chose white still sees how many are black.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from engine import where
from engine.errors import DataError
from engine.tables.items import described

RANGES = 5
"""Ranges of a column of numbers; as many values are told one by one."""
_BELOW = " > "

Value = str | tuple[float, float]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Count:
    """A value of a facet."""

    value: Value
    """As a filter takes it: a text, a category with its path, or the ends of a range of numbers, both included."""
    items: int
    chosen: bool
    """Whether it is among the filters now."""


@dataclass(frozen=True)
class Facet:
    """One column: its values with the most items, or its ranges from low to high; empty ones are left out."""

    column: str
    values: list[Count]
    others: int
    """How many more values have items."""


@dataclass(frozen=True)
class _Column:
    """Which items have which values of a column."""

    name: str
    values: list[Value]
    members: "sparse.csr_array[np.int64]"
    """(values, items)"""
    ordered: bool
    """Values come in an order of their own."""


class Facets:
    """The facets of one catalogue. Nothing in it is ever written."""

    def __init__(self, items: pl.DataFrame) -> None:
        self._items = items
        self._columns = [_column(items[name]) for name in described(items.columns)]

    def count(self, found: Mask, conditions: Mapping[str, Any] | None, n: int) -> list[Facet]:
        """Facets of the items that a query found, (items,), under conditions; `n` values each at most, and all ranges.

        A chosen value is told even where it has no item or is not among the first. Raises DataError as
        `where.mask` does, and for `n` below 1.
        """
        if n < 1:
            raise DataError(f"n must be at least 1, not {n}")
        conditions = dict(conditions or {})
        masks = {name: where.mask(self._items, {name: wanted}) for name, wanted in conditions.items()}
        facets = []
        for column in self._columns:
            others = [mask for name, mask in masks.items() if name != column.name]
            left = np.logical_and.reduce([found, *others])
            counts = (column.members @ left.astype(np.int64)).tolist()
            facets.append(_facet(column, counts, _chosen(conditions.get(column.name)), n))
        return [facet for facet in facets if facet.values]


def _facet(column: _Column, counts: list[int], chosen: list[Value], n: int) -> Facet:
    all_values = [
        Count(value, items, value in chosen)
        for value, items in zip(column.values, counts, strict=True)
        if items or value in chosen
    ]
    if not column.ordered:
        all_values.sort(key=lambda one: (-one.items, str(one.value)))
    shown = [one for at, one in enumerate(all_values) if at < n or one.chosen or column.ordered]
    return Facet(column.name, shown, len(all_values) - len(shown))


def _chosen(wanted: Any) -> list[Value]:
    """The values that a condition names, as a column of texts or of numbers has them."""
    if wanted is None:
        return []
    if isinstance(wanted, (list, tuple, set)):
        pair = list(wanted)
        if len(pair) == 2 and all(isinstance(bound, (int, float)) for bound in pair):
            return [(float(pair[0]), float(pair[1])), str(pair[0]), str(pair[1])]
        return [str(one) for one in pair]
    return [str(wanted), (float(wanted), float(wanted))] if isinstance(wanted, (int, float)) else [str(wanted)]


def _column(series: pl.Series) -> _Column:
    if series.dtype.is_numeric():
        return _ranges(series)
    cells = pl.DataFrame({"value": series}).with_row_index("row")
    if isinstance(series.dtype, pl.List):
        cells = cells.explode("value").drop_nulls()
    else:
        values = series.drop_nulls().unique()
        above = pl.DataFrame({"value": values, "above": [list(_above(value)) for value in values]})
        cells = cells.join(above.explode("above"), on="value").select("row", value="above")
    of_value = cells.group_by("value").agg("row")
    return _Column(series.name, of_value["value"].to_list(), _matrix(of_value["row"].to_list(), len(series)), False)


def _above(path: str) -> Iterator[str]:
    """A text and, where it is a path, all that it is below, as filters understand it."""
    at = path.find(_BELOW)
    while at >= 0:
        yield path[:at]
        at = path.find(_BELOW, at + 1)
    yield path


def _ranges(series: pl.Series) -> _Column:
    """Ranges of about equally many items each, cut at round numbers; each ends where the next one has not begun."""
    numbers = series.to_numpy().astype(np.float64)
    there = np.isfinite(numbers)
    values = np.unique(numbers[there])
    if len(values) <= RANGES:
        cuts = values
    else:
        inner = np.quantile(numbers[there], np.arange(1, RANGES) / RANGES, method="lower")
        cuts = np.unique([*(_rounded(cut) for cut in inner), values[-1]])
        cuts = cuts[cuts <= values[-1]]
    place = np.searchsorted(cuts, values)
    spans: list[Value] = []
    members = []
    for at in np.unique(place):
        low, high = values[place == at][[0, -1]].tolist()
        # A round end, where no item lies between it and the last one.
        spans.append((low, float(cuts[at]) if len(values) > RANGES else high))
        members.append(np.flatnonzero(there & (numbers >= low) & (numbers <= high)).tolist())
    return _Column(series.name, spans, _matrix(members, len(numbers)), ordered=True)


def _rounded(number: float) -> float:
    """A number with two digits that count."""
    return float(f"{number:.2g}")


def _matrix(rows: list[list[int]], n_items: int) -> "sparse.csr_array[np.int64]":
    indptr = np.cumsum([0, *map(len, rows)])
    columns = np.array([row for some in rows for row in some], np.int64)
    return sparse.csr_array((np.ones(len(columns), np.int64), columns, indptr), shape=(len(rows), n_items))
