"""Events kept before they are acknowledged: an append-only log in one SQLite file.

An append returns once its events are on the disk (write-ahead log, synchronous=FULL). Appends that wait for the disk at
the same time share one write. The order of the log is the order in which every process that serves takes events in, so
that all of them come to the same state. Costs of an append: one write to the disk, and per event one row.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from engine.errors import WeftError

FORMAT = 1
"""Of the tables below; kept as the file's user_version."""
WAIT = 30
"""Seconds to wait for another process that writes."""
_TABLES = """
create table events (
    seq integer primary key autoincrement,
    user text not null, item text not null, kind text not null, value real not null, time integer not null
) strict;
create index events_of_user on events (user);
create table requests (key blob primary key, content blob not null) strict, without rowid;
create table erasures (number integer primary key) strict;
"""


class EventLogError(WeftError):
    """The log cannot be opened, or cannot take events now; none of the request was taken."""


class RepeatedKeyError(WeftError):
    """A key came again with other events than before."""


class Entry(NamedTuple):
    """What a user did with an item, in Unix seconds."""

    user: str
    item: str
    kind: str
    value: float
    time: int


class Mark(NamedTuple):
    """How far a log is, of all that ever came."""

    event: int
    """The number of the last event."""
    erasure: int
    """How many times a user was erased."""


class _Waiting(NamedTuple):
    entries: Sequence[Entry]
    key: bytes | None
    content: bytes
    done: "Future[bool]"


class EventLog:
    """One log, for any number of threads; other processes may have it open too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: list[_Waiting] = []
        self._arriving = threading.Lock()
        self._using = threading.Lock()
        self._reading = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = self._connect()
            self._prepare()
            self._reader = self._connect()  # its own, so that nobody who reads waits for the disk
        except (sqlite3.Error, OSError) as error:
            raise EventLogError(f"{path}: the log of events cannot be opened ({error})") from None

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=WAIT, isolation_level=None, check_same_thread=False)

    def _prepare(self) -> None:
        base = self._base
        base.execute("pragma journal_mode = wal")
        base.execute("pragma synchronous = full")
        base.execute("pragma secure_delete = on")  # what is erased is written over
        with self._transaction():
            (found,) = base.execute("pragma user_version").fetchone()
            if found == 0:
                for statement in _TABLES.split(";")[:-1]:
                    base.execute(statement)
                base.execute(f"pragma user_version = {FORMAT}")
            elif found != FORMAT:
                raise EventLogError(f"{self.path}: the log has format {found}, and {FORMAT} is what is read here")

    def append(self, entries: Sequence[Entry], key: str | None = None, content: str | None = None) -> bool:
        """Keep these events, all or none; they are on the disk when this returns.

        False, and nothing kept, where the same key came before with the same content, which is the events if it is not
        given: a repeated request. Raises RepeatedKeyError where it came with another, EventLogError where the disk does
        not take them.
        """
        content = json.dumps(entries) if content is None else content
        name = None if key is None else hashlib.sha256(key.encode()).digest()  # keys may name users, who may be erased
        mine = _Waiting(entries, name, hashlib.sha256(content.encode()).digest(), Future())
        with self._arriving:
            self._waiting.append(mine)
        with self._using:  # whoever comes first writes for all that wait
            if not mine.done.done():
                with self._arriving:
                    together, self._waiting = self._waiting, []
                self._write(together)
        return mine.done.result()

    def _write(self, together: Sequence[_Waiting]) -> None:
        answers: list[bool | RepeatedKeyError] = []
        try:
            with self._transaction():
                answers = [self._keep(one) for one in together]
        except sqlite3.Error as error:
            failed = EventLogError(f"the log of events cannot be written ({error}); nothing was taken")
            for one in together:
                one.done.set_exception(failed)
            return
        for one, answer in zip(together, answers, strict=True):
            if isinstance(answer, RepeatedKeyError):
                one.done.set_exception(answer)
            else:
                one.done.set_result(answer)

    def _keep(self, one: _Waiting) -> bool | RepeatedKeyError:
        if one.key is not None:
            before = self._base.execute("select content from requests where key = ?", (one.key,)).fetchone()
            if before is not None:
                repeated = before[0] == one.content
                return False if repeated else RepeatedKeyError("this idempotency key came before with other events")
            self._base.execute("insert into requests values (?, ?)", (one.key, one.content))
        self._base.executemany("insert into events (user, item, kind, value, time) values (?, ?, ?, ?, ?)", one.entries)
        return True

    def after(self, seq: int = 0) -> Iterator[tuple[int, Entry]]:
        """Numbers and events behind the one of this number, in their order, as they are now."""
        with self._reading:
            found = self._reader.execute(
                "select seq, user, item, kind, value, time from events where seq > ? order by seq", (seq,)
            ).fetchall()
        return ((row[0], Entry(*row[1:])) for row in found)

    @property
    def last(self) -> "Mark":
        """How far the log is now; microseconds."""
        with self._reading:
            found = self._reader.execute(
                "select ifnull((select seq from sqlite_sequence where name = 'events'), 0),"
                " ifnull((select max(number) from erasures), 0)"
            ).fetchone()
        return Mark(*found)

    def erase(self, user: str) -> int:
        """Take a user's events out of the file, also of what is left of it in free pages; returns how many."""
        try:
            with self._using:
                with self._transaction():
                    gone = self._base.execute("delete from events where user = ?", (user,)).rowcount
                    self._base.execute("insert into erasures default values")  # of whom is not said
                self._base.execute("pragma wal_checkpoint(truncate)")  # what was appended lately stands there
        except sqlite3.Error as error:
            raise EventLogError(f"the log of events cannot be written ({error}); nothing was erased") from None
        return gone

    @property
    def waiting(self) -> int:
        """How many requests wait for the disk."""
        return len(self._waiting)

    def check(self) -> None:
        """Raise EventLogError where events could not be kept now. Costs one write to the disk."""
        try:
            with self._using, self._transaction():
                self._base.execute(f"pragma user_version = {FORMAT}")  # what is there already, but it is written
        except sqlite3.Error as error:
            raise EventLogError(f"the log of events cannot be written ({error})") from None

    def close(self) -> None:
        with self._using, self._reading:
            self._reader.close()
            self._base.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._base.execute("begin immediate")
        try:
            yield
            self._base.execute("commit")
        except BaseException:
            if self._base.in_transaction:  # a full disk ends it by itself
                self._base.execute("rollback")
            raise
