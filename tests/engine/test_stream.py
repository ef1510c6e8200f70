"""Events from a stream of a real Redis: each is taken once, whoever is killed, and none is lost without a word."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr
from typer.testing import CliRunner

from engine import Engine
from engine.cli import app
from engine.service import stream as streams
from engine.service.eventlog import EventLog
from engine.service.live import Live
from engine.service.metrics import Metrics
from engine.service.settings import Settings
from engine.service.stream import Stream
from tests.engine.served import served

NAME = "weft:events"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a Redis of this test alone."""
    server = shutil.which("redis-server")
    if server is None and not os.environ.get("CI"):
        pytest.skip("no redis-server: install it (apt install redis-server)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    command = [str(server), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            url = f"redis://127.0.0.1:{port}/0"
            client = redis.Redis.from_url(url)
            wait(lambda: answers(client))
            client.close()
            yield url
        finally:
            process.terminate()


@pytest.fixture
def client(address: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(address)
    client.flushall()
    yield client
    client.close()


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def wait(until: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def send(client: redis.Redis, *bodies: object) -> None:
    for body in bodies:
        client.xadd(NAME, {"event": body if isinstance(body, str) else json.dumps(body)})


def pending(client: redis.Redis) -> int:
    return int(client.xpending(NAME, "weft")["pending"])


def finished(client: redis.Redis) -> bool:
    """Was everything given out and acknowledged?"""
    groups = client.xinfo_groups(NAME) if client.exists(NAME) else []
    return bool(groups) and groups[0]["lag"] == 0 and groups[0]["pending"] == 0


def kept(log: Path) -> Counter[tuple[str, str, str]]:
    opened = EventLog(log)
    found = Counter((entry.user, entry.item, entry.kind) for _, entry in opened.after())
    opened.close()
    return found


def test_events_and_reactions_are_taken_and_what_is_wrong_stands_beside(
    client: redis.Redis, address: str, small_artefact: Path, tmp_path: Path
) -> None:
    live, metrics = Live(Engine.load(small_artefact), EventLog(tmp_path / "events")), Metrics()
    send(
        client,
        {"user_id": "r1", "item_id": "p0001"},
        [{"user_id": "r1", "item_id": "p0002"}, {"user_id": "r2", "item_id": "p0003", "kind": "hide"}],
        {"user_id": "r1", "item_id": "nowhere"},
        {"user_id": "r1"},
        "not json",
        [{"user_id": "r1", "item_id": "p0001"}] * 1001,
    )
    client.xadd(NAME, {"other": "field"})
    client.xadd(NAME, {"event": b"\xff\xfe"})
    stream = Stream(live, address, NAME, metrics)
    stream.start()
    wait(lambda: finished(client))
    stream.stop()
    assert live.knows("r1") and live.engine.state.lookup.knows("r1")
    live.close()
    assert kept(tmp_path / "events") == {
        ("r1", "p0001", "chosen"): 1,
        ("r1", "p0002", "chosen"): 1,
        ("r2", "p0003", "hide"): 1,
    }
    refused = [fields for _, fields in client.xrange(f"{NAME}:refused")]
    reasons = [fields[b"reason"].decode() for fields in refused]
    assert len(refused) == 6 and all(fields[b"id"] for fields in refused)
    assert "not in the catalogue: 'nowhere'" in reasons[0] and "item_id: Field required" in reasons[1]
    assert "Invalid JSON" in reasons[2] and "at most 1000" in reasons[3]
    assert json.loads(refused[0][b"event"]) == {"user_id": "r1", "item_id": "nowhere"}
    told = metrics.text().decode()
    assert 'weft_stream_messages_total{result="taken"} 2.0' in told
    assert 'weft_stream_messages_total{result="refused"} 6.0' in told


def test_what_another_process_took_and_did_not_finish_counts_once(
    client: redis.Redis, address: str, small_artefact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "ABANDONED", 0.1)
    send(client, *({"user_id": f"r{n}", "item_id": "p0001"} for n in range(4)))
    client.xgroup_create(NAME, "weft", id="0")
    (_, given), *_ = client.xreadgroup("weft", "died", {NAME: ">"}, count=3)
    live = Live(Engine.load(small_artefact), EventLog(tmp_path / "events"))
    stream = Stream(live, address, NAME, Metrics())
    number, fields = given[0]  # this one was kept, and its end never told
    stream._live.add_each(
        [(streams._BODY.validate_json(b"[" + fields[b"event"] + b"]"), f"redis {NAME} {number.decode()}")]
    )
    stream.start()
    wait(lambda: finished(client))
    stream.stop()
    live.close()
    assert kept(tmp_path / "events") == {(f"r{n}", "p0001", "chosen"): 1 for n in range(4)}


def test_a_service_that_is_killed_loses_none_and_takes_none_twice(
    client: redis.Redis, address: str, small_artefact: Path, tmp_path: Path
) -> None:
    artefact = shutil.copytree(small_artefact, tmp_path / "artefact")
    sent = 2000
    for last in (False, True):
        with served(artefact, tmp_path, "--redis", address) as service:
            send(client, *({"user_id": f"r{last}-{n}", "item_id": "p0001"} for n in range(sent // 2)))
            if last:
                wait(lambda: finished(client), 120)
            service.process.kill()
    found = kept(tmp_path / "events")
    assert len(found) == sent and set(found.values()) == {1}


def test_a_redis_that_is_not_there_is_told_and_tried_again_without_its_password(
    small_artefact: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"redis://:secret-word@127.0.0.1:{free.getsockname()[1]}/0"
    live = Live(Engine.load(small_artefact), EventLog(tmp_path / "events"))
    stream = Stream(live, address, NAME, Metrics())
    stream.start()
    wait(lambda: "is tried again" in caplog.text)
    stream.stop()
    live.close()
    assert "secret-word" not in caplog.text
    assert "secret-word" not in repr(Settings(redis=SecretStr(address)))


def test_an_address_that_is_none_is_refused_by_the_command(small_artefact: Path) -> None:
    result = CliRunner().invoke(app, ["serve", str(small_artefact), "--redis", "http://nowhere"])
    assert result.exit_code != 0 and "--redis: Redis URL" in result.output
