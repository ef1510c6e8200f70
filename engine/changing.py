"""States after items were added, changed or removed, or events came, made from those before; nothing is trained."""

import logging
from dataclasses import replace
from typing import Any

import polars as pl

from engine import describe, growth
from engine.growth import Change, Pictures, Said
from engine.knowledge import graph_of
from engine.ranker import Ranker
from engine.search import changing as search_changing
from engine.search.kept import Kept
from engine.state import NO_EVENTS, State
from graph.build import GraphTables

log = logging.getLogger(__name__)
NAMES = {"image": "picture"}


def add(state: State, said: Said) -> tuple[State, list[str]]:
    """The state with further items, and their ids."""
    change = growth.with_items(state.catalogue, state.removed, said, state.config)
    return _after(state, change, "add_items"), change.ids


def change(state: State, said: Said) -> tuple[State, list[str]]:
    """The state with other descriptions of items that it has, and the ids of those."""
    made = growth.with_changes(state.catalogue, state.removed, said, state.config)
    return _after(state, made, "change_items"), made.ids


def picture(state: State, pictures: Pictures) -> State:
    """The state where these items have other pictures, or none. Raises UnknownIdError for one that is not there."""
    rows = [state.lookup.shown(item) for item in pictures]
    made = growth.with_pictures(state.catalogue, rows, list(pictures.values()), state.removed)
    return _after(state, made, "picture_items")


def remove(state: State, rows: list[int]) -> State:
    """The state without the items in these rows."""
    change = growth.without_items(state.catalogue, state.removed, rows)
    graph = graph_of(growth.present(change.tables, change.removed), state.config)
    # What was learned stays, so that no other item's score moves: it goes by means over all of them.
    features = state.ranker.features.put(change.rows, state.ranker.features.blank(len(change.rows)))
    return _with(state, change, graph, replace(state.ranker, features=features))


def with_events(state: State, fresh: pl.DataFrame) -> State:
    """The state with further events, as `Catalogue.interactions` has them. Costs what they are, not what was there."""
    if fresh.is_empty():
        return state
    tables = growth.with_events(state.catalogue, fresh)
    made = state.after(NO_EVENTS, catalogue=tables)
    made.__dict__["lookup"] = state.lookup.with_events(tables)
    return made


def _after(state: State, change: Change, what: str) -> State:
    if not len(change.rows):
        return state
    graph = graph_of(growth.present(change.tables, change.removed), state.config)
    items = change.tables.items[change.rows]
    described = describe.described(items, graph, state.config, state.vocabulary, opened=state.queries)
    for name, row, reason in described.rejects:
        log.warning("%s: %s %s: %s", what, NAMES.get(name, name), items[name][row], reason)
    ranker = growth.changed(state.ranker, change, described.features, not state.config.defence.copies)
    return _with(state, change, graph, ranker)


def _with(state: State, change: Change, graph: GraphTables, ranker: Ranker) -> State:
    made = state.after(
        {"queries"},
        catalogue=change.tables,
        ranker=ranker,
        graph=graph,
        removed=change.removed,
        indices={},
        kept=Kept(),
    )
    parts: dict[str, Any] = {}
    if "lookup" in state.__dict__:
        parts["lookup"] = state.lookup.after(change.tables, change.removed)
    if "searcher" in state.__dict__ or state.indices or state.kept:
        parts["searcher"] = search_changing.changed(
            state.searcher, change.tables.items, graph, ranker.features, change.removed, change.rows
        )
    made.__dict__.update(parts)
    return made
