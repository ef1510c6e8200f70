"""Plain tables (csv, tsv, parquet, JSON lines): which column means what is told, or guessed from common names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from engine.errors import DataError
from engine.importers import folder
from engine.importers.folder import Summary
from engine.tables import columns
from engine.tables.items import RESERVED
from engine.tables.readers import SUFFIXES, Table, read_table

_COMMON = {
    "item": ("item_id", "itemid", "item", "product_id", "productid", "asin", "parent_asin", "sku", "movieid", "id"),
    "user": ("user_id", "userid", "user", "customer_id", "customerid", "reviewerid", "visitorid"),
    "value": ("value", "rating", "overall", "score", "stars", "weight"),
    "time": ("time", "timestamp", "unixreviewtime", "date", "datetime", "created_at", "event_time"),
    "title": ("title", "name", "product_name", "item_name"),
    "image": ("image", "image_path", "picture", "photo", "poster"),
    "brand": ("brand", "maker", "manufacturer"),
    "category": ("category", "category_path", "categories"),
    "text": ("description", "overview", "summary", "text", "tagline", "abstract"),
}
"""Names that columns often have, in small letters, likeliest first."""
_ONE = ("item", "user", "value", "time", "title", "image", "brand", "category")
MANY = ("text", "attributes", "numeric", "user_attributes")

Columns = dict[str, str | list[str]]
"""Keys of [data] and the column, or the columns, of each; "" is none."""


def convert(
    source: Path,
    out: Path,
    mapping: Mapping[str, str | Sequence[str]] | None = None,
    files: Mapping[str, str] | None = None,
) -> Summary:
    """Write the folder `out` from files named items, interactions, triples and users in the folder `source`.

    `files` names those that are called otherwise: {"items": "products.csv"}.
    `mapping` gives the column of a key of [data] (for text, attributes, numeric and user_attributes the columns); "" or
    [] is none. What it leaves out is guessed: by common names, then columns of numbers as numeric, and columns whose
    values repeat as attributes. Without a file of items, the items are the ids of the interactions.
    Raises DataError when a column is not there, or no column of ids can be guessed.
    """
    if out.resolve() == source.resolve():
        raise DataError(f"{out}: the tables would replace their source; name another folder to write to")
    given = _checked(mapping or {})
    named = files or {}
    for name in named.keys() - set(folder.TABLES):
        raise DataError(f"`{name}` is no table; the tables are {', '.join(folder.TABLES)}")
    found = {name: table for name in folder.TABLES if (table := _read(source, name, named.get(name))) is not None}
    if "items" not in found and "interactions" not in found:
        raise DataError(
            f"{source}: there is no file items or interactions with a suffix of {', '.join(SUFFIXES)}; "
            "say which file is which, for instance items=products.csv"
        )
    for key in ("item", "user"):
        if key in given and not any(given[key] in table.columns for table in found.values()):
            raise DataError(f"{source}: no table has a column `{given[key]}` ({key})")
    data: Columns = {}
    tables: dict[str, pl.DataFrame] = {}
    if "interactions" in found:
        table = _named(_named(found["interactions"], "item", given), "user", given)
        data |= {key: _one(table, key, given) for key in ("value", "time")}
        tables["interactions"] = table.frame
    if "items" in found:
        table = _named(found["items"], "item", given)
        data |= {"image_root": folder.image_root(source, out), **_described(table, given)}
        tables["items"] = _with_lists(table, data["attributes"])
    else:
        tables["items"] = folder.items_of(tables["interactions"])
        data |= {"title": "", "text": [], "image": ""}
    if "users" in found:
        table = _named(found["users"], "user", given)
        data["user_attributes"] = _many(table, "user_attributes", given, [n for n in table.columns if n != "user_id"])
        tables["users"] = _with_lists(table, data["user_attributes"])
    if "triples" in found:
        tables["triples"] = found["triples"].frame
    rejects = pl.concat([table.rejects for table in found.values()])
    title = f"Tables from {source.name}. Columns that nobody told the meaning of are guessed."
    return folder.write(out, title, tables, data, rejects)


def _checked(mapping: Mapping[str, str | Sequence[str]]) -> Columns:
    given: Columns = {}
    for key, value in mapping.items():
        if key not in (*_ONE, *MANY):
            raise DataError(f"`{key}` is no key of a mapping; the keys are {', '.join((*_ONE, *MANY))}")
        if key in MANY:
            given[key] = [value] if isinstance(value, str) else list(value)
        elif isinstance(value, str):
            given[key] = value
        else:
            raise DataError(f"`{key}` is one column; {len(value)} are given")
    return given


def _read(source: Path, name: str, file: str | None) -> Table | None:
    """The whole table of this file, or else of this name, whatever its suffix."""
    if file is not None:
        return read_table(source / file)
    paths = [path for suffix in SUFFIXES if (path := source / f"{name}{suffix}").is_file()]
    if len(paths) > 1:
        raise DataError(f"{source}: both {paths[0].name} and {paths[1].name} are there; leave one")
    return read_table(paths[0]) if paths else None


def _named(table: Table, key: str, given: Columns) -> Table:
    """The table with its column of ids as item_id or user_id, so that all tables call them the same."""
    here = {k: v for k, v in given.items() if k != key or v in table.columns}
    column, name = _one(table, key, here), f"{key}_id"
    if not column:
        raise DataError(f"{table.name}: which column has the ids? Map `{key}` to one of: {', '.join(table.columns)}")
    frame = table.frame.select(pl.col(column).alias(name), pl.exclude(column, name))
    return replace(table, frame=frame, columns=tuple(frame.columns))


def _one(table: Table, key: str, given: Columns) -> str:
    """The column of a key: as told, else by a common name, else none."""
    if key in given:
        name = str(given[key])
        _there(table, key, [name] if name else [])
        return name
    small = {name.lower(): name for name in reversed(table.columns)}
    return next((small[common] for common in _COMMON[key] if common in small), "")


def _many(table: Table, key: str, given: Columns, guess: list[str]) -> list[str]:
    names = list(given.get(key, guess))
    _there(table, key, names)
    return names


def _there(table: Table, key: str, names: Sequence[str]) -> None:
    for name in names:
        if name not in table.columns:
            raise DataError(
                f"{table.name}: there is no column `{name}` ({key}); the columns are: {', '.join(table.columns)}"
            )


def _described(table: Table, given: Columns) -> Columns:
    """What the columns of items mean."""
    data: Columns = {key: _one(table, key, given) for key in ("title", "image", "brand", "category")}
    small = {name.lower(): name for name in reversed(table.columns)}
    texts = [str(data["title"]), *(small[common] for common in _COMMON["text"] if common in small)]
    data["text"] = _many(table, "text", given, [name for name in texts if name])
    told = [
        name for value in (*data.values(), *given.values()) for name in ([value] if isinstance(value, str) else value)
    ]
    rest = [name for name in table.columns if name not in told and name not in RESERVED]
    numbers = [name for name in rest if _is_numeric(table.frame[name])]
    data["numeric"] = _many(table, "numeric", given, numbers)
    facts = [
        name for name in rest if name not in numbers and _repeats(columns.lists(table.frame[name], table.separator))
    ]
    data["attributes"] = _many(table, "attributes", given, facts)
    return data


def _is_numeric(column: pl.Series) -> bool:
    values, bad = columns.numbers(column)
    return bool(values.is_not_null().any() and not bad.any())


def _repeats(values: pl.Series) -> bool:
    members = values.explode().drop_nulls()
    return members.n_unique() * 2 <= len(members) and len(members) > 0


def _with_lists(table: Table, names: str | list[str]) -> pl.DataFrame:
    """The table with lists in these columns, where a file of text has values between separators."""
    if table.separator is None:
        return table.frame
    return table.frame.with_columns(columns.lists(table.frame[name], table.separator) for name in names)
