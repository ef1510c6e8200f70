"""The log of events: what was acknowledged is there, once, whatever happened to the process or the disk."""

import random
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from engine.service.eventlog import Entry, EventLog, EventLogError, RepeatedKeyError
from tests.engine import event_writer

ONE = Entry("u1", "p1", "", 1.0, 10)
OTHER = Entry("u2", "p2", "hide", 2.5, 11)


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
