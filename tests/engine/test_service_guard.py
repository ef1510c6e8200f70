"""Keys, scopes, names, origins, rates and sizes: who is let in, and how it is said."""

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from engine import Engine
from engine.cli import app as weft
from engine.cli.serving import _settings
from engine.errors import ConfigError, WeftError
from engine.service import guard, keys
from engine.service.app import create
from engine.service.settings import Settings
from tests.engine.test_service import problem

EVENT = {"user_id": "u0001", "item_id": "p0001"}


@pytest.fixture(scope="module")
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


@pytest.fixture
def served(engine: Engine, small_artefact: Path, tmp_path: Path) -> Iterator[Callable[..., TestClient]]:
    """Clients of services over one engine, by their settings."""
    opened = []

    def serve(**settings: Any) -> TestClient:
        # No artefact: what is erased here is erased from the log only, and the artefact is everybody's.
        client = TestClient(create(engine, tmp_path / "events", None, Settings(**settings)))
        opened.append(client.__enter__())
        return client

    yield serve
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_key_is_made_listed_and_revoked(file: Path) -> None:
    made = CliRunner().invoke(weft, ["keys", "add", "shop", "--scope", "write", "--keys", str(file)])
    key = made.stdout.strip()
    assert key.startswith("weft_") and len(key) == 48
    assert key not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    ring = keys.KeyRing(file)
    found = ring.find(key)
    assert found is not None and (found.name, found.scope) == ("shop", "write")
    assert "shop" in CliRunner().invoke(weft, ["keys", "list", "--keys", str(file)]).stdout
    assert ring.find(key[:-1]) is ring.find("") is ring.find("\ud800") is None
    other = keys.add(file, "other", "read")
    CliRunner().invoke(weft, ["keys", "revoke", "shop", "--keys", str(file)])
    assert ring.find(key) is None and ring.find(other) is not None


def test_what_is_wrong_with_a_key_is_said(file: Path) -> None:
    keys.add(file, "shop", "read")
    before = file.read_bytes()
    for name in ("shop", "", "a b", "x" * 65, "../x", "名"):
        with pytest.raises(ConfigError):
            keys.add(file, name, "read")
    with pytest.raises(ConfigError, match="no key named"):
        keys.revoke(file, "nobody")
    assert file.read_bytes() == before


def test_a_file_that_cannot_be_read_lets_nobody_in(file: Path) -> None:
    key = keys.add(file, "shop", "read")
    ring = keys.KeyRing(file)
    assert ring.find(key) is not None
    whole = file.read_text()
    for broken in ("", "{", "[]", whole.replace("read", "root"), whole.replace('"name"', '"nom"')):
        file.write_text(broken)
        assert ring.find(key) is None
    file.write_text(whole)
    assert ring.find(key) is not None
    file.unlink()
    assert ring.find(key) is None


def test_a_service_for_others_wants_keys() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        with pytest.raises(WeftError, match="--open"):
            _settings(host, None, False, None, (), ())
    assert _settings("0.0.0.0", None, True, None, (), ()).rate  # and said so, it is limited
    here = _settings("127.0.0.1", None, False, None, ("shop.test",), ())
    assert here.hosts == ("localhost", "127.0.0.1", "[::1]", "shop.test") and not here.rate
    with pytest.raises(WeftError, match="--rate"):
        _settings("127.0.0.1", None, False, "often", (), ())


def test_every_operation_needs_the_scope_that_is_described(served: Callable[..., TestClient], file: Path) -> None:
    made = {scope: keys.add(file, scope, scope) for scope in keys.SCOPES}
    client = served(keys=file)
    described = client.get("/openapi.json").json()
    seen = set()
    for path, operations in described["paths"].items():
        for verb, operation in operations.items():
            asked = path.replace("{", "").replace("}", "")
            answers = {scope: client.request(verb, asked, headers=bearer(key)) for scope, key in made.items()}
            without = client.request(verb, asked)
            if "security" not in operation:
                assert without.status_code == 200, path
                continue
            needed = operation["description"].rpartition("scope ")[2].rstrip(".")
            seen.add((verb, path, needed))
            assert "a key is needed" in problem(without, 401)
            for scope, answer in answers.items():
                enough = keys.SCOPES.index(scope) >= keys.SCOPES.index(needed)
                assert (answer.status_code != 403) is enough, (verb, path, scope)
                assert answer.status_code != 401
    assert {
        ("get", "/v1/recommend", "read"),
        ("post", "/v1/search", "read"),
        ("post", "/v1/events", "write"),
        ("get", "/v1/users/{user}", "read"),
        ("delete", "/v1/users/{user}", "admin"),
    } <= seen


def test_what_a_refusal_says(served: Callable[..., TestClient], file: Path) -> None:
    key = keys.add(file, "reader", "read")
    client = served(keys=file)
    absent = client.get("/v1/recommend")
    assert absent.headers["www-authenticate"] == 'Bearer realm="weft"'
    for wrong in ("Bearer nonsense", f"Basic {key}", "Bearer", "", f"Bearer {key}x", "Bearer \xff"):
        answer = client.get("/v1/recommend", headers={"Authorization": wrong.encode("latin-1")})
        assert "not known" in problem(answer, 401)
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    low = client.post("/v1/events", json=EVENT, headers=bearer(key))
    assert "reader has scope read; write is needed" in problem(low, 403)
    assert 'scope="write"' in low.headers["www-authenticate"]
    assert client.get("/v1/recommend", headers={"Authorization": f"bearer  {key}"}).status_code == 200
    problem(client.request("delete", "/v1/users/u0001", headers=bearer(key)), 403)
    problem(client.request("delete", "/v1/users/", headers=bearer(key)), 403)
    problem(client.request("delete", "/nowhere", headers=bearer(key)), 403)
    for path in ("/", "/healthz", "/openapi.json", "/console/main.js"):
        assert client.get(path).status_code == 200


def test_a_revoked_key_is_refused_by_the_next_request(served: Callable[..., TestClient], file: Path) -> None:
    key = keys.add(file, "shop", "read")
    client = served(keys=file)
    assert client.get("/v1/recommend", headers=bearer(key)).status_code == 200
    keys.revoke(file, "shop")
    problem(client.get("/v1/recommend", headers=bearer(key)), 401)
    again = keys.add(file, "shop", "read")
    assert client.get("/v1/recommend", headers=bearer(again)).status_code == 200


def test_the_name_of_the_caller_is_on_the_request(served: Callable[..., TestClient], file: Path) -> None:
    key = keys.add(file, "shop", "read")
    client = served(keys=file)
    seen = []

    @client.app.get("/v1/who")
    def who(request: Request) -> None:
        seen.append(request.state.caller)

    client.get("/v1/who", headers=bearer(key))
    assert seen == ["shop"]


def test_rates_are_of_a_key_or_an_address(served: Callable[..., TestClient], file: Path) -> None:
    one, other = keys.add(file, "one", "read"), keys.add(file, "other", "read")
    client = served(keys=file, rate="3/hour")
    for _ in range(3):
        assert client.get("/v1/recommend?n=1", headers=bearer(one)).status_code == 200
    late = client.get("/v1/recommend?n=1", headers=bearer(one))
    assert "3/hour" in problem(late, 429)
    assert 1 <= int(late.headers["retry-after"]) <= 3600
    assert client.get("/v1/recommend?n=1", headers=bearer(other)).status_code == 200
    for _ in range(3):
        problem(client.get("/v1/recommend"), 401)
    problem(client.get("/v1/recommend"), 429)  # whoever tries keys, too
    assert client.get("/healthz").status_code == 200  # probes are never too many


def test_addresses() -> None:
    def of(address: str) -> str:
        return guard._network({"client": (address, 1)})

    assert of("192.0.2.1") != of("192.0.2.2")
    assert of("2001:db8::1") == of("2001:db8::ffff:1") != of("2001:db8:0:1::1")
    assert of("::ffff:192.0.2.1") == of("192.0.2.1")
    assert guard._network({"client": None}) == of("a name") == "unknown"


def test_a_name_that_points_here_is_refused(served: Callable[..., TestClient]) -> None:
    client = served(hosts=("localhost", "127.0.0.1", "[::1]"))
    for good in ("localhost", "localhost:8000", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000", "localhost."):
        assert client.get("/v1/recommend", headers={"Host": good}).status_code == 200, good
    for bad in ("evil.example", "evil.example:8000", "localhost.evil.example", "", "[::2]", "127.0.0.1.evil.example"):
        assert "not called" in problem(client.get("/v1/recommend", headers={"Host": bad}), 421)


def test_pages_of_elsewhere_change_nothing(served: Callable[..., TestClient]) -> None:
    client = served(origins=("https://shop.example",))
    for origin in ("https://evil.example", "null", "http://testserver.evil.example"):
        answer = client.post("/v1/events", json=EVENT, headers={"Origin": origin})
        assert "another origin" in problem(answer, 403)
        assert "access-control-allow-origin" not in client.get("/v1/recommend", headers={"Origin": origin}).headers
    for origin in ("http://testserver", "https://shop.example"):
        assert client.post("/v1/events", json=EVENT, headers={"Origin": origin}).status_code == 201
    text = client.post("/v1/events", content=json.dumps(EVENT), headers={"Content-Type": "text/plain"})
    problem(text, 422)  # what a form of another page could send


def test_cors_is_closed_but_for_the_origins_named(served: Callable[..., TestClient], file: Path) -> None:
    key = keys.add(file, "shop", "read")
    ask = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    closed, client = served(), served(origins=("https://shop.example",), keys=file)
    shop, evil = ({"Origin": f"https://{name}.example"} for name in ("shop", "evil"))
    assert closed.options("/v1/recommend", headers=shop | ask).status_code == 405
    let = client.options("/v1/recommend", headers=shop | ask)
    assert let.status_code == 200 and let.headers["access-control-allow-origin"] == "https://shop.example"
    assert client.options("/v1/recommend", headers=evil | ask).status_code == 400
    refused = client.get("/v1/recommend", headers=shop)  # the page can read why
    assert refused.status_code == 401 and refused.headers["access-control-allow-origin"] == "https://shop.example"
    assert client.get("/v1/recommend", headers=shop | bearer(key)).status_code == 200


def test_every_answer_keeps_browsers_careful(served: Callable[..., TestClient]) -> None:
    client = served()
    for path in ("/v1/recommend", "/nowhere", "/v1/recommend?n=0", "/healthz"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "script-src" in client.get("/").headers["content-security-policy"]
    assert "max-age" in client.get("/v1/image", params={"item": "p0001"}).headers["cache-control"]


def test_sizes_and_depths(served: Callable[..., TestClient]) -> None:
    client, head = served(), {"Content-Type": "application/json"}
    deep = b'{"user_id": ' * 17 + b'"u"' + b"}" * 17
    assert "within each other" in problem(client.post("/v1/events", content=deep, headers=head), 422)
    problem(client.post("/v1/events", content=b"[" * 500_000, headers=head), 422)
    problem(client.post("/v1/events", content=b" " * (guard.LARGEST_BODY + 1), headers=head), 413)
    problem(client.post("/v1/events", content=iter([b"{}"]), headers=head), 411)
    problem(client.post("/v1/events", content=b"{", headers=head), 422)
    many = [EVENT | {"item_id": "p0002"}] * 30
    assert client.post("/v1/events", json=many).json() == {"events": 30}
    odd = {"user_id": "[" * 40 + '\\"' + "{" * 40, "item_id": "p0001"}  # brackets of a text are none
    assert client.post("/v1/events", json=odd).json() == {"events": 1}


@pytest.mark.parametrize(
    ("body", "depth"),
    [
        (b"[" * 40 + b"]" * 40, 40),
        (b"[]" * 40, 1),
        (b'"' + b"[" * 40 + b'"', 0),
        (b'"\\"' + b"[" * 40 + b'"', 0),
        (b'"\\\\"' + b"[" * 40, 40),
        (b'"' + b'\\"' * 400_000 + b"[" * 40, 0),  # a string without an end, in time that grows with its length
    ],
)
def test_depth(body: bytes, depth: int) -> None:
    assert guard._depth(body) == depth
