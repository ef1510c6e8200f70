"""The log of events: what was acknowledged is there, once, whatever happened to the process or the disk."""

import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from engine.service.changes import Change
from engine.service.eventlog import Entry, EventLog, EventLogError, OvertakenError, RepeatedKeyError
from tests.engine import event_writer

ONE = Entry("u1", "p1", "", 1.0, 10)
OTHER = Entry("u2", "p2", "hide", 2.5, 11)


REMOVAL = Change("remove", {"ids": ["p1", "\u5e3d"]}, "local", 12)
FORMAT_1 = """
create table events (
    seq integer primary key autoincrement,
    user text not null, item text not null, kind text not null, value real not null, time integer not null
) strict;
create index events_of_user on events (user);
create table requests (key blob primary key, content blob not null) strict, without rowid;
create table erasures (number integer primary key) strict;
insert into events (user, item, kind, value, time) values ('u1', 'p1', '', 1.0, 10);
pragma user_version = 1;
"""
"""What the first version of the log wrote."""


def entries(log: EventLog, seq: int = 0) -> list[Entry]:
    return [entry for _, entry in log.after(seq)]


def test_what_is_appended_is_there_in_its_order_also_after_opening_anew(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.db")
    assert log.append([ONE, OTHER]) and log.append([ONE])
    (first, _), *_ = log.after()
    assert entries(log) == [ONE, OTHER, ONE]
    assert entries(log, first) == [OTHER, ONE]
    log.close()
    assert entries(EventLog(tmp_path / "events.db")) == [ONE, OTHER, ONE]


def test_a_key_counts_once(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.db")
    assert log.append([ONE], "k")
    assert not log.append([ONE], "k")
    with pytest.raises(RepeatedKeyError, match="other events"):
        log.append([OTHER], "k")
    assert log.append([ONE], "another")
    assert entries(log) == [ONE, ONE]


def test_many_threads_with_one_key_append_once(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.db")
    taken: list[bool] = []
    threads = [threading.Thread(target=lambda: taken.append(log.append([ONE], "k"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 15 + [True]
    assert entries(log) == [ONE]


def test_another_process_sees_what_is_new(tmp_path: Path) -> None:
    one, other = EventLog(tmp_path / "events.db"), EventLog(tmp_path / "events.db")
    one.append([ONE])
    ((seq, _),) = other.after()
    one.append([OTHER])
    assert entries(other, seq) == [OTHER]


def test_erased_users_are_in_no_file(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.db")
    secret = Entry("somebody-who-leaves", "p1", "", 1.0, 10)
    log.append([ONE, secret, secret], key="somebody-who-leaves/1")
    assert any(b"somebody-who-leaves" in path.read_bytes() for path in tmp_path.iterdir())
    assert log.erase("somebody-who-leaves") == 2
    assert entries(log) == [ONE]
    assert not any(b"somebody-who-leaves" in path.read_bytes() for path in tmp_path.iterdir())
    log.append([OTHER])
    (_, first), (_, second) = log.after()
    assert (first, second) == (ONE, OTHER)


def test_a_file_that_is_no_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.db").write_bytes(b"no database, but long enough to look at" * 100)
    with pytest.raises(EventLogError, match="cannot be opened"):
        EventLog(tmp_path / "events.db")


def test_changes_stand_beside_events_and_count_once(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.db")
    assert log.append_change(REMOVAL, 0, "k", "DELETE p1")
    assert log.came("k", "DELETE p1") and not log.came("other", "DELETE p1")
    assert not log.append_change(REMOVAL, 0, "k", "DELETE p1")
    with pytest.raises(RepeatedKeyError):
        log.append([ONE], "k")
    log.append([ONE])
    assert log.append_change(REMOVAL._replace(kind="rules"), 1)
    for opened in (log, EventLog(tmp_path / "events.db")):
        assert [number for number, _ in opened.changes()] == [1, 2]
        assert opened.changes(0, "remove") == [(1, REMOVAL)] and opened.changes(2) == []
        assert entries(opened) == [ONE] and opened.last == (1, 0, 2)


def test_a_change_on_top_of_what_is_no_more_the_last_is_refused(tmp_path: Path) -> None:
    one, other = EventLog(tmp_path / "events.db"), EventLog(tmp_path / "events.db")
    one.append_change(REMOVAL, 0)
    with pytest.raises(OvertakenError):
        other.append_change(REMOVAL, 0, "k")
    assert other.append_change(REMOVAL, 1, "k")  # the key was not used up
    taken: list[bool] = []

    def change() -> None:
        try:
            taken.append(one.append_change(REMOVAL, 2))
        except OvertakenError:
            taken.append(False)

    threads = [threading.Thread(target=change) for _ in range(8)]  # which share a write
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True] and one.last.change == 3


def test_a_log_of_the_first_format_is_taken_over(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "events.db") as base:
        base.executescript(FORMAT_1)
    base.close()
    for _ in range(2):
        log = EventLog(tmp_path / "events.db")
        assert entries(log)[0] == ONE
        log.append([OTHER])
        assert log.append_change(REMOVAL, log.last.change)
        log.close()
    with sqlite3.connect(tmp_path / "events.db") as base:
        assert base.execute("pragma user_version").fetchone() == (3,)
        base.execute("pragma user_version = 4")
    base.close()
    with pytest.raises(EventLogError, match="format 4, and 3"):
        EventLog(tmp_path / "events.db")


def test_kill_loses_and_doubles_nothing_acknowledged(tmp_path: Path) -> None:
    path, random_, rounds = tmp_path / "events.db", random.Random(0), 20
    acknowledged: set[str] = set()
    for number in range(rounds):
        with subprocess.Popen(
            [sys.executable, event_writer.__file__, path, str(number)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            acknowledged.add(process.stdout.readline().decode().strip())  # it has begun
            time.sleep(random_.random() / 20)
            process.kill()
            acknowledged |= set(process.stdout.read().decode().split("\n")[:-1])
    kept = Counter((entry.user, entry.item) for entry in entries(EventLog(path)))
    users = {user for user, _ in kept}
    assert acknowledged <= users and len(acknowledged) > rounds
    assert kept == Counter((user, item) for user in users for item in "abc")  # whole requests, each once


def test_a_torn_write_costs_only_what_was_not_acknowledged_yet(tmp_path: Path) -> None:
    """A write-ahead log cut anywhere gives back the requests before the cut, whole and in order."""
    log, random_ = EventLog(tmp_path / "events.db"), random.Random(0)
    for number in range(20):
        log.append([Entry(f"u{number}", item, "", 1.0, number) for item in ("a", "b")])
    written = (tmp_path / "events.db-wal").read_bytes()
    for cut in (random_.randrange(len(written)) for _ in range(20)):
        torn = tmp_path / f"torn-{cut}"
        torn.mkdir()
        shutil.copy(tmp_path / "events.db", torn)
        (torn / "events.db-wal").write_bytes(written[:cut] + bytes(random_.randbytes(random_.randrange(100))))
        kept = entries(EventLog(torn / "events.db"))
        assert [entry.user for entry in kept] == [f"u{number}" for number in range(len(kept) // 2) for _ in "ab"]


def test_a_full_disk_is_an_error_and_the_log_goes_on_when_there_is_room(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.db")
    log.append([ONE])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        with pytest.raises(EventLogError, match="nothing was taken"):
            for number in range(100):
                log.append([Entry(f"u{number}", "p" * 1000, "", 1.0, 1)] * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    before = entries(log)
    assert len(before) % 100 == 1  # whole requests
    assert log.append([OTHER])
    assert entries(log) == [*before, OTHER]
    assert entries(EventLog(tmp_path / "events.db")) == [*before, OTHER]
