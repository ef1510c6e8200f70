"""The table of items, checked: texts, pictures, attributes and numbers of each."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from encoders.modality import of_files
from engine.config import Data, Modality
from engine.errors import DataError
from engine.tables import columns
from engine.tables.readers import Table
from engine.tables.sieve import Sieve, drop_repeats, find, missing, needed
from graph import schema
from graph.errors import GraphError

RESERVED = ("item_id", "title", "text", "image")
"""Columns that every items table of a catalogue has, with a meaning of their own."""
CELLS = "modality:"
"""Before the name of a further modality: the column of what its encoder reads, a path, a key or a text."""
PLACE = {"file": pl.String, "line": pl.Int64}


def described(columns: list[str]) -> list[str]:
    """Those columns of an items table that say something of an item in themselves."""
    return [name for name in columns if name not in RESERVED and not name.startswith(CELLS)]


def wanted(data: Data, modalities: Mapping[str, Modality]) -> list[str]:
    optional = [name for name in (data.image, data.brand, data.category) if name]
    cells = [one.column or name for name, one in modalities.items()]
    return list(dict.fromkeys((data.item, data.title, *data.text, *optional, *data.attributes, *data.numeric, *cells)))


def checked(
    table: Table, data: Data, modalities: Mapping[str, Modality], partial: bool = False
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
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
        "image": _files(sieve, find(table, "image", data.image, partial), data.image_root.resolve(), "picture"),
    }
    for name, modality in modalities.items():
        rows[f"{CELLS}{name}"] = _cells(sieve, name, modality, data.image_root.resolve(), partial)
    rows |= {name: attribute(name) for name in data.attributes}
    for key, column in (("brand", data.brand), ("category", data.category)):
        if column:
            values = text(key, column)
            rows[column] = values.set(values == "", None)
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


def _cells(sieve: Sieve, name: str, modality: Modality, root: Path, partial: bool) -> pl.Series:
    """What the encoder of a modality reads of each item; null where an item has nothing."""
    column = modality.column or name
    if column not in sieve.table.frame.columns:
        if partial:
            return pl.repeat(None, len(sieve.table.lines), dtype=pl.String, eager=True)
        raise missing(sieve.table, f"name the right one in modalities.{name}.column of the configuration", column)
    if of_files(modality.encoder):
        return _files(sieve, column, root, "file")
    if modality.encoder.startswith("table:"):
        return columns.ids(sieve.table.frame[column])
    texts = columns.texts(sieve.cut(column))
    return texts.set(texts == "", None)


def _files(sieve: Sieve, field: str | None, root: Path, what: str) -> pl.Series:
    """Absolute paths of files that are there and inside `root`; a path that is not is noted and null."""
    size = len(sieve.table.lines)
    if field is None:
        return pl.repeat(None, size, dtype=pl.String, eager=True)
    found = [_file(root, given, what) for given in columns.texts(sieve.table.frame[field])]
    reasons = pl.Series([reason for _, reason in found], dtype=pl.String)
    for reason in reasons.drop_nulls().unique(maintain_order=True):
        sieve.note((reasons == reason).fill_null(False), field, reason)
    return pl.Series([path for path, _ in found], dtype=pl.String)


def _file(root: Path, given: str, what: str) -> tuple[str | None, str | None]:
    """The path of a file, or why it cannot be used; neither if none is given."""
    if given == "":
        return None, None
    relative = Path(given)
    if relative.is_absolute() or relative.drive:
        return None, f"absolute path of a {what}; give it from data.image_root"
    try:
        path = (root / relative).resolve()
        if not path.is_relative_to(root):
            return None, f"{what} outside data.image_root"
        return (str(path), None) if path.is_file() else (None, f"no such {what}")
    except (OSError, ValueError, RuntimeError):  # a name too long, a NUL in it, a loop of links
        return None, "not a path"
