"""What every importer shares: reading headerless text, and writing the folder."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from engine import atomic
from engine.errors import DataError
from engine.tables.catalogue import write_rejects
from engine.template import data_file
from graph import disk

TABLES = ("items", "interactions", "triples", "users")


@dataclass(frozen=True)
class Summary:
    """What an importer wrote."""

    config: Path
    """The weft.toml, ready for `weft build`."""
    items: int
    interactions: int
    triples: int
    users: int
    """Rows of the table of users; 0 where there is none."""
    images: int
    """Items with a picture."""
    rejects: int
    """Lines of the source that could not be read; rejects.csv beside the tables has them."""


def text(source: Path, name: str, encoding: str = "utf-8") -> str:
    """The text of a file of a data set. Raises DataError when it is not there or not in this encoding."""
    path = source / name
    try:
        return path.read_bytes().decode(encoding)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{path}: no such file; is {source} the folder of the data set?") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(f"{path}: line {line} is not {encoding}; convert the file, for instance with iconv") from None


def rows(content: str, separator: str, names: Sequence[str]) -> pl.DataFrame:
    """Lines without a header as columns of strings; null where a line has too few cells. Empty lines are no rows."""
    lines = pl.Series("line", [content]).str.split("\n").explode().str.strip_chars_end("\r")
    cells = lines.filter(lines.str.strip_chars() != "").str.split(separator).to_frame()
    return cells.select(pl.col("line").list.get(i, null_on_oob=True).alias(name) for i, name in enumerate(names))


def items_of(interactions: pl.DataFrame) -> pl.DataFrame:
    """Items of which nothing is known but that somebody chose them."""
    return interactions.select("item_id").drop_nulls().unique(maintain_order=True)


def write(
    out: Path,
    title: str,
    tables: Mapping[str, pl.DataFrame],
    data: Mapping[str, Any],
    rejects: pl.DataFrame | None = None,
) -> Summary:
    """Write the tables and a weft.toml whose [data] names them and has `data`; what is there is replaced."""
    out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        with disk.written_file(out / f"{name}.parquet") as aside:
            table.write_parquet(aside)
    named = {name: f"{name}.parquet" for name in TABLES if name in tables}
    atomic.write_text(out / "weft.toml", data_file({**named, **data}, title))
    if rejects is not None and len(rejects):
        write_rejects(rejects, out / "rejects.csv")
    image = tables["items"].get_column(data.get("image", "image"), default=None)
    return Summary(
        config=out / "weft.toml",
        items=len(tables["items"]),
        interactions=len(tables["interactions"]) if "interactions" in tables else 0,
        triples=len(tables["triples"]) if "triples" in tables else 0,
        users=len(tables["users"]) if "users" in tables else 0,
        rejects=0 if rejects is None else len(rejects),
        images=0 if image is None else int((image.cast(pl.String).fill_null("") != "").sum()),
    )


def image_root(source: Path, out: Path) -> str:
    """The folder of pictures as seen from the folder of the weft.toml, so that nothing need be copied."""
    try:
        return Path(os.path.relpath(source.resolve(), out.resolve())).as_posix()
    except ValueError:  # another drive of Windows
        return source.resolve().as_posix()
