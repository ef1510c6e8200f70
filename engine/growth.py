"""New items and events in the tables of an engine: checked, described as the old ones, and nothing trained anew."""

import logging
from dataclasses import replace

import numpy as np
import polars as pl

from engine import describe
from engine.candidates import Features
from engine.config import Config
from engine.describe import Described, Vocabulary
from engine.ranker import Ranker
from engine.tables import catalogue
from engine.tables.catalogue import Catalogue
from engine.tables.readers import TableLike, reject_rows

log = logging.getLogger(__name__)


def with_items(tables: Catalogue, rows: TableLike, config: Config) -> Catalogue:
    """The same tables with these items behind the others. Bad rows, and ids that are there already, are logged."""
    if _is_empty(rows):
        return tables
    items, rejects = catalogue.read_items(rows, config)
    there = items["item_id"].is_in(tables.items["item_id"].implode())
    _tell("add_items", rejects, items["item_id"].filter(there), "id is in the catalogue already")
    whole = pl.concat([tables.items, items.filter(~there)], how="diagonal_relaxed")
    return replace(tables, items=whole.select(tables.items.columns))


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


def describe_new(tables: Catalogue, config: Config, vocabulary: Vocabulary, since: int) -> Described:
    """Features of the items from row `since` on, in the columns of the old ones. Unusable pictures are logged."""
    described = describe.describe(tables, config, vocabulary, since=since)
    for row, reason in described.image.rejects:
        log.warning("add_items: picture %s: %s", tables.items["image"][since + row], reason)
    return described


def grown(ranker: Ranker, fresh: Features) -> Ranker:
    """The same ranker with further items, placed by what they are."""
    return replace(
        ranker,
        generators=[generator.grow(fresh) for generator in ranker.generators],
        features=ranker.features.stack(fresh),
        known=np.pad(ranker.known, (0, len(fresh))),
    )


def _is_empty(rows: TableLike) -> bool:
    return hasattr(rows, "__len__") and not len(rows)


def _tell(what: str, rejects: pl.DataFrame, repeated: pl.Series | None = None, reason: str = "") -> None:
    if repeated is not None and len(repeated):
        again = reject_rows("items", [None] * len(repeated), "item_id", reason, repeated)
        rejects = pl.concat([rejects, again])
    for row in rejects.group_by("field", "reason", maintain_order=True).agg(pl.len(), pl.col("value").first()).rows():
        log.warning("%s: %s: %s (%d times, the first: %r)", what, row[0] or "the whole row", row[1], row[2], row[3])
