"""The tables of a user, checked: items, interactions, triples and users, and every bad row with its reason."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from engine.config import Config, Data
from engine.errors import DataError
from engine.tables import columns, items, triples
from engine.tables.readers import REJECTS, Table, TableLike, in_memory, read_table, reject_rows
from engine.tables.sieve import Sieve, drop_repeats, find, needed, refuse_empty
from graph import disk

EVENTS = {"user_id": pl.String, "item_id": pl.String, "value": pl.Float32, "time": pl.Int64}
"""Columns of `Catalogue.interactions`."""
_DAY = 86_400


@dataclass(frozen=True)
class Catalogue:
    """Checked tables. What could not be used is in `rejects`; nothing is repaired in silence."""

    items: pl.DataFrame
    """item_id (unique; the row is the item's index), title (the id where there is none), text ("" if none), image
    (absolute path or null); `modality:NAME` of each further one (what its encoder reads, or null); under their own
    names attributes (list[str], [] if none), brand and category (str or null) and numeric columns (f64 or null)."""
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
    places: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=items.PLACE))
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
        if path is None:
            return None
        return triples.read(path) if key == "triples" else read_table(path, wanted)

    return _catalogue(config, table)


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

    return _catalogue(config, table)


def read_items(rows: TableLike, config: Config) -> tuple[pl.DataFrame, pl.DataFrame, pl.Series]:
    """Items to add to a catalogue, as `Catalogue.items`, the rejects, and the number of the row of each item (1 is the
    first). Only the id is needed, no other column.
    """
    table = in_memory(rows, "items", items.wanted(config.data, config.modalities))
    kept, rejects, places = items.checked(table, config.data, config.modalities, partial=True)
    return kept, rejects, places["line"]


def columns_told(rows: TableLike, config: Config) -> tuple[str, ...]:
    """The columns that items to add or change have."""
    return in_memory(rows, "items", items.wanted(config.data, config.modalities)).columns


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
    with disk.written_file(path) as aside:
        rejects.write_csv(aside)


def fingerprint(catalogue: Catalogue) -> str:
    """SHA-256 of what the tables hold, in their order; of a file its name and size count, not its folder."""
    digest = hashlib.sha256()
    marked = [name for name in catalogue.items.columns if name == "image" or name.startswith(items.CELLS)]
    told = catalogue.items.with_columns(pl.Series(name, map(_mark, catalogue.items[name])) for name in marked)
    for table in (told, catalogue.interactions, catalogue.triples, catalogue.users):
        digest.update(json.dumps([table.columns, [str(dtype) for dtype in table.dtypes]]).encode())
        for part in table.iter_slices(100_000):
            digest.update(part.write_ndjson().encode())
    return digest.hexdigest()


def _mark(path: str | None) -> str:
    if path is None or not Path(path).is_absolute():
        return path or ""
    try:
        return f"{Path(path).name} {Path(path).stat().st_size}"
    except OSError:
        return Path(path).name


def _catalogue(config: Config, table: Callable[[str, Sequence[str]], Table | None]) -> Catalogue:
    data = config.data
    tables = {
        "items": table("items", items.wanted(data, config.modalities)),
        "interactions": table("interactions", _interaction_columns(data)),
        "triples": table("triples", triples.WANTED),
        "users": table("users", (data.user, *data.user_attributes)),
    }
    if tables["items"] is None:
        raise DataError("no items: name their file in data.items of the configuration")
    kept: dict[str, pl.DataFrame] = {}
    rejects = []

    def keep(name: str, checked: tuple[pl.DataFrame, pl.DataFrame]) -> None:
        refuse_empty(tables[name], *checked)
        kept[name] = checked[0]
        rejects.append(checked[1])

    frame, bad, places = items.checked(tables["items"], data, config.modalities)
    keep("items", (frame, bad))
    keep("interactions", _interactions(tables["interactions"], data, frame["item_id"]))
    keep("triples", triples.checked(tables["triples"], frame["item_id"], kept["interactions"], config.graph.declared()))
    keep("users", _users(tables["users"], data))
    return Catalogue(**kept, rejects=pl.concat(rejects), places=places)


def _interaction_columns(data: Data) -> list[str]:
    return list(dict.fromkeys(name for name in (data.user, data.item, data.value, data.time) if name))


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


def reject_cells(catalogue: Catalogue, bad: Sequence[tuple[str, int, str]], config: Config) -> Catalogue:
    """The same catalogue with a reject for each cell, by column of it, row of its item and reason, of which an encoder
    could make nothing.
    """
    columns_of = {"image": config.data.image or "image"}
    columns_of |= {f"{items.CELLS}{name}": one.column or name for name, one in config.modalities.items()}
    parts = [catalogue.rejects]
    for column, row, reason in bad:
        file, line = catalogue.places.row(row) if catalogue.places.height else ("items", row + 1)
        parts.append(reject_rows(file, [line], columns_of[column], reason, [catalogue.items[column][row]]))
    return replace(catalogue, rejects=pl.concat(parts))


def _interactions(table: Table | None, data: Data, item_ids: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Catalogue.interactions and the rejects."""
    if table is None:
        return pl.DataFrame(schema=EVENTS), pl.DataFrame(schema=REJECTS)
    needed(table, "user", data.user)
    needed(table, "item", data.item)
    sieve = Sieve(table)
    users, items = sieve.ids(data.user), sieve.ids(data.item)
    sieve.drop(~items.is_in(item_ids.implode()).fill_null(True), data.item, "unknown item")
    value = find(table, "value", data.value)
    values = pl.repeat(1.0, len(users), dtype=pl.Float32, eager=True)
    if value is not None:
        values = columns.numbers(table.frame[value])[0].cast(pl.Float32)
        sieve.drop(~values.is_finite().fill_null(False), value, "not a finite number")
    clock = find(table, "time", data.time)
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


def _users(table: Table | None, data: Data) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Catalogue.users and the rejects."""
    if "user_id" in data.user_attributes:
        raise DataError("data.user_attributes: `user_id` has a meaning of its own; copy it under another name")
    if table is None:
        ids_only = pl.DataFrame(schema={"user_id": pl.String})
        attributes = [pl.lit([], pl.List(pl.String)).alias(name) for name in data.user_attributes]
        return ids_only.with_columns(attributes), pl.DataFrame(schema=REJECTS)
    needed(table, "user", data.user)
    sieve = Sieve(table)
    ids = sieve.ids(data.user)
    drop_repeats(sieve, ids, data.user)
    checked = {"user_id": ids}
    for name in data.user_attributes:
        checked[name] = columns.lists(sieve.cut(needed(table, "user_attributes", name)), table.separator)
    return sieve.result(pl.DataFrame(checked))
