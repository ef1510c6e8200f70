"""The service as a process: `weft serve` on a free port, asked, and stopped as Ctrl-C stops it."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest


@pytest.mark.parametrize("workers", [1, 2])
def test_serve_answers_and_ends_with_ctrl_c(small_artefact: Path, tmp_path: Path, workers: int) -> None:
    command = [sys.executable, "-c", "from engine.cli import app; app()", "serve", str(small_artefact), "--port", "0"]
    command += ["--events", str(tmp_path / "events"), "--workers", str(workers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = re.search(r"http://127\.0\.0\.1:\d+/", line)
            assert address is not None, line
            health = httpx2.get(f"{address[0]}healthz", timeout=300)
            assert health.json()["status"] == "ok"
            for number in range(4):
                event = {"user_id": "u0001", "item_id": "p0003", "time": 1760000000 + number}
                assert httpx2.post(f"{address[0]}v1/events", json=event, timeout=60).json() == {"events": 1}
                known = httpx2.get(f"{address[0]}v1/users/u0001", timeout=30).json()["history"]
                assert known[0]["time"] == 1760000000 + number
            found = httpx2.get(f"{address[0]}v1/recommend", params={"user": "u0001", "n": 2}, timeout=30)
            assert len(found.json()["items"]) == 2
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert "Traceback" not in errors
    assert process.returncode in (0, 130)


@contextmanager
def served(artefact: Path, events: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The address of a service, and its process."""
    command = [sys.executable, "-c", "from engine.cli import app; app()", "serve", str(artefact), "--port", "0"]
    command += ["--events", str(events)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
            assert address is not None
            yield address[0], process
        finally:
            process.kill()


def test_what_was_acknowledged_is_there_after_a_kill(small_artefact: Path, tmp_path: Path) -> None:
    row = {"item_id": "n1", "title": "Quokka lamp", "price": 12}
    with served(small_artefact, tmp_path / "events") as (address, process):
        assert httpx2.post(f"{address}v1/items", json=row, timeout=300).status_code == 201
        event = {"user_id": "new", "item_id": "n1"}
        assert httpx2.post(f"{address}v1/events", json=event, timeout=60).status_code == 201
        process.kill()
        process.wait(30)
    with served(small_artefact, tmp_path / "events") as (address, _):
        assert httpx2.get(f"{address}v1/items/n1", timeout=300).json()["title"] == "Quokka lamp"
        assert httpx2.get(f"{address}v1/users/new", timeout=60).json()["history"][0]["item_id"] == "n1"
