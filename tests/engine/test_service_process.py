"""The service as a process: `weft serve` on a free port, asked, and stopped as Ctrl-C or a supervisor stops it."""

import json
import re
import signal
import socket
import time
from pathlib import Path

import httpx2
import pytest

from engine.service import keys
from tests.engine.served import served
from tests.engine.test_service import problem


def wait_until_ready(address: str) -> None:
    for _ in range(600):
        answer = httpx2.get(f"{address}/readyz", timeout=300)
        if answer.status_code == 200:
            return
        assert "warming up" in problem(answer, 503)
        time.sleep(0.2)
    raise AssertionError("never ready")


@pytest.mark.parametrize("workers", [1, 2])
def test_serve_answers_and_ends_with_ctrl_c(small_artefact: Path, tmp_path: Path, workers: int) -> None:
    with served(small_artefact, tmp_path, "--workers", str(workers)) as service:
        address = service.address
        health = httpx2.get(f"{address}/healthz", timeout=300)
        assert health.json()["status"] == "ok"
        for number in range(4):
            event = {"user_id": "u0001", "item_id": "p0003", "time": 1760000000 + number}
            assert httpx2.post(f"{address}/v1/events", json=event, timeout=60).json() == {"events": 1}
            known = httpx2.get(f"{address}/v1/users/u0001", timeout=30).json()["history"]
            assert known[0]["time"] == 1760000000 + number
        found = httpx2.get(f"{address}/v1/recommend", params={"user": "u0001", "n": 2}, timeout=30)
        assert len(found.json()["items"]) == 2
        told = httpx2.get(f"{address}/metrics", timeout=30).text
        # Each request came over a connection of its own, to whichever process; one tells of them all.
        assert 'weft_requests_total{method="POST",route="/v1/events",status="201"} 4.0' in told
        assert "weft_events_taken_total 4.0" in told
        assert httpx2.get(f"{address}/healthz", headers={"Host": "evil.example"}, timeout=30).status_code == 421
        assert service.stop() in (0, 130)
    assert "Traceback" not in service.log.read_text()


def test_the_log_tells_of_requests_and_not_of_what_was_asked(small_artefact: Path, tmp_path: Path) -> None:
    ring = tmp_path / "keys.json"
    key = keys.add(ring, "shop", "read")
    with served(small_artefact, tmp_path, "--keys", str(ring), "--log-format", "json") as service:
        wait_until_ready(service.address)
        with httpx2.Client(base_url=service.address, headers={"Authorization": f"Bearer {key}"}, timeout=300) as ask:
            ask.get("/v1/search", params={"q": "secretquery"}, headers={"X-Request-ID": "mine-1"})
            ask.get("/v1/users/u0001secret")
            ask.post("/v1/events", json={"user_id": "secretuser", "item_id": "p0003"})
            assert httpx2.get(f"{service.address}/metrics").status_code == 401
            assert ask.get("/metrics").status_code == 200
            assert ask.get("/readyz").status_code == 200
        assert service.stop(signal.SIGTERM) in (-signal.SIGTERM, 128 + signal.SIGTERM, 0)
    text = service.log.read_text()
    assert "secret" not in text and key not in text
    lines = [json.loads(line) for line in text.splitlines()]
    requests = [line for line in lines if line["message"] == "request" and line["route"] != "/readyz"]
    told = [(line["method"], line["route"], line["status"], line["caller"]) for line in requests]
    assert told == [
        ("GET", "/v1/search", 200, "shop"),
        ("GET", "/v1/users/{user}", 404, "shop"),
        ("POST", "none", 403, "shop"),
        ("GET", "none", 401, None),
    ]
    assert requests[0]["request_id"] == "mine-1" and requests[0]["ms"] > 0
    assert len({line["request_id"] for line in requests}) == 4
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line["time"]) for line in lines)


def test_a_request_under_way_is_answered_before_it_ends(small_artefact: Path, tmp_path: Path) -> None:
    body = json.dumps({"user_id": "late", "item_id": "p0003"}).encode()
    with served(small_artefact, tmp_path) as service:
        wait_until_ready(service.address)
        port = int(service.address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=60) as half:
            head = f"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
            half.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body[:10])
            time.sleep(0.5)  # the request is there, the rest of it is not
            service.process.send_signal(signal.SIGTERM)
            with pytest.raises(httpx2.TransportError):
                for _ in range(100):
                    httpx2.get(f"{service.address}/healthz")
                    time.sleep(0.05)
            assert service.process.poll() is None
            half.sendall(body[10:])
            answer = half.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 201") and b'{"events":1}' in answer
        service.process.wait(timeout=60)
    assert "Traceback" not in service.log.read_text()
    with served(small_artefact, tmp_path) as service:
        assert httpx2.get(f"{service.address}/v1/users/late", timeout=60).json()["events"] == 1


def test_what_was_acknowledged_is_there_after_a_kill(small_artefact: Path, tmp_path: Path) -> None:
    row = {"item_id": "n1", "title": "Quokka lamp", "price": 12}
    with served(small_artefact, tmp_path) as service:
        assert httpx2.post(f"{service.address}/v1/items", json=row, timeout=300).status_code == 201
        event = {"user_id": "new", "item_id": "n1"}
        assert httpx2.post(f"{service.address}/v1/events", json=event, timeout=60).status_code == 201
        service.process.kill()
        service.process.wait(30)
    with served(small_artefact, tmp_path) as service:
        assert httpx2.get(f"{service.address}/v1/items/n1", timeout=300).json()["title"] == "Quokka lamp"
        assert httpx2.get(f"{service.address}/v1/users/new", timeout=60).json()["history"][0]["item_id"] == "n1"
