"""Changes and events of the log, made in an engine.

    add, change    rows: as tables have them; edges: by item [relation, tail], in the place of those it is the head of
    remove         ids
    picture        pictures: by item the name of a file in the service's folder of pictures, or null for none
    rules          what, before, after: rules as `graph.rules.Rules.plain` gives them
    artefact       before, after: names of folders; nothing is changed in an engine, another one takes its place
    shadow         name, share: of the artefact that answers in the background, null for none; nothing is changed either

Many changes are joined before they are made: of an item the last description counts, and the catalogue is woven again
once for all that were added, once for all that were changed, and once for all that were removed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from engine.config import Data
from engine.engine import Engine
from engine.rules import whom
from engine.service.changes import Change
from engine.service.eventlog import Entry
from engine.tables.catalogue import EVENTS
from graph.rules import Rules

CHOSEN = "chosen"
"""The kind of an event by which a user says that an item is wanted."""
Row = dict[str, Any]
Edges = dict[str, list[tuple[str, str]]]


@dataclass
class Joined:
    """What many changes come to."""

    rows: dict[str, Row] = field(default_factory=dict)
    """By item, in the order in which they were first described."""
    edges: Edges = field(default_factory=dict)
    pictures: dict[str, str | None] = field(default_factory=dict)
    removed: dict[str, None] = field(default_factory=dict)
    """Ids in their order."""
    rules: dict[str, Any] | None = None


def joined(changes: Iterable[Change], item: str) -> Joined:
    """What changes come to; `item` is the column of ids in their rows."""
    whole = Joined()
    for change in changes:
        content = change.content
        if change.kind in ("add", "change"):
            named = {str(row[item]): row for row in content["rows"]}
            whole.rows |= named
            whole.edges |= {one: [(relation, tail) for relation, tail in of] for one, of in content["edges"].items()}
            if change.kind == "add":
                whole.pictures |= dict.fromkeys(named)  # one that comes again comes without its old picture
                whole.removed = {one: None for one in whole.removed if one not in named}
        elif change.kind == "picture":
            whole.pictures |= content["pictures"]
        elif change.kind == "remove":
            whole.removed |= dict.fromkeys(content["ids"])
            for one in content["ids"]:
                whole.pictures.pop(one, None)
        elif change.kind == "rules":
            whole.rules = content["after"]
    return whole


def make(engine: Engine, whole: Joined, folder: Path) -> None:
    """Make changes in an engine; pictures are files of `folder`. What does not fit any more is logged and left out."""
    there = engine.state.lookup.has  # of before: a change puts another state in its place
    kept = {one: row for one, row in whole.rows.items() if not there(one) or one not in whole.removed}
    new = {one: row for one, row in kept.items() if not there(one)}
    old = {one: row for one, row in kept.items() if there(one)}
    pictures: dict[str, Path | None] = {
        one: None if name is None else folder / name for one, name in whole.pictures.items()
    }
    if new:
        engine.add_items(list(new.values()), whole.edges, {one: pictures.get(one) for one in new})
    if old:
        engine.change_items(list(old.values()), whole.edges, _pictures_of(engine, old) | pictures)
    alone = {one: path for one, path in pictures.items() if there(one) and one not in kept}
    if alone:
        engine.picture_items(alone)
    gone = [one for one in whole.removed if there(one) or one in new]
    if gone:
        engine.remove_items(gone)
    if whole.rules is not None:
        engine.use_rules(Rules.model_validate(whole.rules))


def _pictures_of(engine: Engine, items: Iterable[str]) -> dict[str, Path | None]:
    """The pictures that items have now: a new description leaves them."""
    images = engine.catalogue.items["image"]
    found = {}
    for item in items:
        path = images[engine.state.lookup.shown(item)]
        found[item] = None if path is None else Path(path)
    return found


def without_user(user: str, content: dict[str, Any]) -> dict[str, Any]:
    """The content of a change of rules in which a user is named nowhere."""
    ends = {end: whom.forget(Rules.model_validate(content[end]), user).plain() for end in ("before", "after")}
    return content | ends


def not_there(engine: Engine, entries: Sequence[Entry]) -> list[Entry]:
    """The events that the tables of the engine do not have, by user, item and second."""
    users = pl.Series(list({entry.user for entry in entries}), dtype=pl.String).implode()
    told = engine.catalogue.interactions.filter(pl.col("user_id").is_in(users)).select("user_id", "item_id", "time")
    there = set(told.iter_rows())
    return [entry for entry in entries if entry.kind != CHOSEN or (entry.user, entry.item, entry.time) not in there]


def with_events(engine: Engine, entries: Sequence[Entry]) -> Engine:
    """Another engine, with these events."""
    made = replace(engine)  # with a lock of its own
    chosen = [one for one in entries if one.kind == CHOSEN]
    there = engine.state.lookup.known
    if all(one.user and one.user == one.user.strip() and there([one.item]) for one in chosen):
        made.add_read_events(_read(chosen, engine.config.data))
    else:  # a table that is read costs milliseconds, and says what is wrong with it
        made.add_events(_rows(chosen, engine.config.data))
    said = [(one.user, one.item, one.kind) for one in entries if one.kind != CHOSEN]
    if said:
        made.add_feedback(one for one in said if there([one[1]]))
    return made


def _read(chosen: Sequence[Entry], data: Data) -> pl.DataFrame:
    """Events as `Catalogue.interactions` has them."""
    columns = {
        "user_id": [one.user for one in chosen],
        "item_id": [one.item for one in chosen],
        "value": [one.value if data.value else 1.0 for one in chosen],
        "time": [one.time if data.time else 0 for one in chosen],
    }
    return pl.DataFrame(columns, schema=EVENTS)


def _rows(chosen: Sequence[Entry], data: Data) -> list[Row]:
    """Events as the tables of a configuration have them."""
    named = ((data.user, "user"), (data.item, "item"), (data.value, "value"), (data.time, "time"))
    columns = {column: part for column, part in named if column}
    return [{column: getattr(one, part) for column, part in columns.items()} for one in chosen]
