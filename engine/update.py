"""An engine after an update: tables, features and graph with what is new, a ranker that learned from it, a report."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import changing, describe, drift, growth, history, updating
from engine.candidates import restore
from engine.clock import Clock
from engine.drift import Sign
from engine.errors import DataError
from engine.growth import Said
from engine.reservoir import restored
from engine.state import OF_ITEMS, State
from engine.tables import columns
from engine.tables import items as item_tables
from engine.tables.readers import Table, TableLike, in_memory
from engine.updating import Judgement, Learned

if TYPE_CHECKING:
    from engine.engine import Engine


@dataclass(frozen=True)
class Updated:
    """What an update did, or why it was refused."""

    accepted: bool
    forced: bool
    """Whether it was accepted against the judgement."""
    events: int
    """That were learned from."""
    added: list[str]
    changed: list[str]
    judgement: Judgement | None
    """None where there was nothing to judge by."""
    drift: list[Sign]
    seconds: dict[str, float]

    @property
    def alarms(self) -> list[Sign]:
        return [one for one in self.drift if one.alarm]

    def told(self) -> dict[str, Any]:
        """For machines, and for the artefact."""
        judged = None if self.judgement is None else asdict(self.judgement) | {"gain": self.judgement.gain._asdict()}
        return {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "accepted": self.accepted,
            "forced": self.forced,
            "events": self.events,
            "added": len(self.added),
            "changed": len(self.changed),
            "judgement": judged,
            "drift": [asdict(one) for one in self.drift],
            "seconds": self.seconds,
        }


def update(
    engine: "Engine", events: TableLike | None, items: TableLike | None, force: bool, stage: Callable[[str], None]
) -> Updated:
    """Update an engine; for whoever holds its lock. As `Engine.update`."""
    clock = Clock(stage)
    before = engine.state
    clock("items")
    state, added, changed = before, list[str](), list[str]()
    if items is not None:
        state, added, changed = described(before, items)
    clock("events")
    fresh = None if events is None else growth.events(state.catalogue, events, state.config)
    tables = state.catalogue if fresh is None else growth.with_events(state.catalogue, fresh)
    count = tables.interactions.height - state.learned
    if not count and not added and not changed:
        raise DataError("nothing new: every row was left out, or there is none; see the warnings")
    signs = inputs(before, state, tables.interactions, added)
    whole, new = histories(state, tables.interactions)
    clock("learning")
    smooth = updating.was_smooth(engine.gates)
    learned = Learned(state.ranker, restore(engine.held), restored(engine.old))
    made = updating.learn(learned, whole, new, smooth, state.config, clock)
    signs += drift.quality(engine.quality, made.asked, state.config.seed)
    passed = made.judgement is None or made.judgement.passed
    accepted = passed or force
    if accepted:
        kept = OF_ITEMS | {"book"}
        state = state.after(kept, catalogue=tables, ranker=made.learned.ranker, learned=tables.interactions.height)
        engine.state, engine.old = state, made.learned.old.tensors()
        engine.held = {one.name: dict(one.tensors()) for one in made.learned.held}
    clock("")
    done = Updated(accepted, accepted and not passed, count, added, changed, made.judgement, signs, clock.seconds)
    if accepted:
        engine.updates = [*engine.updates, done.told()]
    return done


def described(state: State, rows: TableLike) -> tuple[State, list[str], list[str]]:
    """The state with these items added, or described anew if they are there, and the ids of both."""
    config = state.config
    wanted = item_tables.wanted(config.data, config.modalities)
    table = rows if isinstance(rows, Table) else in_memory(rows, "items", wanted)
    if config.data.item not in table.frame.columns:
        raise DataError(f"{table.name}: there is no column `{config.data.item}`, of item ids")
    there = pl.Series(
        [item is not None and state.lookup.has(item) for item in columns.ids(table.frame[config.data.item])]
    )
    made, ids = state, list[list[str]]()
    for some, work in ((~there, changing.add), (there, changing.change)):
        part = replace(table, frame=table.frame.filter(some), lines=table.lines.filter(some))
        found = list[str]()
        if part.frame.height:
            made, found = work(made, Said(part))
        ids.append(found)
    return made, ids[0], ids[1]


def histories(state: State, interactions: pl.DataFrame) -> tuple[history.Histories, NDArray[np.bool_]]:
    """Everybody's whole histories, and which of their events are not learned from yet, (events,)."""
    users = interactions["user_id"].unique(maintain_order=True).to_list()
    index = {item: row for row, item in enumerate(state.catalogue.items["item_id"])}
    whole = history.from_frame(interactions, users, index)
    order = pl.Series("value", np.arange(interactions.height) >= state.learned).cast(pl.Float32)
    return whole, history.from_frame(interactions.with_columns(order), users, index).values > 0


def inputs(before: State, state: State, interactions: pl.DataFrame, added: list[str]) -> list[Sign]:
    """Signs of drift in what came in."""
    old, new = interactions[: state.learned], interactions[state.learned :]
    rows = np.array(state.lookup.rows(new["item_id"]), np.int64)
    popularity = np.bincount(state.lookup.rows(old["item_id"]), minlength=len(state.lookup))
    new_user = ~new["user_id"].is_in(old["user_id"].unique().implode()).to_numpy()
    signs = drift.events(rows, new_user, state.ranker.known, popularity)
    signs += drift.values(old["value"].to_numpy(), new["value"].to_numpy())
    at = np.array([state.lookup.shown(item) for item in added], np.int64)
    texts = [describe.tokens(text) for text in state.catalogue.items["text"][at]] if added else []
    signs += drift.words(state.vocabulary.words, texts)
    fresh = state.ranker.features.take(at)
    return signs + drift.vectors(before.ranker.features, fresh, state.config.seed)
