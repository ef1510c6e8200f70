"""Raw columns of any type, as ids, texts, lists, numbers and times. A cell that cannot be read is null, no error."""

from collections.abc import Sequence
from datetime import datetime
from math import isnan

import numpy as np
import polars as pl

_LISTS = (list, tuple, set, np.ndarray)
LONGEST_TEXT = 1_000_000
"""Characters of a cell; what is beyond is cut off."""
LONGEST_ID = 1000
"""Characters of an id; a longer one is no id but a broken row."""

_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y/%m/%d %H:%M:%S%.f")
_DATES_WITH_ZONE = "%Y-%m-%d %H:%M:%S%.f%#z"


def from_values(values: Sequence[object]) -> pl.Series:
    """Python values of whatever types as a column: of one type where they have one, else of lists, else of strings."""
    given = {type(value) for value in values if value is not None}
    if given & set(_LISTS):
        return pl.Series([_strings(value) for value in values], dtype=pl.List(pl.String))
    if given == {int, float}:
        values, given = [None if value is None else float(value) for value in values], {float}  # type: ignore[arg-type]
    if len(given) <= 1 and given <= {int, float, str, datetime}:
        try:
            return pl.Series(list(values))
        except (pl.exceptions.PolarsError, OverflowError, TypeError, ValueError):
            pass  # an integer beyond 64 bits, a lone surrogate, two time zones
    return pl.Series([_string(value) for value in values], dtype=pl.String)


def _strings(value: object) -> list[str | None] | None:
    if value is None:
        return None
    members = list(value) if isinstance(value, _LISTS) else [value]
    return [_string(member) for member in members]


def ids(column: pl.Series) -> pl.Series:
    """Ids as strings without blanks around them, null where there is none; 7.0 is "7", as tables with gaps hold it."""
    if column.dtype.is_float():
        whole = column.cast(pl.Int64, strict=False)
        is_whole = (whole.cast(pl.Float64) == column.cast(pl.Float64)).fill_null(False)
        shown = pl.DataFrame({"whole": whole.cast(pl.String), "given": column.fill_nan(None).cast(pl.String)})
        return shown.select(pl.when(is_whole).then("whole").otherwise("given").alias(column.name)).to_series()
    stripped = _plain(column).str.strip_chars()
    return stripped.set(stripped == "", None)


def texts(column: pl.Series) -> pl.Series:
    """Texts, "" for null; a list is joined by commas."""
    return _plain(column).fill_null("").str.strip_chars()


def lists(column: pl.Series, separator: str | None = None) -> pl.Series:
    """list[str] without blanks and repeats, [] for null; a single value is a list of one, or of the parts between
    separators.
    """
    if isinstance(column.dtype, pl.Array):
        column = column.arr.to_list()
    if isinstance(column.dtype, pl.List):
        values = column if _castable(column.dtype.inner) else _strings_of(column)
    elif separator is not None:
        values = _plain(column).str.split(separator)
    else:
        plain = _plain(column)
        values = plain.to_frame().select(pl.concat_list(plain.name)).to_series()
    stripped = values.list.eval(pl.element().cast(pl.String, strict=False).str.strip_chars())
    kept = stripped.list.eval(pl.element().filter(pl.element() != "")).list.unique(maintain_order=True)
    return kept.fill_null([]).alias(column.name)


def numbers(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Finite numbers as f64 or null, and where a value was given that is none (a boolean column)."""
    column = _unlisted(column)
    plain = _plain(column).str.strip_chars() if not column.dtype.is_numeric() else column
    values = plain.cast(pl.Float64, strict=False)
    finite = values.is_finite().fill_null(False)
    given = plain.is_not_null() if column.dtype.is_numeric() else plain.fill_null("") != ""
    return values.set(~finite, None), given & ~finite


def times(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Unix seconds as i64 or null, and where a value was given that is no time.

    Numbers are seconds; dates and ISO 8601 date-times without a zone are UTC.
    """
    column = _unlisted(column)
    if column.dtype.is_temporal():
        if isinstance(column.dtype, pl.Duration | pl.Time):
            return pl.Series(column.name, [None] * len(column), dtype=pl.Int64), column.is_not_null()
        return column.cast(pl.Datetime("us")).dt.epoch("s"), pl.repeat(False, len(column), eager=True)
    values, bad = numbers(column)
    seconds = values.floor().cast(pl.Int64, strict=False)
    if bad.any() and column.dtype == pl.String:
        seconds = seconds.zip_with(~bad, _dates(column))
    return seconds, seconds.is_null() & (values.is_not_null() | bad)


def _dates(column: pl.Series) -> pl.Series:
    text = pl.col("text")
    plain = [text.str.to_datetime(form, time_unit="us", strict=False, exact=True) for form in _DATES]
    zoned = text.str.to_datetime(_DATES_WITH_ZONE, time_unit="us", strict=False).dt.replace_time_zone(None)
    shown = column.str.strip_chars().str.replace("T", " ", literal=True).str.replace("Z$", "+00:00")
    return shown.alias("text").to_frame().select(pl.coalesce(*plain, zoned).dt.epoch("s")).to_series()


def too_long(column: pl.Series) -> pl.Series:
    """Where a cell has more than LONGEST_TEXT characters (a boolean column)."""
    if column.dtype != pl.String:
        return pl.repeat(False, len(column), eager=True)
    return (column.str.len_bytes() > LONGEST_TEXT).fill_null(False) & (column.str.len_chars() > LONGEST_TEXT)


def shown(column: pl.Series) -> pl.Series:
    """Cells as a person would read them in a report, at most 200 characters."""
    return _plain(column).str.slice(0, 200)


def _plain(column: pl.Series) -> pl.Series:
    """The column as strings; null where a cell has no text form."""
    if column.dtype == pl.String:
        return column
    if isinstance(column.dtype, pl.List | pl.Array):
        return lists(column).list.join(", ")
    return column.cast(pl.String, strict=False) if _castable(column.dtype) else _by_value(column)


def _castable(dtype: pl.DataType | pl.datatypes.DataTypeClass) -> bool:
    return not isinstance(dtype, pl.List | pl.Array | pl.Struct | pl.Object | pl.Binary)


def _by_value(column: pl.Series) -> pl.Series:
    """One value at a time, for types that polars cannot show; bytes are read as UTF-8."""
    return pl.Series(column.name, [_string(value) for value in column.to_list()], dtype=pl.String)


def _strings_of(column: pl.Series) -> pl.Series:
    rows = [None if row is None else [_string(value) for value in row] for row in column.to_list()]
    return pl.Series(column.name, rows, dtype=pl.List(pl.String))


def _string(value: object) -> str | None:
    if isinstance(value, float) and isnan(value):  # how pandas and JSON write nothing
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return None if value is None else str(value).encode("utf-8", errors="replace").decode("utf-8")


def _unlisted(column: pl.Series) -> pl.Series:
    return column if _castable(column.dtype) else _plain(column)
