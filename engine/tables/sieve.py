"""Raw tables through a sieve: bad rows are dropped and bad cells noted, each with its line and reason."""

from difflib import get_close_matches

import polars as pl

from engine.config import Data
from engine.errors import DataError
from engine.tables import columns
from engine.tables.readers import Table, reject_rows

OPTIONAL = ("title", "text", "image", "value", "time")
"""Keys of [data] whose default column may be absent."""


class Sieve:
    """Drops bad rows of a table and notes bad cells, each with its line and reason."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.keep = pl.repeat(True, len(table.lines), eager=True)
        self.parts = [table.rejects]

    def drop(self, bad: pl.Series, field: str, reason: str) -> None:
        """Reject the rows where `bad` is true, if they are still there."""
        self.note(bad, field, reason)
        self.keep &= ~bad

    def note(self, bad: pl.Series, field: str, reason: str) -> None:
        """Report the cells where `bad` is true, if their rows are still there."""
        bad = bad & self.keep
        if bad.any():
            values = columns.shown(self.table.frame[field].filter(bad))
            self.parts.append(reject_rows(self.table.name, self.table.lines.filter(bad), field, reason, values))

    def ids(self, field: str) -> pl.Series:
        """Ids of a column; rows without one are dropped."""
        ids = columns.ids(self.table.frame[field])
        self.drop(ids.is_null(), field, "empty id")
        self.drop((ids.str.len_chars() > columns.LONGEST_ID).fill_null(False), field, "longer than 1,000 characters")
        return ids

    def cut(self, field: str) -> pl.Series:
        """A column whose long texts are cut off and reported."""
        column = self.table.frame[field]
        long = columns.too_long(column)
        if not long.any():
            return column
        self.note(long, field, "longer than 1,000,000 characters; the rest is cut off")
        return column.str.slice(0, columns.LONGEST_TEXT)

    def result(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The kept rows of `frame`, and all rejects in order of line."""
        return frame.filter(self.keep), pl.concat(self.parts).sort("line", maintain_order=True)


def drop_repeats(sieve: Sieve, ids: pl.Series, field: str) -> None:
    repeated = pl.repeat(False, len(ids), eager=True)
    if len(ids):
        repeated = ids.is_not_null() & ~ids.is_first_distinct()
    sieve.drop(repeated, field, "id stands in an earlier row, which is kept")


def find(table: Table, key: str, name: str | None, partial: bool = False) -> str | None:
    """The column `name` if it is there. None if it is "", or may be absent: any of a partial table, a default name."""
    if not name or name in table.frame.columns:
        return name or None
    default = Data.model_fields[key].default
    if partial or (key in OPTIONAL and name in (default if isinstance(default, tuple) else (default,))):
        return None
    raise missing(table, f"name the right one in data.{key} of the configuration", name)


def needed(table: Table, key: str, name: str) -> str:
    """The column `name`, which must be there whatever it is called."""
    if name not in table.frame.columns:
        raise missing(table, f"name the right one in data.{key} of the configuration", name)
    return name


def missing(table: Table, remedy: str, name: str) -> DataError:
    if not table.columns:
        return DataError(f"{table.name}: the table has no rows")
    close = get_close_matches(name, table.columns, n=1)
    hint = f" (did you mean `{close[0]}`?)" if close else ""
    there = ", ".join(table.columns) or "none"
    return DataError(f"{table.name}: there is no column `{name}`{hint}; the columns are: {there}; {remedy}")


def refuse_empty(table: Table | None, kept: pl.DataFrame, rejects: pl.DataFrame) -> None:
    if table is None or len(kept):
        return
    if rejects.is_empty():
        raise DataError(f"{table.name}: the table has no rows")
    first = rejects.row(0, named=True)
    raise DataError(
        f"{table.name}: no row can be used; the first: line {first['line']}, {first['field'] or 'the whole line'}: "
        f"{first['reason']} ({first['value']!r}); correct the table or the columns named in [data]"
    )
