"""The tables of a user, checked: items, interactions, triples and users, and every bad row with its reason."""

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import polars as pl

from engine import columns
from engine.config import Config, Data
from engine.errors import DataError
from engine.readers import REJECTS, Table, TableLike, in_memory, read_table, reject_rows
from graph import schema
from graph.errors import GraphError

RESERVED = ("item_id", "title", "text", "image")
"""Columns that every items table of a catalogue has, with a meaning of their own."""
TRIPLE = ("head", "relation", "tail")
PLACE = {"file": pl.String, "line": pl.Int64}
_EVENTS = {"user_id": pl.String, "item_id": pl.String, "value": pl.Float32, "time": pl.Int64}
_OPTIONAL = ("title", "text", "image", "value", "time")
_DAY = 86_400


@dataclass(frozen=True)
class Catalogue:
    """Checked tables. What could not be used is in `rejects`; nothing is repaired in silence."""

    items: pl.DataFrame
    """item_id (unique; the row is the item's index), title (the id where there is none), text ("" if none), image
    (absolute path or null); under their own names attributes (list[str], [] if none), brand and category (str or null)
    and numeric columns (f64 or null)."""
    interactions: pl.DataFrame
    """user_id, item_id, value (f32), time (i64, Unix s; 0 everywhere if the table has no times): users in order of id,
    oldest event first, ties as given. No rows if no table is named: then it is a catalogue to search."""
    triples: pl.DataFrame
    """head, relation, tail: item ids or free ids of entities."""
    users: pl.DataFrame
    """user_id and the user attributes (list[str])."""
    rejects: pl.DataFrame
    """file, line, field, reason, value (at most 200 characters). Without a field the line could not be read at all; a
    field that is an id, a value or a time cost the row, any other one only its cell."""
    places: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PLACE))
    """file, line of each item, where they were read just now: what is found out later is told with them."""


def read(config: Config) -> Catalogue:
    """Read and check the tables that `config.data` names.

    Raises DataError, naming file, column and remedy, when a table as a whole cannot be used.
    """
    data = config.data
    if data.user_attributes and data.users is None:
        raise DataError("data.user_attributes is set without a table; name the file of users in data.users")

    def table(key: str, wanted: Sequence[str]) -> Table | None:
        path: Path | None = getattr(data, key)
        return None if path is None else read_table(path, wanted)

    return _catalogue(data, table)


def from_tables(
    items: TableLike,
    interactions: TableLike | None,
    config: Config,
    triples: TableLike | None = None,
    users: TableLike | None = None,
) -> Catalogue:
    """The same of tables in memory: polars or pandas frames, or lists of dictionaries, which may lack keys.

    Paths of pictures are taken from `config.data.image_root`. Raises DataError as `read` does.
    """
    given = {"items": items, "interactions": interactions, "triples": triples, "users": users}

    def table(key: str, wanted: Sequence[str]) -> Table | None:
        return None if given[key] is None else in_memory(given[key], key, wanted)

    return _catalogue(config.data, table)


def read_items(rows: TableLike, config: Config) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Items to add to a catalogue, as `Catalogue.items`, and the rejects. Only the id is needed, no other column."""
    items, rejects, _ = _items(in_memory(rows, "items", _item_columns(config.data)), config.data, partial=True)
    return items, rejects


def read_events(rows: TableLike, config: Config, item_ids: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events to add to a history, as `Catalogue.interactions`, and the rejects. An event without a time is of now."""
    table = in_memory(rows, "events", _interaction_columns(config.data))
    clock = config.data.time
    if clock and clock not in table.frame.columns:
        now = pl.repeat(int(time.time()), len(table.lines), dtype=pl.Int64, eager=True)
        table = Table(**{**vars(table), "frame": table.frame.with_columns(now.alias(clock))})
    return _interactions(table, config.data, item_ids)


def write_rejects(rejects: pl.DataFrame, path: Path) -> None:
    """Write a rejects table as csv, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        rejects.write_csv(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def fingerprint(catalogue: Catalogue) -> str:
    """SHA-256 of what the tables hold, in their order; of a picture its name and size count, not its folder."""
    digest = hashlib.sha256()
    items = catalogue.items.with_columns(pl.Series("image", [_picture_mark(path) for path in catalogue.items["image"]]))
    for table in (items, catalogue.interactions, catalogue.triples, catalogue.users):
        digest.update(json.dumps([table.columns, [str(dtype) for dtype in table.dtypes]]).encode())
        for part in table.iter_slices(100_000):
            digest.update(part.write_ndjson().encode())
    return digest.hexdigest()


def _picture_mark(path: str | None) -> str:
    if path is None:
        return ""
    try:
        return f"{Path(path).name} {Path(path).stat().st_size}"
    except OSError:
        return Path(path).name


def _catalogue(data: Data, table: Callable[[str, Sequence[str]], Table | None]) -> Catalogue:
    items_table = table("items", _item_columns(data))
    interactions_table = table("interactions", _interaction_columns(data))
    if items_table is None:
        raise DataError("no items: name their file in data.items of the configuration")
    triples_table = table("triples", TRIPLE)
    users_table = table("users", (data.user, *data.user_attributes))
    items, items_rejects, places = _items(items_table, data)
    _refuse_empty(items_table, items, items_rejects)
    interactions, interactions_rejects = _interactions(interactions_table, data, items["item_id"])
    _refuse_empty(interactions_table, interactions, interactions_rejects)
    triples, triples_rejects = _triples(triples_table)
    _refuse_empty(triples_table, triples, triples_rejects)
    users, users_rejects = _users(users_table, data)
    _refuse_empty(users_table, users, users_rejects)
    rejects = pl.concat([items_rejects, interactions_rejects, triples_rejects, users_rejects])
    return Catalogue(items, interactions, triples, users, rejects, places)


class _Sieve:
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


def _item_columns(data: Data) -> list[str]:
    optional = [name for name in (data.image, data.brand, data.category) if name]
    return list(dict.fromkeys((data.item, data.title, *data.text, *optional, *data.attributes, *data.numeric)))


def _interaction_columns(data: Data) -> list[str]:
    return list(dict.fromkeys(name for name in (data.user, data.item, data.value, data.time) if name))


def _find(table: Table, key: str, name: str | None, partial: bool = False) -> str | None:
    """The column `name` if it is there. None if it is "", or may be absent: any of a partial table, a default name."""
    if not name or name in table.frame.columns:
        return name or None
    default = Data.model_fields[key].default
    if partial or (key in _OPTIONAL and name in (default if isinstance(default, tuple) else (default,))):
        return None
    raise _missing(table, f"name the right one in data.{key} of the configuration", name)


def _needed(table: Table, key: str, name: str) -> str:
    """The column `name`, which must be there whatever it is called."""
    if name not in table.frame.columns:
        raise _missing(table, f"name the right one in data.{key} of the configuration", name)
    return name


def _missing(table: Table, remedy: str, name: str) -> DataError:
    if not table.columns:
        return DataError(f"{table.name}: the table has no rows")
    close = get_close_matches(name, table.columns, n=1)
    hint = f" (did you mean `{close[0]}`?)" if close else ""
    there = ", ".join(table.columns) or "none"
    return DataError(f"{table.name}: there is no column `{name}`{hint}; the columns are: {there}; {remedy}")


def _refuse_empty(table: Table | None, kept: pl.DataFrame, rejects: pl.DataFrame) -> None:
    if table is None or len(kept):
        return
    if rejects.is_empty():
        raise DataError(f"{table.name}: the table has no rows")
    first = rejects.row(0, named=True)
    raise DataError(
        f"{table.name}: no row can be used; the first: line {first['line']}, {first['field'] or 'the whole line'}: "
        f"{first['reason']} ({first['value']!r}); correct the table or the columns named in [data]"
    )


def _items(table: Table, data: Data, partial: bool = False) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Catalogue.items, the rejects and Catalogue.places. A partial table needs the id only; what it lacks is empty."""
    _refuse_clashes(data)
    _needed(table, "item", data.item)
    sieve = _Sieve(table)
    ids = sieve.ids(data.item)
    _drop_repeats(sieve, ids, data.item)
    empty = pl.repeat(None, len(ids), dtype=pl.String, eager=True)

    def text(key: str, name: str | None) -> pl.Series:
        found = _find(table, key, name, partial)
        return columns.texts(empty if found is None else sieve.cut(found))

    def attribute(name: str) -> pl.Series:
        found = _find(table, "attributes", name, partial)
        return columns.lists(empty if found is None else sieve.cut(found), table.separator)

    title = text("title", data.title)
    parts = pl.DataFrame({name: title if name == data.title else text("text", name) for name in data.text})
    checked = {
        "item_id": ids,
        "title": title.zip_with(title != "", ids),
        "text": _joined(parts, len(ids)),
        "image": _images(sieve, _find(table, "image", data.image, partial), data.image_root.resolve()),
    }
    checked |= {name: attribute(name) for name in data.attributes}
    for key, name in (("brand", data.brand), ("category", data.category)):
        if name:
            values = text(key, name)
            checked[name] = values.set(values == "", None)
    for name in data.numeric:
        found = _find(table, "numeric", name, partial)
        values, bad = columns.numbers(empty if found is None else table.frame[found])
        if found is not None:
            sieve.note(bad, found, "not a finite number")
        checked[name] = values
    lines = table.lines.filter(sieve.keep)
    places = pl.DataFrame({"file": [table.name] * len(lines), "line": lines}, schema=PLACE)
    return *sieve.result(pl.DataFrame(checked)), places


def refuse_unfit(catalogue: Catalogue, data: Data) -> None:
    """Raise DataError where a catalogue lacks columns that a configuration names: it was read by another one."""
    named = [*data.attributes, *(name for name in (data.brand, data.category) if name), *data.numeric]
    for table, names in ((catalogue.items, named), (catalogue.users, data.user_attributes)):
        lacking = [name for name in names if name not in table.columns]
        if lacking:
            raise DataError(
                f"the catalogue has no column {', '.join(map(repr, lacking))}; "
                "build with the configuration that it was read with"
            )


def reject_pictures(catalogue: Catalogue, bad: Sequence[tuple[int, str]], data: Data) -> Catalogue:
    """The same catalogue with a reject for each picture, by row of its item and reason, that could not be read."""
    parts = [catalogue.rejects]
    for row, reason in bad:
        file, line = catalogue.places.row(row) if catalogue.places.height else ("items", row + 1)
        parts.append(reject_rows(file, [line], data.image or "image", reason, [catalogue.items["image"][row]]))
    return replace(catalogue, rejects=pl.concat(parts))


def _refuse_clashes(data: Data) -> None:
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


def _drop_repeats(sieve: _Sieve, ids: pl.Series, field: str) -> None:
    repeated = pl.repeat(False, len(ids), eager=True)
    if len(ids):
        repeated = ids.is_not_null() & ~ids.is_first_distinct()
    sieve.drop(repeated, field, "id stands in an earlier row, which is kept")


def _joined(parts: pl.DataFrame, height: int) -> pl.Series:
    """Texts of a row, one a line, without the empty ones."""
    if parts.width == 0:
        return pl.repeat("", height, dtype=pl.String, eager=True)
    filled = [pl.when(pl.col(name) != "").then(pl.col(name)) for name in parts.columns]
    return parts.select(pl.concat_str(filled, separator="\n", ignore_nulls=True).fill_null("")).to_series()


def _images(sieve: _Sieve, field: str | None, root: Path) -> pl.Series:
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


def _interactions(table: Table | None, data: Data, item_ids: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Catalogue.interactions and the rejects."""
    if table is None:
        return pl.DataFrame(schema=_EVENTS), pl.DataFrame(schema=REJECTS)
    _needed(table, "user", data.user)
    _needed(table, "item", data.item)
    sieve = _Sieve(table)
    users, items = sieve.ids(data.user), sieve.ids(data.item)
    sieve.drop(~items.is_in(item_ids.implode()).fill_null(True), data.item, "unknown item")
    value = _find(table, "value", data.value)
    values = pl.repeat(1.0, len(users), dtype=pl.Float32, eager=True)
    if value is not None:
        values = columns.numbers(table.frame[value])[0].cast(pl.Float32)
        sieve.drop(~values.is_finite().fill_null(False), value, "not a finite number")
    clock = _find(table, "time", data.time)
    seconds = pl.repeat(0, len(users), dtype=pl.Int64, eager=True)
    if clock is not None:
        seconds, _ = columns.times(table.frame[clock])
        sieve.drop(seconds.is_null(), clock, "not a time: Unix seconds or an ISO 8601 date is wanted")
        sieve.drop((seconds < 0).fill_null(False), clock, "before 1970")
        sieve.drop((seconds > int(time.time()) + _DAY).fill_null(False), clock, "in the future: seconds are wanted")
    frame = pl.DataFrame({"user_id": users, "item_id": items, "value": values, "time": seconds})
    kept, rejects = sieve.result(frame)
    return _ordered(kept), rejects


def _ordered(events: pl.DataFrame) -> pl.DataFrame:
    """By user (as numbers, if all ids are), then time; events of one second stay in the order they came in."""
    if events.is_empty():
        return events
    number = pl.col("user_id").cast(pl.Int64, strict=False)
    users = events.select(pl.col("user_id").unique()).with_columns(number.alias("number"))
    users = users.sort(["user_id"] if users["number"].has_nulls() else ["number", "user_id"])
    ranks = users.select("user_id").with_row_index("rank")
    ranked = events.select("user_id").join(ranks, on="user_id", how="left", maintain_order="left")
    # One integer, rank then time, sorts three times faster than columns of strings; it fits 5 billion users.
    seconds = events["time"].to_numpy()
    key = ranked["rank"].to_numpy().astype(np.int64) * (seconds.max() + 1) + seconds
    return events if (key[1:] >= key[:-1]).all() else events[np.argsort(key, kind="stable")]


def _triples(table: Table | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Catalogue.triples and the rejects."""
    if table is None:
        return pl.DataFrame(schema=dict.fromkeys(TRIPLE, pl.String)), pl.DataFrame(schema=REJECTS)
    for name in TRIPLE:
        if name not in table.frame.columns:
            raise _missing(table, "a table of triples has the columns head, relation and tail", name)
    sieve = _Sieve(table)
    checked = pl.DataFrame({name: sieve.ids(name) for name in TRIPLE})
    relations = checked["relation"].unique()
    nameless = [name for name in relations.drop_nulls() if schema.relation_type(name) is None]
    bad = checked["relation"].is_in(nameless).fill_null(False)
    sieve.drop(bad, "relation", "the relation has no letter or digit of ASCII")
    return sieve.result(checked)


def _users(table: Table | None, data: Data) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Catalogue.users and the rejects."""
    if "user_id" in data.user_attributes:
        raise DataError("data.user_attributes: `user_id` has a meaning of its own; copy it under another name")
    if table is None:
        ids_only = pl.DataFrame(schema={"user_id": pl.String})
        attributes = [pl.lit([], pl.List(pl.String)).alias(name) for name in data.user_attributes]
        return ids_only.with_columns(attributes), pl.DataFrame(schema=REJECTS)
    _needed(table, "user", data.user)
    sieve = _Sieve(table)
    ids = sieve.ids(data.user)
    _drop_repeats(sieve, ids, data.user)
    checked = {"user_id": ids}
    for name in data.user_attributes:
        checked[name] = columns.lists(sieve.cut(_needed(table, "user_attributes", name)), table.separator)
    return sieve.result(pl.DataFrame(checked))
