"""Results as a table for people, or as JSON, CSV, JSON lines or a file for programs."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.output import err, say, show, show_json
from engine.errors import DataError

if TYPE_CHECKING:
    import polars as pl


class Format(StrEnum):
    """How rows are printed."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


As = Annotated[Format, typer.Option("--format", help="How to print the rows.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Write them to this file instead: .csv, .json, .jsonl or .parquet.", show_default=False),
]

SUFFIXES = (".csv", ".json", ".jsonl", ".parquet")


def give(frame: "pl.DataFrame", form: Format, to: Path | None = None) -> None:
    """Print the rows, or write them to a file whole or not at all."""
    if to is not None:
        write(frame, to)
        say(f"{frame.height} rows: {to}")
    elif form is Format.json:
        show_json(frame.to_dicts())
    elif form is Format.jsonl:
        _print("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in frame.iter_rows(named=True)))
    elif form is Format.csv:
        _print(_flat(frame).write_csv())
    else:
        show(frame.columns, [[cell(value) for value in row] for row in frame.iter_rows()])
        if not frame.height:
            err.print("no rows")


def _print(text: str) -> None:
    """Text as it is; flushed here, where a closed pipe is still an error that is handled."""
    sys.stdout.write(text)
    sys.stdout.flush()


def write(frame: "pl.DataFrame", to: Path) -> None:
    """Write rows to a file; the suffix says how."""
    from graph.files.atomic import written_file

    suffix = to.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"--out {to}: the name must end in one of {', '.join(SUFFIXES)}")
    with written_file(to) as aside:
        if suffix == ".parquet":
            frame.write_parquet(aside)
        elif suffix == ".csv":
            _flat(frame).write_csv(aside)
        elif suffix == ".json":
            aside.write_text(json.dumps(frame.to_dicts(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        else:
            frame.write_ndjson(aside)


def cell(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def _flat(frame: "pl.DataFrame") -> "pl.DataFrame":
    """CSV has no lists and no structures: they become JSON."""
    import polars as pl

    nested = [name for name, dtype in frame.schema.items() if dtype.is_nested()]
    return frame.with_columns(
        pl.Series(
            name, [None if value is None else json.dumps(value, ensure_ascii=False) for value in frame[name].to_list()]
        )
        for name in nested
    )
