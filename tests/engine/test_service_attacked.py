"""The service against requests that mean harm, or nothing: whatever comes, the answer is as described, or a problem."""

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from engine import Engine
from engine.service.app import create
from tests.engine.served import in_a_thread

JSON = {"Content-Type": "application/json"}
FIXED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""The same examples in each run."""


@pytest.fixture(scope="module")
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


@pytest.fixture
def app(engine: Engine, tmp_path: Path) -> FastAPI:
    # Not the folder of the artefact: users are erased here, and others read it.
    return create(engine, tmp_path / "events", None)


@pytest.fixture(scope="module")
def client(engine: Engine, small_artefact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    app = create(engine, tmp_path_factory.mktemp("asked") / "events", small_artefact)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def is_said_well(status: int, kind: str | None, body: bytes) -> None:
    assert status != 500, body
    if status >= 400:
        assert kind == "application/problem+json", (status, kind, body[:200])
        assert json.loads(body)["status"] == status


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_answers_as_it_is_described(app: FastAPI, mode: GenerationMode) -> None:
    described = schemathesis.openapi.from_asgi("/openapi.json", app)
    load_all_checks()
    answered, operations = set(), [found.ok() for found in described.get_all_operations()]
    assert len(operations) > 10
    for operation in operations:
        takes = operation.definition.raw.keys() & {"parameters", "requestBody"}
        if mode is GenerationMode.NEGATIVE and not takes:
            continue  # nothing can be wrong with what takes nothing
        if any(status < 300 for status in attack(operation, mode)):
            answered.add(operation.label)
    if mode is GenerationMode.POSITIVE:
        assert {"GET /v1/recommend", "GET /v1/search", "POST /v1/events", "GET /v1/suggest"} <= answered


def attack(operation: schemathesis.APIOperation, mode: GenerationMode) -> set[int]:
    """Ask an operation in many ways, and return the statuses that came."""
    statuses = set()
    # What is right by the schema may be refused all the same: a text that is no JSON, an item that is not there. And in
    # a URL a number is a text, and one value is a list of one, so what is wrong by the schema may be right.
    excluded = CHECKS.get_by_names(["positive_data_acceptance", "negative_data_rejection"])

    @settings(FIXED, max_examples=15)
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        response = case.call(timeout=120)
        statuses.add(response.status_code)
        is_said_well(response.status_code, response.headers.get("content-type", [None])[0], response.content)
        case.validate_response(response, excluded_checks=excluded)

    ask()
    return statuses


# Texts of a URL and of headers, as they come over the line: any bytes but those that end them.
PATHS = st.one_of(
    st.sampled_from(["/v1/users/", "/v1/similar/", "/v1/image?item=", "/v1/search?q=", "/v1/recommend?where=", "/"]),
    st.sampled_from(
        ["/v1/users/..%2f..%2fetc", "//v1/users/x", "/v1/%2e%2e/", "/v1/similar/%00", "/v1/events/", "/\xff"]
    ),
)
TAILS = st.one_of(
    st.text(max_size=60).map(lambda text: quote(text.encode("utf-8", "surrogatepass"))),
    st.binary(max_size=60).map(quote),
    st.sampled_from(["%", "%zz", "%ff%fe", "%ED%A0%80", "?" * 50, "&a=b&a=b", "#x", "/.." * 30, "%F0%9F%98%80" * 30]),
    st.integers(min_value=-(10**30)).map(str),
)
VALUES = st.binary(max_size=80).map(lambda value: value.translate(None, b"\r\n\0"))
NAMES = [
    b"Content-Type", b"Idempotency-Key", b"Range", b"X-Request-ID", b"Origin", b"Accept", b"Accept-Encoding",
    b"Authorization", b"If-None-Match", b"Cookie", b"X-Forwarded-For", b"X-HTTP-Method-Override",
]  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just("p0001"), st.just("u0001")
)
KEYS = st.sampled_from(["user_id", "item_id", "value", "time", "query", "parameters", "limit", "x"])
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12
)
BODIES = st.one_of(
    st.binary(max_size=200),
    DOCUMENTS.map(json.dumps).map(str.encode),
    DOCUMENTS.map(json.dumps).map(lambda text: text.encode("utf-16")),
    st.integers(1, 3000).map(lambda depth: b"[" * depth + b"]" * depth),
    st.integers(1, 6000).map(lambda digits: b'{"user_id": "u", "item_id": "p0001", "value": ' + b"9" * digits + b"}"),
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW", "get"])


def test_whatever_comes_over_the_line_is_answered(app: FastAPI) -> None:
    served = Counter[int]()
    with in_a_thread(app) as address:
        host = address.removeprefix("http://")

        @settings(FIXED, max_examples=1000)
        @given(
            METHODS, PATHS, TAILS, st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=3), st.none() | BODIES
        )
        def ask(method: str, path: str, tail: str, headers: list[tuple[bytes, bytes]], body: bytes | None) -> None:
            connection = http.client.HTTPConnection(host, timeout=60)
            try:
                connection.putrequest(method, quote(path + tail, safe="/%?&=#.:"))
                for name, value in headers:
                    connection.putheader(name, value)
                if body is not None:
                    connection.putheader("Content-Length", str(len(body)))
                connection.endheaders(body)
                answer = connection.getresponse()
                told, kind = answer.read(), answer.headers["content-type"]
            except ConnectionResetError:  # closed before all of a body was read that is no HTTP
                served[0] += 1
                return
            finally:
                connection.close()
            served[answer.status] += 1
            if answer.status == 400 and told in (b"Invalid HTTP request received.", b""):
                return  # what is no HTTP does not reach the service
            assert answer.headers["x-content-type-options"] == "nosniff"
            if method != "HEAD":
                is_said_well(answer.status, kind, told)

        ask()
        assert httpx2.get(f"{address}/healthz").status_code == 200
    assert served[200] and served[404] and served[405] and served[422]
    assert served[0] < 20


def part(name: bytes, content: bytes, more: bytes = b"") -> bytes:
    return b'--B\r\nContent-Disposition: form-data; name="' + name + b'"' + more + b"\r\n\r\n" + content + b"\r\n"


PICTURE, END = part(b"image", b"GIF89a", b'; filename="a.gif"'), b"--B--\r\n"
FORMS = {
    "no end": PICTURE,
    "nothing": b"",
    "half": PICTURE[:40],
    "no picture": part(b"q", b"white") + END,
    "empty": part(b"image", b"", b'; filename="a"') + END,
    "a text for a picture": part(b"image", b"words") + END,
    "many parts": part(b"x", b"1") * 1500 + PICTURE + END,
    "a long field": PICTURE + part(b"q", b"a" * (2 << 20)) + END,
    "a long head": part(b"q", b"1", b"\r\nX: " + b"a" * 20_000) + END,
    "a number": PICTURE + part(b"n", b"9" * 5000) + END,
    "bad UTF-8": PICTURE + part(b"q", b"\xff\xfe") + part(b"\xff", b"1") + END,
    "a script": part(b"image", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b'; filename="a.svg"') + END,
    "a program": part(b"image", b"%!PS-Adobe-3.0", b'; filename="../../a.eps"') + END,
    "a bomb": part(b"image", b"P6 99999999 99999999 255\n", b'; filename="a.ppm"') + END,
}


# The parser leaves the file of a form without an end to the garbage collector, which is there at once.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:Unclosed file:ResourceWarning")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["boundary=B", "boundary=", "", "boundary=B; charset=none"])
def test_forms_that_are_none(client: TestClient, form: str, kind: str) -> None:
    answer = client.post("/v1/search", content=FORMS[form], headers={"Content-Type": f"multipart/form-data; {kind}"})
    assert answer.status_code in (400, 422)
    is_said_well(answer.status_code, answer.headers["content-type"], answer.content)


@pytest.mark.parametrize(
    "where",
    [
        '{"price": [1e999, null]}', '{"price": [NaN, NaN]}', '{"price": [1' + "0" * 400 + ", null]}",
        '{"price": ' + "9" * 3000 + "}", '{"brand": {"a": 1}}', "[]", "null", '{"brand": ["\\ud800"]}',
        '{"\\ud800": 1}',
        '{"brand": [[]]}', '{"price": [[1], 2]}', '{"price": [true, false]}', '{"": 1}', '{"price": -0.0}',
        '{"brand": ["Nike", 1, null]}', '{"brand": "\\u0000"}', "[" * 3000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/recommend", "/v1/search?q=white", "/v1/facets"])
def test_conditions_that_are_none(client: TestClient, path: str, where: str) -> None:
    answer = client.get(path, params={"q": "white", "where": where} if "search" in path else {"where": where})
    is_said_well(answer.status_code, answer.headers["content-type"], answer.content)


@pytest.mark.parametrize("given", ["bytes=x", "bytes=9999999-", "bytes=5-1", "items=0-1", "bytes=0-0,-1"])
def test_a_picture_comes_whole(client: TestClient, given: str) -> None:
    whole = client.get("/v1/image?item=p0001")
    part_of = client.get("/v1/image?item=p0001", headers={"Range": given})
    assert part_of.status_code == 200 and part_of.content == whole.content


@pytest.mark.parametrize(
    "query",
    [
        "RETURN 1.0/0.0 AS x", "RETURN 1/0 AS x", "RETURN 9223372036854775808 AS x", "RETURN 1e999 AS x",
        "MATCH (a) RETURN a LIMIT 1", "MATCH p=(a)-[r]->(b) RETURN p, r LIMIT 1", "RETURN ['a', 1] AS x",
        "MATCH (a), (b) RETURN collect(a.id) AS x, collect(b.id) AS y", "RETURN " + "(" * 1500 + "1" + ")" * 1500,
        "RETURN range(1, 99999999999) AS x", "RETURN " + "1+" * 1900 + "1 AS x", "RETURN [[null], []] AS x",
        "RETURN cast('1.5' AS DECIMAL(10,2)) AS x", "RETURN cast('2020-01-01' AS DATE) AS x",
    ],
)  # fmt: skip
def test_questions_to_the_graph(client: TestClient, query: str) -> None:
    answer = client.post("/v1/graph/query", json={"query": query})
    is_said_well(answer.status_code, answer.headers["content-type"], answer.content)


@pytest.mark.parametrize("a", ["1e999", "NaN", "1" + "0" * 30, "9" * 4000, '"\\u0000"', '["x"]', "[]", "null", "true"])
def test_parameters_of_a_question(client: TestClient, a: str) -> None:
    body = '{"query": "RETURN $a AS x", "parameters": {"a": ' + a + "}}"
    answer = client.post("/v1/graph/query", content=body, headers=JSON)
    is_said_well(answer.status_code, answer.headers["content-type"], answer.content)


def test_a_refused_function_is_named(client: TestClient) -> None:
    answer = client.post("/v1/graph/query", json={"query": "RETURN repeat('a', 99) AS x"})
    assert answer.json()["detail"].startswith("the function repeat is not taken")
