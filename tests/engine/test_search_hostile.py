"""Whatever is typed, a search answers or says what to mend: in Python, on the command line, over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import Engine
from engine.errors import DataError
from engine.search.query import LONGEST
from engine.service.app import create
from tests.engine.command import weft

ODD = [
    "white sneakers' OR 1=1 --",
    "'); DROP TABLE items; --",
    "MATCH (n) DETACH DELETE n",
    "shoes'}) MATCH (n) DETACH DELETE n //",
    "<script>alert(1)</script> shoes",
    "[bold red]shoes[/] [link=file:///]x[/link]",
    "$(rm -rf ~) `id` shoes; ls | cat",
    "{{7*7}} ${jndi:ldap://x} %s%n shoes",
    "../../../etc/passwd\x00.jpg",
    "👟🏽👩‍👩‍👧‍👦 white 🇨🇳",
    "حذاء رياضي أبيض \u202e\u2066shoes\u2069",
    "נעליים לבנות",
    "shoes\x1b[2J\x07\x00\r\n\t",
    "\ud800 shoes \udfff",
    "e\u0301" * 200,
    "不" * 512,
    "not " * 120 + "leather",
    "1" * 400 + " under " + "9" * 100,
    "under under 500 500 500 to to",
    "like like like or or vs vs",
    "a" * LONGEST,
]
REFUSED = ["", " ", "\n", "?!…", "🙂🙃", "\u202e\u200f", "\x00\x01", "。。。"]
TEXT = st.text(st.characters(), max_size=120) | st.lists(
    st.sampled_from(
        [
            "white",
            "鞋",
            "不要",
            "under",
            "500",
            "元",
            "$",
            "not",
            "like",
            "耐克",
            "vs",
            "配件",
            "one",
            "至",
            "S",
            "'",
            "\ud800",
        ]
    ),
    max_size=12,
).map(" ".join)


@pytest.fixture(scope="module")
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


@pytest.fixture(scope="module")
def client(engine: Engine, small_artefact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    log = tmp_path_factory.mktemp("events") / "log"
    with TestClient(create(engine, log, small_artefact), raise_server_exceptions=False) as made:
        yield made


def answered(engine: Engine, query: str) -> None:
    """It finds something or nothing, or a DataError says what to write."""
    try:
        found = engine.search(query, n=5, user="u0001", explain=True)
    except DataError as error:
        assert "no letter or digit; write" in str(error) or f"it may have {LONGEST}" in str(error)
        return
    assert len(found.reasons) == len(found) <= 5
    json.dumps([found.understood.to_dict(), *(one.to_dict() for one in found.reasons)])
    for one, why in zip(found, found.reasons, strict=True):
        for match in why.highlights:
            text = one.title if match.column == "title" else why.text
            assert text[match.start : match.end] == match.text


@pytest.mark.parametrize("query", ODD)
def test_odd_queries_are_answered(engine: Engine, query: str) -> None:
    answered(engine, query)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT)
def test_any_query_is_answered_or_refused(engine: Engine, query: str) -> None:
    answered(engine, query)


@pytest.mark.parametrize("query", [*REFUSED, "a" * (LONGEST + 1), "鞋" * 10_000])
def test_what_cannot_be_asked_is_refused_with_the_remedy(engine: Engine, client: TestClient, query: str) -> None:
    with pytest.raises(DataError, match=r"write what the item is|ask with the words that matter"):
        engine.search(query)
    if len(query) <= 2 * LONGEST:  # the client itself takes no longer address
        told = client.get("/v1/search", params={"q": query})
        assert told.status_code == 422 and told.headers["content-type"] == "application/problem+json"
        assert told.json()["detail"]


@pytest.mark.parametrize("query", [*ODD, *REFUSED])
def test_http_never_breaks(client: TestClient, query: str) -> None:
    text = query.encode("utf-8", "replace").decode()
    assert client.get("/v1/search", params={"q": text, "explain": True, "user": "u0001"}).status_code in (200, 422)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT)
def test_http_never_breaks_on_any_text(client: TestClient, query: str) -> None:
    text = query.encode("utf-8", "replace").decode()
    assert client.get("/v1/search", params={"q": text, "explain": True}).status_code in (200, 422)


@pytest.mark.parametrize("query", ["[bold red]shoes[/]", "shoes\x1b[2J", "'; DROP TABLE items", "不要皮的鞋 🙂"])
def test_the_command_line_prints_what_is_data_as_data(small_artefact: Path, query: str) -> None:
    done = weft("search", small_artefact, query, "--explain")
    assert done.exit_code == 0
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("query", ["", "?!", "鞋" * 3000])
def test_the_command_line_ends_with_one_message(small_artefact: Path, query: str) -> None:
    done = weft("search", small_artefact, query)
    assert done.exit_code == 2 and done.stderr.startswith("weft: the query has")


def test_no_query_reaches_cypher(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph of a search is in memory: with a store that refuses every question it finds the same."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a search asked the store")

    before = [client.get("/v1/search", params={"q": query}).json() for query in ODD[2:4]]
    monkeypatch.setattr("graph.stores.ladybug.LadybugStore.query", refuse)
    assert [client.get("/v1/search", params={"q": query}).json() for query in ODD[2:4]] == before
    assert client.post("/v1/graph/query", json={"query": "MATCH (n) RETURN n"}).status_code == 500
