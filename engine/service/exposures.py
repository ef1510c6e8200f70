"""What users were shown in experiments, kept in the file of the service's log without an answer waiting for the disk.

An exposure waits in memory for up to a second and is then written together with all others. A process that is killed
loses those of its last second; one that ends in an orderly way loses none. A user who is erased takes theirs along
(`EventLog.erase`); what waits at that moment, in any process over the log, is dropped whole, for nobody keeps who was
erased.
"""

import json
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

log = logging.getLogger(__name__)

TABLES = """
create table exposures (
    seq integer primary key autoincrement,
    time integer not null, event integer not null, user text not null, experiment text not null, arm text not null,
    items text not null, skipped integer not null, propensities text, asked text not null
) strict;
"""
EVERY = 1.0
"""Seconds between two writes."""
MOST = 100_000
"""Exposures that may wait; where the disk takes none for so long, later ones are lost."""
_WAIT = 30


class Exposure(NamedTuple):
    """A list that a user was shown."""

    time: int
    """Unix seconds."""
    event: int
    """The number of the last event that the log had then."""
    user: str
    experiment: str
    arm: str
    items: Sequence[str]
    """The list from its top; the first `skipped` of it came with pages before."""
    skipped: int
    propensities: Sequence[float] | None
    """Of each item, if the arm explores."""
    asked: Mapping[str, Any]
    """Of the request what decided the list too: exclude, where, context, sensitive, rules; as far as said."""

    @property
    def shown(self) -> Sequence[str]:
        return self.items[self.skipped :]


class Exposures:
    """The exposures of one log, for any number of threads; other processes may write it too."""

    def __init__(self, path: Path) -> None:
        """Over a log that is there, with its tables."""
        self._base = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        # In a write-ahead log this keeps the file whole, and a write waits for no disk.
        self._base.execute("pragma synchronous = normal")
        self._using = threading.Lock()
        self._waiting: deque[Exposure] = deque()
        self._erasures = _erasures(self._base)
        self._ending = threading.Event()
        self._writer = threading.Thread(target=self._write_on, name="exposures", daemon=True)
        self._writer.start()

    def add(self, one: Exposure) -> None:
        """Keep it, soon; microseconds."""
        if len(self._waiting) < MOST:
            self._waiting.append(one)  # which is atomic

    def flush(self) -> None:
        """Write what waits. A disk that takes nothing is told in the log, and what waited is lost."""
        with self._using:
            taken: list[Exposure] = []
            try:
                erasures = _erasures(self._base)
                if not self._waiting:
                    self._erasures = erasures
                    return
                self._base.execute("begin immediate")  # nobody is erased from here to the commit
                erasures = _erasures(self._base)
                taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
                if erasures == self._erasures:
                    self._base.executemany(_INSERT, map(_row, taken))
                self._erasures = erasures
                self._base.execute("commit")
            except sqlite3.Error as error:
                log.error("exposures cannot be written (%s); %d of them are lost", error, len(taken))
                if self._base.in_transaction:
                    self._base.execute("rollback")

    def close(self) -> None:
        self._ending.set()
        self._writer.join()
        self.flush()
        self._base.close()

    def _write_on(self) -> None:
        while not self._ending.wait(EVERY):
            self.flush()


_INSERT = (
    "insert into exposures (time, event, user, experiment, arm, items, skipped, propensities, asked)"
    " values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _row(one: Exposure) -> tuple[Any, ...]:
    propensities = None if one.propensities is None else json.dumps(list(one.propensities))
    items = json.dumps(list(one.items))
    return (
        one.time,
        one.event,
        one.user,
        one.experiment,
        one.arm,
        items,
        one.skipped,
        propensities,
        json.dumps(dict(one.asked)),
    )


def read(base: sqlite3.Connection, experiment: str) -> list[Exposure]:
    """All exposures of an experiment in their order."""
    found = base.execute(
        "select time, event, user, arm, items, skipped, propensities, asked from exposures"
        " where experiment = ? order by seq",
        (experiment,),
    ).fetchall()
    return [
        Exposure(
            time,
            event,
            user,
            experiment,
            arm,
            json.loads(items),
            skipped,
            json.loads(propensities or "null"),
            json.loads(asked),
        )
        for time, event, user, arm, items, skipped, propensities, asked in found
    ]


def shown(base: sqlite3.Connection, experiment: str) -> pl.DataFrame:
    """What users were shown in an experiment, in its order: user_id, arm, time, item (those of a list).

    Without an object of Python for each item, which would keep all threads of a service waiting.
    """
    found = base.execute(
        "select user, arm, time, items, skipped from exposures where experiment = ? order by seq", (experiment,)
    ).fetchall()
    schema = {"user_id": pl.String, "arm": pl.String, "time": pl.Int64, "item": pl.String, "skipped": pl.Int64}
    lists = pl.col("item").str.json_decode(pl.List(pl.String)).list.slice("skipped")
    return pl.DataFrame(found, schema=schema, orient="row").with_columns(lists).drop("skipped")


def erase(base: sqlite3.Connection, user: str) -> None:
    """Those of a user; in the transaction that erases the user."""
    base.execute("delete from exposures where user = ?", (user,))


def _erasures(base: sqlite3.Connection) -> int:
    return int(base.execute("select ifnull(max(number), 0) from erasures").fetchone()[0])
