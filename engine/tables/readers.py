"""Tables of any accepted form (csv, tsv, parquet, JSON lines, frames in memory) as raw columns with line numbers."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from engine.errors import DataError
from engine.tables import columns

SUFFIXES = {".csv": ",", ".tsv": "\t", ".parquet": "", ".jsonl": "", ".ndjson": ""}
REJECTS = {"file": pl.String, "line": pl.Int64, "field": pl.String, "reason": pl.String, "value": pl.String}
TableLike = Any
"""A polars or pandas frame, rows as dictionaries, or a Table that was read from a file."""

_ROWS_A_TIME = 50_000
_END = "end of the lines"


@dataclass(frozen=True)
class Table:
    """A table as it was given: nothing is checked but that each row has its cells."""

    name: str
    """What an error message calls it."""
    frame: pl.DataFrame
    """The columns asked for that are there, of any type (strings, if the file has no types)."""
    lines: pl.Series
    """Of each row, its line in a text file (1 is the first) or its number in another table (1 is the first)."""
    columns: tuple[str, ...]
    """Every column that the table has, for error messages."""
    separator: str | None
    """What stands between the values of a list, where cells cannot hold lists."""
    rejects: pl.DataFrame
    """Rows that could not be cut into cells: file, line, field, reason, value."""


def reject_rows(name: str, lines: Any, field: str, reason: str, values: Any) -> pl.DataFrame:
    """Rows of a rejects table, one for each of `lines`; values are cut to 200 characters."""
    cut = pl.Series(values, dtype=pl.String).str.slice(0, 200)
    size = len(cut)
    return pl.DataFrame(
        {"file": [name] * size, "line": lines, "field": [field] * size, "reason": [reason] * size, "value": cut},
        schema=REJECTS,
    )


def read_table(path: Path, wanted: Sequence[str] | None = None) -> Table:
    """Read the columns `wanted` (those that are there; all, if None) of a file; the suffix says its form.

    csv: comma, RFC 4180 quotes. tsv: tab, no quotes. Both UTF-8 with a header line, and `|` between the values of a
    list. jsonl, ndjson: an object a line. Raises DataError when the file as a whole is unreadable.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"{path}: the suffix {path.suffix!r} is not known; rename it to one of {', '.join(SUFFIXES)}")
    if path.is_dir():
        raise DataError(f"{path}: this is a folder, not a file; correct the path in [data] of the configuration")
    if not path.is_file():
        raise DataError(f"{path}: no such file; correct the path in [data] of the configuration")
    try:
        if suffix == ".parquet":
            return _parquet(path, wanted)
        data = path.read_bytes()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path}: cannot be read ({_first_line(error)}); write the file again") from None
    if suffix in (".jsonl", ".ndjson"):
        return _json_lines(str(path), data, wanted)
    return _delimited(str(path), data, SUFFIXES[suffix], wanted)


def in_memory(table: TableLike, name: str, wanted: Sequence[str] | None = None) -> Table:
    """The same of a table in memory: a polars or pandas frame, or dictionaries, which may lack keys."""
    if isinstance(table, Table):
        return table
    if isinstance(table, pl.LazyFrame):
        table = table.collect()
    if isinstance(table, pl.DataFrame):
        names, height, frame = table.columns, table.height, table.select(_there(wanted, table.columns))
    elif hasattr(table, "iloc") and hasattr(table, "columns"):  # pandas, which need not be installed
        names, height = [str(column) for column in table.columns], len(table)
        _refuse_repeats(name, names)
        frame = pl.DataFrame(
            {column: _of_pandas(table.iloc[:, names.index(column)]) for column in _there(wanted, names)}
        )
    else:
        rows = list(table) if isinstance(table, Iterable) else [table]
        if not all(isinstance(row, Mapping) for row in rows):
            raise DataError(f"{name}: a table is a polars or pandas frame or a list of dictionaries")
        height = len(rows)
        names, frame = _of_mappings(rows, wanted)
    return Table(name, frame, _numbers(height), tuple(names), None, pl.DataFrame(schema=REJECTS))


def _of_pandas(column: Any) -> pl.Series:
    if column.dtype != object:
        return pl.from_pandas(column.to_frame(name="column")).to_series()
    missing = column.isna().tolist()
    return columns.from_values([None if gone else value for value, gone in zip(column, missing, strict=True)])


def _parquet(path: Path, wanted: Sequence[str] | None) -> Table:
    names = pl.read_parquet_schema(path)
    frame = pl.read_parquet(path, columns=_there(wanted, list(names)))
    height = pl.scan_parquet(path).select(pl.len()).collect().item()
    return Table(str(path), frame, _numbers(height), tuple(names), None, pl.DataFrame(schema=REJECTS))


def _numbers(height: int) -> pl.Series:
    return pl.int_range(1, height + 1, eager=True)


def _json_lines(name: str, data: bytes, wanted: Sequence[str] | None) -> Table:
    text, broken = _decode(name, data)
    rows, lines, rejects = [], [], [broken]
    bad_lines = set(broken["line"].to_list())
    for number, line in enumerate(text.split("\n"), start=1):
        if number in bad_lines or not line.strip():
            continue
        row = _json_object(line)
        if row is None:
            rejects.append(reject_rows(name, [number], "", "not a JSON object", [line[:200]]))
            continue
        rows.append(row)
        lines.append(number)
    names, frame = _of_mappings(rows, wanted)
    return Table(name, frame, pl.Series(lines, dtype=pl.Int64), tuple(names), None, pl.concat(rejects))


def _json_object(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _of_mappings(rows: Sequence[Mapping[str, Any]], wanted: Sequence[str] | None) -> tuple[list[str], pl.DataFrame]:
    names = list(dict.fromkeys(str(key) for row in rows for key in row))
    series = {column: columns.from_values([row.get(column) for row in rows]) for column in _there(wanted, names)}
    return names, pl.DataFrame(series)


def _delimited(name: str, data: bytes, separator: str, wanted: Sequence[str] | None) -> Table:
    """Rows as lists of cells, then columns. A row that has not one cell for each column is rejected."""
    text, broken = _decode(name, data)
    rows = _quoted_rows(text) if separator == "," and '"' in text else _plain_rows(text, separator)
    if rows.is_empty():
        raise DataError(f"{name}: the file is empty; its first line must name the columns")
    header = [cell.strip() for cell in rows["cells"][0].to_list()]
    if rows["line"][0] in broken["line"]:
        raise DataError(f"{name}: the header line is not UTF-8; convert the file, for instance with iconv")
    _refuse_repeats(name, header)
    rows = rows.slice(1)
    if len(broken):
        rows = rows.filter(~_any_between(rows["line"], rows["last"], broken["line"]))
    fits = rows["cells"].list.len() == len(header)
    ragged = rows.filter(~fits)
    reasons = [
        reject_rows(name, [line], "", _misfit(len(cells), len(header)), [separator.join(cells)])
        for line, cells in ragged.select("line", "cells").iter_rows()
    ]
    rows = rows.filter(fits)
    frame = rows.select(pl.col("cells").list.get(header.index(c)).alias(c) for c in _there(wanted, header))
    return Table(name, frame, rows["line"], tuple(header), "|", pl.concat([broken, *reasons]))


def _misfit(cells: int, columns: int) -> str:
    return f"{cells} cells, but {columns} columns" if cells else "a quote without its end, or a stray carriage return"


def _plain_rows(text: str, separator: str) -> pl.DataFrame:
    """line, last, cells of text without quotes: a line is a row. Empty lines are no rows."""
    lines = pl.Series("cells", [text]).str.split("\n").explode().str.strip_suffix("\r")
    frame = lines.to_frame().with_row_index("line", offset=1).filter(pl.col("cells").str.strip_chars(" ") != "")
    line = pl.col("line").cast(pl.Int64)
    return frame.select(line, line.alias("last"), pl.col("cells").str.split(separator))


def _quoted_rows(text: str) -> pl.DataFrame:
    """The same of text with quotes, where a cell may hold separators and line ends. Slower, by the csv module."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + len(_END) + 1))
    numbered = _numbered(text)
    parts = [pl.DataFrame(schema={"line": pl.Int64, "last": pl.Int64, "cells": pl.List(pl.String)})]
    while batch := list(islice(numbered, _ROWS_A_TIME)):
        first, last, cells = zip(*batch, strict=True)
        parts.append(pl.DataFrame({"line": first, "last": last, "cells": _lists(cells)}, parts[0].schema))
    return pl.concat(parts)


def _lists(rows: Sequence[list[str]]) -> pl.Series:
    """A column of lists. Made of offsets and values: polars would take each list for a column of its own."""
    offsets = np.cumsum([0, *map(len, rows)])
    values = pa.array(chain.from_iterable(rows), pa.large_string())
    return pl.Series(pl.from_arrow(pa.LargeListArray.from_arrays(offsets, values)))


def _numbered(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """First line, last line and cells of each row; no cells where the row is not csv.

    A quote that nothing closes would take in the rest of the file: it costs its line only.
    """
    size, skipped, reader = text.count("\n") + 1, 0, _csv_reader(text, 0)
    last = 0
    while True:
        first = last + 1
        try:
            cells = next(reader)
        except csv.Error:  # a carriage return in the middle of a line
            cells = []
            yield first, skipped + reader.line_num, cells
        last = skipped + reader.line_num
        if last > size:
            if cells == [_END]:
                return
            yield first, first, []
            last = skipped = first
            reader = _csv_reader(text, skipped)
        elif len(cells) > 1 or any(cell.strip(" ") for cell in cells):
            yield first, last, cells


def _csv_reader(text: str, skipped: int) -> Any:
    """Rows after the first lines, then one row of `_END`, if no quote is open there."""
    return csv.reader(islice(StringIO(f"{text}\n{_END}", newline="\n"), skipped, None))


def _any_between(first: pl.Series, last: pl.Series, lines: pl.Series) -> pl.Series:
    """Where one of `lines` (ascending) is in first .. last."""
    return lines.search_sorted(first, side="left") < lines.search_sorted(last, side="right")


def _decode(name: str, data: bytes) -> tuple[str, pl.DataFrame]:
    """Text of UTF-8 bytes, and the lines that are not UTF-8 as rejects; their text is replaced, line ends stay."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{name}: the file is UTF-16; convert it to UTF-8, for instance with iconv")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8"), pl.DataFrame(schema=REJECTS)
    except UnicodeDecodeError:
        bad = [(number, line) for number, line in enumerate(data.split(b"\n"), start=1) if not _is_utf8(line)]
    shown = [line[:200].decode("utf-8", errors="replace") for _, line in bad]
    rejects = reject_rows(name, [number for number, _ in bad], "", "not UTF-8", shown)
    return data.decode("utf-8", errors="replace"), rejects


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _there(wanted: Sequence[str] | None, names: Sequence[str]) -> list[str]:
    return list(names) if wanted is None else [column for column in wanted if column in names]


def _refuse_repeats(name: str, header: Sequence[str]) -> None:
    seen: set[str] = set()
    for column in header:
        if column in seen:
            raise DataError(f"{name}: more than one column is called {column!r}; rename the others")
        seen.add(column)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300]
