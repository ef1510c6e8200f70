"""The table of items, checked: texts, pictures, attributes and numbers of each."""

from pathlib import Path

import polars as pl

from engine.config import Data
from engine.errors import DataError
from engine.tables import columns
from engine.tables.readers import Table
from engine.tables.sieve import Sieve, drop_repeats, find, needed
from graph import schema
from graph.errors import GraphError

RESERVED = ("item_id", "title", "text", "image")
"""Columns that every items table of a catalogue has, with a meaning of their own."""
PLACE = {"file": pl.String, "line": pl.Int64}


def wanted(data: Data) -> list[str]:
    optional = [name for name in (data.image, data.brand, data.category) if name]
    return list(dict.fromkeys((data.item, data.title, *data.text, *optional, *data.attributes, *data.numeric)))


def checked(table: Table, data: Data, partial: bool = False) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Catalogue.items, the rejects and Catalogue.places. A partial table needs the id only; what it lacks is empty."""
    refuse_clashes(data)
    needed(table, "item", data.item)
    sieve = Sieve(table)
    ids = sieve.ids(data.item)
    drop_repeats(sieve, ids, data.item)
    empty = pl.repeat(None, len(ids), dtype=pl.String, eager=True)

    def text(key: str, name: str | None) -> pl.Series:
        found = find(table, key, name, partial)
        return columns.texts(empty if found is None else sieve.cut(found))

    def attribute(name: str) -> pl.Series:
        found = find(table, "attributes", name, partial)
        return columns.lists(empty if found is None else sieve.cut(found), table.separator)

    title = text("title", data.title)
    parts = pl.DataFrame({name: title if name == data.title else text("text", name) for name in data.text})
    rows = {
        "item_id": ids,
        "title": title.zip_with(title != "", ids),
        "text": _joined(parts, len(ids)),
        "image": _images(sieve, find(table, "image", data.image, partial), data.image_root.resolve()),
    }
    rows |= {name: attribute(name) for name in data.attributes}
    for key, name in (("brand", data.brand), ("category", data.category)):
        if name:
            values = text(key, name)
            rows[name] = values.set(values == "", None)
    for name in data.numeric:
        found = find(table, "numeric", name, partial)
        values, bad = columns.numbers(empty if found is None else table.frame[found])
        if found is not None:
            sieve.note(bad, found, "not a finite number")
        rows[name] = values
    lines = table.lines.filter(sieve.keep)
    places = pl.DataFrame({"file": [table.name] * len(lines), "line": lines}, schema=PLACE)
    return *sieve.result(pl.DataFrame(rows)), places


def refuse_clashes(data: Data) -> None:
    """One column, one meaning: an items table of a catalogue cannot hold two columns of one name."""
    named = [*data.attributes, *(name for name in (data.brand, data.category) if name), *data.numeric]
    for name in named:
        if name in RESERVED:
            raise DataError(f"column `{name}` has a meaning of its own in a catalogue; copy it under another name")
        if named.count(name) > 1:
            raise DataError(
                f"column `{name}` is named twice among data.attributes, brand, category and numeric; "
                "keep one, or copy it under another name"
            )
    for name in (*data.attributes, *data.user_attributes):
        try:
            schema.field(name)
        except GraphError as error:
            raise DataError(f"{error}; copy the column under another name") from None


def _joined(parts: pl.DataFrame, height: int) -> pl.Series:
    """Texts of a row, one a line, without the empty ones."""
    if parts.width == 0:
        return pl.repeat("", height, dtype=pl.String, eager=True)
    filled = [pl.when(pl.col(name) != "").then(pl.col(name)) for name in parts.columns]
    return parts.select(pl.concat_str(filled, separator="\n", ignore_nulls=True).fill_null("")).to_series()


def _images(sieve: Sieve, field: str | None, root: Path) -> pl.Series:
    """Absolute paths of pictures that are there and inside `root`; a path that is not is noted and null."""
    size = len(sieve.table.lines)
    if field is None:
        return pl.repeat(None, size, dtype=pl.String, eager=True)
    found = [_image(root, given) for given in columns.texts(sieve.table.frame[field])]
    reasons = pl.Series([reason for _, reason in found], dtype=pl.String)
    for reason in reasons.drop_nulls().unique(maintain_order=True):
        sieve.note((reasons == reason).fill_null(False), field, reason)
    return pl.Series([path for path, _ in found], dtype=pl.String)


def _image(root: Path, given: str) -> tuple[str | None, str | None]:
    """The path of a picture, or why it cannot be used; neither if none is given."""
    if given == "":
        return None, None
    relative = Path(given)
    if relative.is_absolute() or relative.drive:
        return None, "absolute path of a picture; give it from data.image_root"
    try:
        path = (root / relative).resolve()
        if not path.is_relative_to(root):
            return None, "picture outside data.image_root"
        return (str(path), None) if path.is_file() else (None, "no such picture")
    except (OSError, ValueError, RuntimeError):  # a name too long, a NUL in it, a loop of links
        return None, "not a path"
