"""New items and events, changed and removed items: in the tables, and in what was learned. Nothing is trained anew.

A removed item keeps its row: it has no text, no picture and no fact any more, and its events still tell what people
like. So rows, and all that is kept by row, stay what they were.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.candidates import Features
from engine.config import Config
from engine.ranker import Ranker
from engine.tables import catalogue
from engine.tables.catalogue import Catalogue
from engine.tables.readers import TableLike, reject_rows

log = logging.getLogger(__name__)

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


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


def with_items(tables: Catalogue, removed: Mask, rows: TableLike, config: Config) -> Change:
    """These items behind the others; one that was removed stands where it stood before.

    Bad rows, and ids that are there already, are logged.
    """
    items, there, at = _read(tables, removed, rows, config, "add_items")
    _tell("add_items", repeated=items["item_id"].filter(there), reason="id is in the catalogue already")
    fresh, back = items.filter(~there & (at < 0)), items.filter(~there & (at >= 0))
    old = tables.items.height
    again = at.filter(~there & (at >= 0)).to_numpy()
    whole = pl.concat([_put(tables.items, again, back), fresh], how="diagonal_relaxed").select(tables.items.columns)
    left = np.pad(removed, (0, fresh.height))
    left[again] = False
    changed = np.concatenate([np.sort(again), np.arange(old, whole.height)])
    return Change(replace(tables, items=whole), left, changed, old)


def with_changes(tables: Catalogue, removed: Mask, rows: TableLike, config: Config) -> Change:
    """The items that are there, as these rows say. Bad rows, and ids that are not there, are logged."""
    items, there, at = _read(tables, removed, rows, config, "change_items")
    _tell("change_items", repeated=items["item_id"].filter(~there), reason="id is not in the catalogue")
    changed = at.filter(there).to_numpy()
    whole = _put(tables.items, changed, items.filter(there))
    return Change(replace(tables, items=whole), removed, np.sort(changed), tables.items.height)


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


def with_events(tables: Catalogue, rows: TableLike, config: Config) -> Catalogue:
    """The same tables with these events behind the others. Bad rows are logged."""
    if _is_empty(rows):
        return tables
    events, rejects = catalogue.read_events(rows, config, tables.items["item_id"])
    _tell("add_events", rejects)
    if not (tables.interactions["time"] != 0).any():
        # Where no event has a time their order is all there is, and one time would put it out of use.
        events = events.with_columns(time=pl.lit(0, pl.Int64))
    return replace(tables, interactions=pl.concat([tables.interactions, events]))


def changed(ranker: Ranker, change: Change, fresh: Features) -> Ranker:
    """The same ranker where the rows of a change are what `fresh`, (rows,), says; what histories taught stays."""
    new = change.rows >= change.old
    old = change.rows[~new]
    generators, features, known = ranker.generators, ranker.features, ranker.known
    if len(old):
        said = fresh.take(np.flatnonzero(~new))
        generators = [one.change(old, said, known[old]) for one in generators]
        features = features.put(old, said)
    if new.any():
        said = fresh.take(np.flatnonzero(new))
        generators = [one.grow(said) for one in generators]
        features, known = features.stack(said), np.pad(known, (0, len(said)))
    return replace(ranker, generators=generators, features=features, known=known)


def _read(
    tables: Catalogue, removed: Mask, rows: TableLike, config: Config, what: str
) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
    """Checked rows, whether each is an item now, and the row that it has or had; -1 for none."""
    if _is_empty(rows):
        items = tables.items.clear()
    else:
        items, rejects = catalogue.read_items(rows, config)
        _tell(what, rejects)
    known = pl.DataFrame({"item_id": tables.items["item_id"], "removed": removed}).with_row_index("row")
    at = items.select("item_id").join(known, on="item_id", how="left", maintain_order="left")
    return items, at["removed"].eq_missing(other=False), at["row"].cast(pl.Int64).fill_null(-1)


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


def _tell(what: str, rejects: pl.DataFrame | None = None, repeated: pl.Series | None = None, reason: str = "") -> None:
    if repeated is not None:
        rejects = reject_rows("items", [None] * len(repeated), "item_id", reason, repeated)
    assert rejects is not None
    for row in rejects.group_by("field", "reason", maintain_order=True).agg(pl.len(), pl.col("value").first()).rows():
        log.warning("%s: %s: %s (%d times, the first: %r)", what, row[0] or "the whole row", row[1], row[2], row[3])
