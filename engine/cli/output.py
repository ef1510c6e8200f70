"""What the command line prints: text, tables, JSON, and one message for a mistake."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from engine.errors import DataError, WeftError

MOST = 1000
"""Items of a list that may be asked for at a time."""
_PIPED = 2000
"""Columns of a table that goes to a file or another command: nothing is cut or wrapped there."""
_SHORT = 20
"""Characters of a cell that is never wrapped."""


def _console(stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPED
    # Titles and ids are data: nothing in them is markup or an emoji code.
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


out, err = _console(stderr=False), _console(stderr=True)


class Polite(TyperGroup):
    """Commands that end with one message and code 2, not with a traceback, on a mistake of a person."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a terminal that cannot show a character gets its code instead
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # `| head` has had enough: typer ends quietly
        except OSError as error:
            warn(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        except UnicodeEncodeError as error:
            warn(f"{error.object!r} is not UTF-8")
        except WeftError as error:
            warn(str(error))
        except Exception as error:
            if not _is_of_the_floors_below(error):
                raise
            warn(str(error))
        raise typer.Exit(2)


def _is_of_the_floors_below(error: Exception) -> bool:
    """Is it an EncoderError or a GraphError? Their floors take seconds to import, so only if they are imported."""
    roots = (("encoders.errors", "EncoderError"), ("graph.errors", "GraphError"))
    return isinstance(error, tuple(getattr(sys.modules[floor], name) for floor, name in roots if floor in sys.modules))


def example(*lines: str) -> str:
    r"""Commands to copy, for the end of a help page; \b keeps them on lines of their own."""
    return "\b\n" + "\n".join(["Example:" if len(lines) == 1 else "Examples:", *(f"  {line}" for line in lines)])


def plain(text: str) -> str:
    """A text without characters that steer a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def say(text: str) -> None:
    """A line of output, never wrapped, so that a path or command in it can be copied."""
    out.print(plain(text), soft_wrap=True)


def warn(text: str) -> None:
    """A line on the error stream, never wrapped, so that it can be searched."""
    err.print("weft:", style="red", end=" ")
    err.print(plain(text), soft_wrap=True)


def show(columns: Sequence[str], rows: Iterable[Sequence[str | Text]], title: str = "") -> None:
    """Print a table. Columns of short cells keep their width and longer ones wrap; nothing is left out.

    A cell that is a Text already must be plain.
    """
    cells = [[plain(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True
    )
    for place, name in enumerate(columns):
        longest = max((len(row[place]) for row in cells), default=0)
        figures = all(str(row[place])[:1] in "+-.0123456789" for row in cells) and longest <= _SHORT
        table.add_column(name, overflow="fold", no_wrap=longest <= _SHORT, justify="right" if figures else "left")
    for row in cells:
        table.add_row(*row)
    out.print(table)


def show_json(value: Any) -> None:
    """Print JSON as it is; flushed here, where a closed pipe is still an error that is handled."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")
    sys.stdout.flush()


def count(n: int) -> int:
    """The length of a list, if it may be asked for."""
    if not 1 <= n <= MOST:
        raise DataError(f"-n must be from 1 to {MOST}, not {n}")
    return n


def interval(low: float, high: float) -> str:
    """An interval of a gain, as tables show it."""
    return f"{low:+.4f} to {high:+.4f}"
