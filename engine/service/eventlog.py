"""Events and changes kept before they are acknowledged: an append-only log in one SQLite file.

An append returns once its events are on the disk (write-ahead log, synchronous=FULL). Appends that wait for the disk at
the same time share one write. The order of the log is the order in which every process that serves takes events in, so
that all of them come to the same state. Costs of an append: one write to the disk, and per event one row.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import polars as pl

from engine.errors import WeftError
from engine.service import changes, exposures
from engine.service.changes import Change
from engine.service.exposures import Exposure

FORMAT = 3
"""Of the tables below; kept as the file's user_version. Format 1 had no changes, 2 no exposures: taken over."""
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
_TABLES_SINCE = {1: changes.TABLES, 2: exposures.TABLES}
"""By format, what the next one has more."""


Answer = TypeVar("Answer")
Forget = Callable[[str, dict[str, Any]], dict[str, Any]]
"""From a user and a content to the content without that user."""


class EventLogError(WeftError):
    """The log cannot be opened, or cannot take events now; none of the request was taken."""


class RepeatedKeyError(WeftError):
    """A key came again with another request than before."""


class OvertakenError(WeftError):
    """Another change came first, which this one does not know of."""


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
    change: int
    """The number of the last change of items or rules."""


class Request(NamedTuple):
    """Events that are kept together or not at all."""

    entries: Sequence[Entry]
    key: str | None = None
    """By which a request is known again."""
    content: str | None = None
    """What was sent; the events if it is None."""


class _Waiting(NamedTuple):
    entries: Sequence[Entry]
    change: Change | None
    after: int
    key: bytes | None
    content: bytes
    done: "Future[bool | WeftError]"


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
            if found > FORMAT:
                raise EventLogError(f"{self.path}: the log has format {found}, and {FORMAT} is what is read here")
            wanting = [_TABLES] if found == 0 else []
            wanting += [tables for before, tables in _TABLES_SINCE.items() if found <= before]
            for tables in wanting:
                for statement in tables.split(";")[:-1]:
                    base.execute(statement)
            if wanting:
                base.execute(f"pragma user_version = {FORMAT}")

    def append(self, entries: Sequence[Entry], key: str | None = None, content: str | None = None) -> bool:
        """Keep these events, all or none; they are on the disk when this returns.

        False, and nothing kept, where the same key came before with the same content, which is the events if it is not
        given: a repeated request. Raises RepeatedKeyError where it came with another, EventLogError where the disk does
        not take them.
        """
        return only(self.append_each([Request(entries, key, content)]))

    def append_each(self, requests: Sequence[Request]) -> list[bool | WeftError]:
        """As `append` for each request, by one write; where it would raise, the error stands in the answer."""
        return self._append(
            [
                _waiting(
                    each.entries, None, 0, each.key, json.dumps(each.entries) if each.content is None else each.content
                )
                for each in requests
            ]
        )

    def append_change(self, change: Change, after: int, key: str | None = None, content: str = "") -> bool:
        """Keep a change of items or rules that was worked out on top of the one of number `after`; its own is the next.

        False, and nothing kept, for a repeated request, as `append`. Raises OvertakenError where another change has
        come since, RepeatedKeyError and EventLogError as `append`.
        """
        return only(self._append([_waiting((), change, after, key, content)]))

    def came(self, key: str, content: str) -> bool:
        """Did a request with this key come before? Raises RepeatedKeyError where it came with another content."""
        with self._reading:
            return _came(self._reader, _hash(key), _hash(content))

    def _append(self, mine: Sequence[_Waiting]) -> list[bool | WeftError]:
        with self._arriving:
            self._waiting.extend(mine)
        with self._using:  # whoever comes first writes for all that wait
            if not all(one.done.done() for one in mine):
                with self._arriving:
                    together, self._waiting = self._waiting, []
                self._write(together)
        return [one.done.result() for one in mine]

    def _write(self, together: Sequence[_Waiting]) -> None:
        answers: list[bool | WeftError] = []
        try:
            with self._transaction():
                answers = [self._keep(one) for one in together]
        except sqlite3.Error as error:
            failed = EventLogError(f"the log of events cannot be written ({error}); nothing was taken")
            answers = [failed] * len(together)
        for one, answer in zip(together, answers, strict=True):
            one.done.set_result(answer)

    def _keep(self, one: _Waiting) -> bool | WeftError:
        try:
            if one.key is not None and _came(self._base, one.key, one.content):
                return False
            if one.change is not None and one.after != changes.last(self._base):
                return OvertakenError("another change came first; look at what is there now and send yours again")
        except RepeatedKeyError as error:
            return error
        if one.key is not None:
            self._base.execute("insert into requests values (?, ?)", (one.key, one.content))
        self._base.executemany("insert into events (user, item, kind, value, time) values (?, ?, ?, ?, ?)", one.entries)
        if one.change is not None:
            changes.insert(self._base, one.change)
        return True

    def after(self, seq: int = 0) -> Iterator[tuple[int, Entry]]:
        """Numbers and events behind the one of this number, in their order, as they are now."""
        with self._reading:
            found = self._reader.execute(
                "select seq, user, item, kind, value, time from events where seq > ? order by seq", (seq,)
            ).fetchall()
        return ((row[0], Entry(*row[1:])) for row in found)

    def changes(self, number: int = 0, kind: str | None = None) -> list[tuple[int, Change]]:
        """Numbers and changes behind the one of this number, in their order; of one kind, if it is named."""
        with self._reading:
            return changes.after(self._reader, number, kind)

    def exposures(self, experiment: str) -> list[Exposure]:
        """What was shown in an experiment and is written by now, in its order."""
        with self._reading:
            return exposures.read(self._reader, experiment)

    def shown(self, experiment: str) -> pl.DataFrame:
        """The same as a table, as `exposures.shown` has it; nobody who reads waits for it."""
        with closing(self._connect()) as base:
            return exposures.shown(base, experiment)

    def table(self, kind: str) -> pl.DataFrame:
        """All events of a kind, as they are now: user_id, item_id, time; nobody who reads waits for it."""
        with closing(self._connect()) as base:
            found = base.execute("select user, item, time from events where kind = ? order by seq", (kind,)).fetchall()
        return pl.DataFrame(found, {"user_id": pl.String, "item_id": pl.String, "time": pl.Int64}, orient="row")

    @property
    def last(self) -> "Mark":
        """How far the log is now; microseconds."""
        with self._reading:
            found = self._reader.execute(
                "select ifnull((select seq from sqlite_sequence where name = 'events'), 0),"
                " ifnull((select max(number) from erasures), 0),"
                " ifnull((select seq from sqlite_sequence where name = 'changes'), 0)"
            ).fetchone()
        return Mark(*found)

    def erase(self, user: str, forget: Forget | None = None) -> int:
        """Take a user's events and exposures out of the file and its free pages; returns how many events.

        `forget` takes the user out of the content of a change of rules.
        """
        try:
            with self._using:
                with self._transaction():
                    gone = self._base.execute("delete from events where user = ?", (user,)).rowcount
                    if forget is not None:
                        changes.rewrite(self._base, "rules", partial(forget, user))
                    exposures.erase(self._base, user)
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


def only(answers: Sequence[Answer | WeftError]) -> Answer:
    """The one answer there is; raised where it is an error."""
    (answer,) = answers
    if isinstance(answer, WeftError):
        raise answer
    return answer


def _waiting(entries: Sequence[Entry], change: Change | None, after: int, key: str | None, content: str) -> _Waiting:
    # Keys may name users, who may be erased: so their hashes are kept.
    return _Waiting(entries, change, after, None if key is None else _hash(key), _hash(content), Future())


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _came(base: sqlite3.Connection, key: bytes, content: bytes) -> bool:
    before = base.execute("select content from requests where key = ?", (key,)).fetchone()
    if before is not None and before[0] != content:
        raise RepeatedKeyError("this idempotency key came before with other events, or with another request")
    return before is not None
