"""New items and events, changed and removed items: in the tables, and in what was learned. Nothing is trained anew.

A removed item keeps its row: it has no text, no picture and no fact any more, and its events still tell what people
like. So rows, and all that is kept by row, stay what they were.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import copies
from engine.candidates import Features
from engine.config import Config
from engine.ranker import Ranker
from engine.tables import catalogue, triples
from engine.tables.catalogue import Catalogue
from engine.tables.items import CELLS
from engine.tables.readers import REJECTS, Table, TableLike, reject_rows

log = logging.getLogger(__name__)

MOST_PIECES = 64
"""That the events lie in: those that were read, and those that came each time; more of the latter are joined."""

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Edges = Mapping[str, Sequence[tuple[str, str]]]
"""By id of an item, relation and tail of the triples that it is the head of."""
Pictures = Mapping[str, Path | None]
"""By id of an item, the file of its picture; whoever gives it has looked where it is."""


@dataclass(frozen=True)
class Said:
    """What is said of items, to add them or to describe them anew."""

    rows: TableLike
    edges: Edges = field(default_factory=dict)
    """In the place of the triples that these items are the head of; those of other items stay."""
    pictures: Pictures = field(default_factory=dict)
    """In the place of what the rows say."""


@dataclass(frozen=True)
class Change:
    """Tables after a change of items, and which rows are not what they were."""

    tables: Catalogue
    removed: Mask
    """(items,)"""
    rows: Rows
    """In order."""
    old: int
    """Rows before; from there on they are new."""

    @property
    def ids(self) -> list[str]:
        """Of the rows that changed."""
        return self.tables.items["item_id"][self.rows].to_list()


def with_items(tables: Catalogue, removed: Mask, said: Said, config: Config) -> Change:
    """These items behind the others; one that was removed stands where it stood before.

    Bad rows, and ids that are there already, are logged.
    """
    good, rejects = _read(tables, removed, said, config, new=True)
    _tell("add_items", rejects)
    old = tables.items.height
    fresh, back = good.items.filter(good.at < 0), good.items.filter(good.at >= 0)
    again = good.at.filter(good.at >= 0).to_numpy()
    whole = pl.concat([_put(tables.items, again, back), fresh], how="diagonal_relaxed").select(tables.items.columns)
    left = np.pad(removed, (0, fresh.height))
    left[again] = False
    changed = np.concatenate([np.sort(again), np.arange(old, whole.height)])
    return Change(replace(tables, items=whole, triples=good.triples), left, changed, old)


def with_changes(tables: Catalogue, removed: Mask, said: Said, config: Config) -> Change:
    """The items that are there, as these rows say. Bad rows, and ids that are not there, are logged."""
    good, rejects = _read(tables, removed, said, config, new=False)
    _tell("change_items", rejects)
    rows = good.at.to_numpy()
    whole = _put(tables.items, rows, _with_cells(good.items, tables.items[rows], said.rows, config))
    return Change(replace(tables, items=whole, triples=good.triples), removed, np.sort(rows), tables.items.height)


def _with_cells(items: pl.DataFrame, before: pl.DataFrame, rows: TableLike, config: Config) -> pl.DataFrame:
    """The items with what they had for each further modality that the rows do not speak of: as pictures, it stays."""
    told = catalogue.columns_told(rows, config)
    silent = [f"{CELLS}{name}" for name, one in config.modalities.items() if (one.column or name) not in told]
    return items.with_columns(before[name] for name in silent)


def with_pictures(tables: Catalogue, rows: Sequence[int], pictures: Sequence[Path | None], removed: Mask) -> Change:
    """The items in these rows with other pictures, or with none."""
    at = np.array(rows, np.int64)
    items = tables.items[at].with_columns(image=_paths(pictures))
    return Change(replace(tables, items=_put(tables.items, at, items)), removed, np.sort(at), tables.items.height)


def faults(tables: Catalogue, removed: Mask, said: Said, config: Config, new: bool) -> pl.DataFrame:
    """What is wrong with rows that shall be added, or else change what is there: rejects, as `Catalogue` has them."""
    return _read(tables, removed, said, config, new)[1]


def without_items(tables: Catalogue, removed: Mask, rows: Sequence[int]) -> Change:
    """The same where nothing is said of these rows any more."""
    gone = np.unique(np.array(rows, np.int64))
    ids = tables.items["item_id"][gone]
    blank = [_blank(name, dtype, ids) for name, dtype in tables.items.schema.items()]
    left = removed.copy()
    left[gone] = True
    return Change(replace(tables, items=_put(tables.items, gone, pl.DataFrame(blank))), left, gone, tables.items.height)


def present(tables: Catalogue, removed: Mask) -> Catalogue:
    """The items that were not removed, and the triples that speak of none that was."""
    if not removed.any():
        return tables
    gone = tables.items["item_id"].filter(pl.Series(removed))
    ends = pl.concat([gone, "item:" + gone]).implode()
    kept = ~(pl.col("head").is_in(ends) | pl.col("tail").is_in(ends))
    return replace(tables, items=tables.items.filter(pl.Series(~removed)), triples=tables.triples.filter(kept))


def events(tables: Catalogue, rows: TableLike, config: Config) -> pl.DataFrame:
    """Events of these rows, as `Catalogue.interactions`. Bad rows are logged."""
    if _is_empty(rows):
        return tables.interactions.clear()
    read, rejects = catalogue.read_events(rows, config, tables.items["item_id"])
    _tell("add_events", rejects)
    return read


def with_events(tables: Catalogue, fresh: pl.DataFrame) -> Catalogue:
    """The same tables with these events, as `Catalogue.interactions`, behind the others. Costs what they are."""
    old = tables.interactions
    if not (_timed(old[:1]) or _timed(old)):
        # Where no event has a time their order is all there is, and one time would put it out of use.
        fresh = fresh.with_columns(time=pl.lit(0, pl.Int64))
    whole = old.vstack(fresh)
    if whole.n_chunks() > MOST_PIECES:
        first = whole["time"].chunk_lengths()[0]  # what was read at first is large, and is left where it is
        whole = whole[:first].vstack(whole[first:].rechunk())
    return replace(tables, interactions=whole)


def _timed(events: pl.DataFrame) -> bool:
    """Does any of these events have a time?"""
    return bool((events["time"] != 0).any())


def changed(ranker: Ranker, change: Change, fresh: Features, lend: bool = True) -> Ranker:
    """The same ranker where the rows of a change are what `fresh`, (rows,), says; what histories taught stays.

    Without `lend` a new item is placed by nothing that copies a known one.
    """
    new = change.rows >= change.old
    old = change.rows[~new]
    generators, features, known = ranker.generators, ranker.features, ranker.known
    by = fresh
    if not lend:
        met = np.pad(known, (0, max(0, int(change.rows.max()) + 1 - len(known))))[change.rows]
        by = copies.unlent(fresh, met, features.take(np.setdiff1d(np.flatnonzero(known), old)))
    if len(old):
        at = np.flatnonzero(~new)
        generators = [one.change(old, by.take(at), known[old]) for one in generators]
        features = features.put(old, fresh.take(at))
    if new.any():
        at = np.flatnonzero(new)
        generators = [one.grow(by.take(at)) for one in generators]
        features, known = features.stack(fresh.take(at)), np.pad(known, (0, len(at)))
    return replace(ranker, generators=generators, features=features, known=known)


@dataclass(frozen=True)
class _Good:
    """What can be used of what is said."""

    items: pl.DataFrame
    at: pl.Series
    """The row that each has or had; -1 for none."""
    triples: pl.DataFrame
    """All, with those of these items."""


def _read(tables: Catalogue, removed: Mask, said: Said, config: Config, new: bool) -> tuple[_Good, pl.DataFrame]:
    """What can be used, and the rejects; `new` items must not be there, and others must."""
    if _is_empty(said.rows):
        items, rejects, lines = tables.items.clear(), pl.DataFrame(schema=REJECTS), pl.Series([], dtype=pl.Int64)
    else:
        items, rejects, lines = catalogue.read_items(said.rows, config)
    if said.pictures and items.height:
        given = [said.pictures.get(item) for item in items["item_id"]]
        told = items["item_id"].is_in(list(said.pictures))
        items = items.with_columns(image=_paths(given).zip_with(told, items["image"]))
    known = pl.DataFrame({"item_id": tables.items["item_id"], "removed": removed}).with_row_index("row")
    at = items.select("item_id").join(known, on="item_id", how="left", maintain_order="left")
    there = at["removed"].eq_missing(other=False)
    bad, reason = (there, "id is in the catalogue already") if new else (~there, "id is not in the catalogue")
    ids = items["item_id"]
    twice = reject_rows("items", lines.filter(bad), config.data.item, reason, ids.filter(bad))
    row = at["row"].cast(pl.Int64).fill_null(-1)
    every = pl.concat([tables.items["item_id"], ids]).unique()
    mine, faulty = _edged(tables, every, dict(zip(ids.filter(~bad), lines.filter(~bad), strict=True)), said, config)
    return _Good(items.filter(~bad), row.filter(~bad), mine), pl.concat([rejects, twice, faulty])


def _edged(
    tables: Catalogue, ids: pl.Series, lines: Mapping[str, int], said: Said, config: Config
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The triples with those of the items in these lines in the place of what they had, and the rejects."""
    mine = {item: said.edges[item] for item in lines if item in said.edges}
    if not mine:
        return tables.triples, pl.DataFrame(schema=REJECTS)
    rows = [(lines[item], f"item:{item}", *edge) for item, edges in mine.items() for edge in edges]
    frame = pl.DataFrame(rows, {"line": pl.Int64} | dict.fromkeys(triples.WANTED, pl.String), orient="row")
    table = Table("edges", frame.drop("line"), frame["line"], triples.WANTED, None, pl.DataFrame(schema=REJECTS))
    good, rejects = triples.checked(table, ids, tables.interactions, config.graph.declared())
    heads = pl.Series([*mine, *(f"item:{item}" for item in mine)], dtype=pl.String)
    return pl.concat([tables.triples.filter(~pl.col("head").is_in(heads.implode())), good]), rejects


def _paths(pictures: Sequence[Path | None]) -> pl.Series:
    return pl.Series("image", [None if path is None else str(path) for path in pictures], dtype=pl.String)


def _put(items: pl.DataFrame, rows: Rows, others: pl.DataFrame) -> pl.DataFrame:
    """The table with other items in these rows."""
    if not len(rows):
        return items
    kept = items.with_row_index("row").filter(~pl.col("row").is_in(rows))
    placed = others.with_columns(row=pl.Series(rows, dtype=kept.schema["row"]))
    return pl.concat([kept, placed], how="diagonal_relaxed").sort("row").select(items.columns)


def _blank(name: str, dtype: pl.DataType, ids: pl.Series) -> pl.Series:
    """A column of which an item says nothing."""
    if name in ("item_id", "title"):
        return ids.alias(name)
    value: object = "" if name == "text" else [] if isinstance(dtype, pl.List) else None
    return pl.Series(name, [value] * len(ids), dtype=dtype)


def _is_empty(rows: TableLike) -> bool:
    return hasattr(rows, "__len__") and not len(rows)


def _tell(what: str, rejects: pl.DataFrame) -> None:
    for row in rejects.group_by("field", "reason", maintain_order=True).agg(pl.len(), pl.col("value").first()).rows():
        log.warning("%s: %s: %s (%d times, the first: %r)", what, row[0] or "the whole row", row[1], row[2], row[3])
