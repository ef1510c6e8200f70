"""Changes of items and rules in the service's log: who changed what, and when.

They stand in the file of the events, with numbers of their own. An event never comes before the change that adds its
item, for nobody takes it in before: so whoever works the log out may take all changes first, and then all events.
"""

import json
import sqlite3
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

TABLES = """
create table changes (
    number integer primary key autoincrement,
    kind text not null, who text not null, time integer not null, content text not null
) strict;
"""

Kind = Literal["add", "change", "remove", "picture", "rules", "artefact", "shadow"]


class Change(NamedTuple):
    """What was changed. Of `content` engine/service/replay.py says what each kind holds."""

    kind: Kind
    content: dict[str, Any]
    """JSON."""
    who: str
    """The name of the caller's API key, or `local`."""
    time: int
    """Unix seconds."""


def insert(base: sqlite3.Connection, change: Change) -> None:
    base.execute(
        "insert into changes (kind, who, time, content) values (?, ?, ?, ?)",
        (change.kind, change.who, change.time, _text(change.content)),
    )


def after(base: sqlite3.Connection, number: int, kind: str | None) -> list[tuple[int, Change]]:
    """Numbers and changes behind the one of this number, in their order; of one kind, if it is named."""
    found = base.execute(
        "select number, kind, content, who, time from changes where number > ? and (? is null or kind = ?)"
        " order by number",
        (number, kind, kind),
    ).fetchall()
    return [(row[0], Change(row[1], json.loads(row[2]), row[3], row[4])) for row in found]


def rewrite(base: sqlite3.Connection, kind: Kind, other: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Put other contents in the place of those of a kind."""
    for number, change in after(base, 0, kind):
        content = other(change.content)
        if content != change.content:
            base.execute("update changes set content = ? where number = ?", (_text(content), number))


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def last(base: sqlite3.Connection) -> int:
    """The number of the last change; 0 for none."""
    found = base.execute("select ifnull(max(number), 0) from changes").fetchone()
    return int(found[0])
