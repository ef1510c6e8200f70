"""Spans of requests, as a collector gets them over HTTP: what was done, and never for whom."""

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from engine import Engine
from engine.errors import WeftError
from engine.service import keys, tracing
from engine.service.app import create
from engine.service.settings import Settings
from tests.engine.command import weft


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """What a collector was sent."""
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield bodies
        server.shutdown()
        thread.join()


def test_a_span_says_what_was_done_and_not_for_whom(
    small_artefact: Path, tmp_path: Path, collected: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine.load(small_artefact)
    key = keys.add(tmp_path / "keys.json", "shop", "admin")
    settings = Settings(otel=True, keys=tmp_path / "keys.json")
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {
        "Authorization": f"Bearer {key}", "User-Agent": "secret-agent", "X-Request-ID": "secret-request",
        "traceparent": f"00-{trace}-b7ad6b7169203331-01", "baggage": "user=secret",
    }  # fmt: skip
    monkeypatch.setattr(Engine, "similar", lambda *_, **__: 1 / 0)
    with TestClient(create(engine, tmp_path / "events", None, settings), "http://secret.example") as client:
        client.headers.update(headers)
        assert client.get("/v1/recommend", params={"user": "secret-user", "n": 1}).status_code == 200
        assert client.get("/v1/users/secret-user").status_code == 404
        assert client.post("/v1/feedback", json=[{"user_id": "secret-user", "item_id": 1}]).status_code == 422
        assert client.get("/v1/similar/secret-item").status_code == 500
        assert client.request("SECRET", "/secret").status_code in (403, 404, 405)
    sent = b"".join(collected)
    assert b"secret" not in sent.lower() and key.encode() not in sent
    told = ExportTraceServiceRequest.FromString(sent)
    spans = [span for resource in told.resource_spans for scope in resource.scope_spans for span in scope.spans]
    told_of = [{one.key: one.value.string_value or one.value.int_value for one in span.attributes} for span in spans]
    assert [(span.name, one["http.response.status_code"]) for span, one in zip(spans, told_of, strict=True)][:4] == [
        ("GET /v1/recommend", 200), ("GET /v1/users/{user}", 404), ("POST /v1/feedback", 422),
        ("GET /v1/similar/{item}", 500),
    ]  # fmt: skip
    assert len(spans) == 5 and {span.trace_id.hex() for span in spans} == {trace}
    assert all(span.end_time_unix_nano > span.start_time_unix_nano for span in spans)
    attributes = {one.key: one.value.string_value for one in told.resource_spans[0].resource.attributes}
    assert attributes["service.name"] == "weft"


def test_nothing_is_sent_unless_it_is_asked_for(
    small_artefact: Path, tmp_path: Path, collected: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    with TestClient(create(Engine.load(small_artefact), tmp_path / "events")) as client:
        client.get("/v1/recommend", params={"user": "secret-user"})
    assert collected == []


def test_what_is_not_installed_is_said(small_artefact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(WeftError, match="weft\\[otel\\]"):
        tracing.provider()
    refused = weft("serve", small_artefact, "--otel", "--port", "0")
    assert refused.exit_code == 2 and "pip install 'weft[otel]'" in refused.stderr
