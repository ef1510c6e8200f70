"""Ready or not, counted, and named: what a supervisor looks at."""

import logging
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from engine import Engine
from engine.service.api import health
from engine.service.app import create
from engine.service.logs import FIELDS, _Lines
from engine.service.settings import Settings
from tests.engine.test_service import problem

EVENT = {"user_id": "u0001", "item_id": "p0001"}


@pytest.fixture(scope="module")
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


@pytest.fixture
def client(engine: Engine, small_artefact: Path, tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create(engine, tmp_path / "events", small_artefact)) as client:
        yield client


def told(client: TestClient) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def test_ready_once_it_is_warm(engine: Engine, tmp_path: Path) -> None:
    with TestClient(create(engine, tmp_path / "events", None, Settings(warm=True))) as client:
        answers = [client.get("/readyz")]
        while answers[-1].status_code != 200 and len(answers) < 3000:
            assert "warming up" in problem(answers[-1], 503)
            assert answers[-1].headers["retry-after"] == "5"
            time.sleep(0.1)
            answers.append(client.get("/readyz"))
        assert answers[-1].json() == {"status": "ready"}


def test_not_ready_while_events_cannot_be_kept(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "FRESH", 0)
    before = client.get("/healthz").json()["events"]
    for _ in range(3):
        assert client.get("/readyz").status_code == 200
    assert client.get("/healthz").json()["events"] == before
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        answers = [client.get("/readyz") for _ in range(50)]  # its own writes fill the file
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "cannot be written" in problem(answers[-1], 503)
    assert client.get("/healthz").status_code == 200  # it is up, and can answer
    assert client.get("/readyz").status_code == 200
    assert client.post("/v1/events", json=EVENT).status_code == 201


def test_metrics_count_requests_by_route_and_what_is_served(client: TestClient, engine: Engine) -> None:
    before = told(client)
    for user in ("u0001", "u0002", "nobody-secret"):
        client.get(f"/v1/users/{user}")
    client.get("/nowhere/secret")
    client.request("BREW", "/nowhere")
    client.post("/v1/events", json=[EVENT, EVENT])
    after = told(client)
    assert after["weft_requests_total", "GET", "/v1/users/{user}", "200"] == 2
    assert after["weft_requests_total", "GET", "/v1/users/{user}", "404"] == 1
    assert after["weft_requests_total", "GET", "none", "404"] == 1
    assert after["weft_requests_total", "other", "none", "404"] == 1
    assert after["weft_request_seconds_count", "/v1/users/{user}"] == 3
    assert after[("weft_events_taken_total",)] == before[("weft_events_taken_total",)] + 2 == 2
    assert after[("weft_events",)] == before[("weft_events",)] + 2
    assert after[("weft_items",)] == 120
    assert after[("weft_users",)] == len(set(engine.catalogue.interactions["user_id"]))
    assert after[("weft_log_waiting",)] == 0
    assert after[("weft_artefact_age_seconds",)] > 0
    assert after[("process_resident_memory_bytes",)] > 1e8
    assert any(name == "weft_artefact_info" and len(labels[0]) == 16 for name, *labels in after)
    assert "secret" not in client.get("/metrics").text


def test_a_request_has_an_id(client: TestClient) -> None:
    assert client.get("/v1/recommend", headers={"X-Request-ID": "a.b-C_1"}).headers["x-request-id"] == "a.b-C_1"
    for wrong in ("", "a b", "x" * 65, "a\tb", "ä"):
        made = client.get("/nowhere", headers={"X-Request-ID": wrong.encode("latin-1")}).headers["x-request-id"]
        assert made != wrong and len(made) == 32


def test_a_fault_is_told_in_the_log_and_found_by_its_id(
    client: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(type(engine), "similar", lambda *_, **__: 1 / 0)
    with caplog.at_level(logging.INFO, "engine.service"):
        answer = client.get("/v1/similar/p0001", headers={"X-Request-ID": "this-one"})
    assert "division" not in problem(answer, 500)
    assert answer.headers["x-request-id"] == "this-one" and answer.headers["x-content-type-options"] == "nosniff"
    fault, request = (record for record in caplog.records if record.name.startswith("engine.service"))
    assert fault.exc_info and getattr(fault, FIELDS) == {"request_id": "this-one"}
    assert getattr(request, FIELDS)["status"] == 500
    line = _Lines("json").format(fault)
    assert "ZeroDivisionError" in line and "\n" not in line


def test_a_line_of_the_log_stays_one(caplog: pytest.LogCaptureFixture) -> None:
    record = logging.makeLogRecord({"msg": "a\nb", "levelno": logging.INFO, FIELDS: {"caller": "x\r\ny"}})
    assert "\n" not in _Lines("text").format(record) and "\n" not in _Lines("json").format(record)
