"""The service, asked as a client asks it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import polars as pl
import pytest
from fastapi.testclient import TestClient

from engine import Engine
from engine.errors import UnknownIdError
from engine.service.app import create
from engine.service.shelf import Shelf

JSON = {"Content-Type": "application/json"}
HERO = "p0016"
"""Nike Air Max 270 white sneakers, in a shop of this size."""


@pytest.fixture(scope="module")
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


@pytest.fixture
def client(engine: Engine, small_artefact: Path, tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create(engine, tmp_path / "events", small_artefact), raise_server_exceptions=False) as client:
        yield client


def problem(answer: httpx2.Response, status: int) -> str:
    """The detail of an answer that must be problem details."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert answer.status_code == body["status"] == status
    assert {"type", "title", "detail"} <= body.keys()
    return str(body["detail"])


def test_health(client: TestClient) -> None:
    health = client.get("/healthz").json()
    assert health["status"] == "ok"
    assert health["items"] == 120
    assert health["graph"] is True


def test_a_list_is_that_of_the_engine(client: TestClient, engine: Engine) -> None:
    found = client.get("/v1/recommend", params={"user": "u0001", "n": 3}).json()
    assert found["personal"] is True
    assert [one["item_id"] for one in found["items"]] == [one.item_id for one in engine.recommend(user="u0001", n=3)]
    assert all(sum(one["contributions"].values()) == pytest.approx(one["score"], abs=1e-4) for one in found["items"])


def test_history_exclusions_and_conditions(client: TestClient) -> None:
    first = client.get("/v1/recommend", params={"history": ["p0001", "p0002"], "n": 2}).json()["items"]
    again = client.get(
        "/v1/recommend", params={"history": ["p0001", "p0002"], "n": 2, "exclude": first[0]["item_id"]}
    ).json()["items"]
    assert again[0]["item_id"] == first[1]["item_id"]
    brand = client.get("/v1/recommend", params={"where": '{"brand": "Nike"}', "n": 50}).json()["items"]
    assert 0 < len(brand) < 50
    nothing = {"q": "white", "where": '{"price": [null, 0]}'}
    assert client.get("/v1/search", params=nothing).json()["items"] == []


def test_pages_make_the_list_and_context_counts_as_the_latest_of_the_history(client: TestClient) -> None:
    def listed(**asked: object) -> list[str]:
        return [one["item_id"] for one in client.get("/v1/recommend", params=asked).json()["items"]]

    whole = listed(user="u0001", n=9)
    assert [*listed(user="u0001", n=4), *listed(user="u0001", n=5, skip=4)] == whole
    assert listed(user="u0001", n=9, context=whole[0]) != whole
    assert whole[0] not in listed(user="u0001", n=50, context=whole[0])
    assert listed(history=["p0001", "p0002"], n=9) == listed(history="p0001", context="p0002", n=9)
    assert listed(context=["p0001", "p0002"], n=9) == listed(history=["p0001", "p0002"], n=9)
    assert client.get("/v1/recommend", params={"context": "p0001"}).json()["personal"] is True
    varied = listed(user="u0001", n=9, diversity=16)
    assert varied != whole and varied[0] == whole[0]


def test_drawn_places_are_told_with_their_chances(client: TestClient) -> None:
    drawn = client.get("/v1/recommend", params={"user": "u0001", "n": 9, "explore": 2}).json()["items"]
    assert [one["propensity"] for one in drawn[:7]] == [1] * 7
    assert all(0 < one["propensity"] < 1 for one in drawn[7:])
    plain = client.get("/v1/recommend", params={"user": "u0001", "n": 9}).json()["items"]
    assert [one["item_id"] for one in plain[:7]] == [one["item_id"] for one in drawn[:7]]
    assert {one["propensity"] for one in plain} == {None}


def test_an_unknown_user_gets_what_is_popular_and_is_told(client: TestClient) -> None:
    nobody = client.get("/v1/recommend", params={"n": 5}).json()
    stranger = client.get("/v1/recommend", params={"user": "nobody", "n": 5}).json()
    assert nobody == stranger
    assert nobody["personal"] is False


@pytest.mark.parametrize("query", ["白色运动鞋", "white sneakers"])
def test_search_in_both_languages(client: TestClient, query: str) -> None:
    plain = client.get("/v1/search", params={"q": query, "n": 5}).json()
    assert plain["personal"] is False
    assert HERO in [one["item_id"] for one in plain["items"]]
    assert client.get("/v1/search", params={"q": query, "user": "u0001", "personal": 1}).json()["personal"] is True


def test_search_says_what_may_have_been_meant(client: TestClient) -> None:
    found = client.get("/v1/search", params={"q": "white sneekers"}).json()
    assert found["did_you_mean"] == {"query": "white sneakers", "changes": [["sneekers", "sneakers"]]}
    known = client.get("/v1/search", params={"q": "white sneakers"}).json()
    assert known["did_you_mean"] is None
    assert known["relaxed"] is None


def test_search_says_what_is_found_without_a_condition(client: TestClient) -> None:
    asked = {"q": "white sneakers", "where": '{"brand": "Nike", "price": [null, 1]}'}
    found = client.get("/v1/search", params=asked).json()
    assert found["items"] == []
    assert found["relaxed"]["dropped"] == ["price"]
    again = client.get("/v1/search", params={"q": "white sneakers", "where": '{"brand": "Nike"}'}).json()
    assert found["relaxed"]["items"] == again["items"]


def test_suggest(client: TestClient, engine: Engine) -> None:
    found = client.get("/v1/suggest", params={"q": "naik", "n": 3}).json()["completions"]
    assert found[0]["id"] == "brand:nike"
    assert found == [vars(one) for one in engine.suggest("naik", n=3)]
    assert client.get("/v1/suggest").json() == {"completions": []}


def test_facets(client: TestClient) -> None:
    asked = {"q": "white sneakers", "where": '{"brand": "Nike"}'}
    facets = {facet["column"]: facet for facet in client.get("/v1/facets", params=asked).json()["facets"]}
    nike = next(value for value in facets["brand"]["values"] if value["value"] == "Nike")
    items = client.get("/v1/search", params=asked | {"n": 1000}).json()["items"]
    assert nike == {"value": "Nike", "items": len(items), "chosen": True}
    assert len(facets["brand"]["values"]) > 1
    assert sum(span["items"] for span in facets["price"]["values"]) == len(items)
    assert len(client.get("/v1/facets").json()["facets"]) > len(facets) - 1


def test_answer(client: TestClient) -> None:
    found = client.get("/v1/answer", params={"q": "what material is it?", "item": HERO}).json()["answer"]
    assert found["item_id"] == HERO
    assert found["text"].startswith(("Material", "材质"))
    assert client.get("/v1/answer", params={"q": "xyzzyqq"}).json() == {"answer": None}


def test_similar(client: TestClient) -> None:
    items = client.get("/v1/similar/p0001", params={"n": 3}).json()["items"]
    assert len(items) == 3
    assert "p0001" not in [one["item_id"] for one in items]


def test_explain_in_words(client: TestClient) -> None:
    past = ["p0023", "p0035"]
    item = client.get("/v1/recommend", params={"history": past, "n": 1}).json()["items"][0]["item_id"]
    why = client.get("/v1/explain", params={"history": past, "item": item, "language": "zh"}).json()
    assert sum(why["contributions"].values()) == pytest.approx(why["score"], abs=1e-4)
    assert why["owed_to"][0]["share"] > 0
    assert why["rank"] >= 1 and why["owed_to"][0]["rank_without"] != why["rank"]
    assert why["paths"][0]["text"].startswith("因为你喜欢")


def test_events_are_seen_by_the_next_list(client: TestClient) -> None:
    event = {"user_id": "newcomer", "item_id": "p0001"}
    assert client.get("/v1/recommend", params={"user": "newcomer"}).json()["personal"] is False
    answer = client.post("/v1/events", json=event)
    assert (answer.status_code, answer.json()) == (201, {"events": 1})
    found = client.get("/v1/recommend", params={"user": "newcomer"}).json()
    assert found["personal"] is True
    assert found["items"] == client.get("/v1/recommend", params={"history": "p0001"}).json()["items"]
    many = [event | {"item_id": "p0002", "value": 3, "time": 1_700_000_000}, event]
    assert client.post("/v1/events", json=many).json() == {"events": 2}


def test_events_are_all_taken_or_none(client: TestClient) -> None:
    before = client.get("/healthz").json()["events"]
    good, bad = ({"user_id": "u0001", "item_id": item} for item in ("p0001", "nothing"))
    assert "'nothing'" in problem(client.post("/v1/events", json=[good, bad]), 404)
    for wrong in ({"value": "NaN"}, {"time": -1}, {"time": 9_999_999_999}, {"more": 1}, {"user_id": ""}):
        problem(client.post("/v1/events", json=good | wrong), 422)
    problem(client.post("/v1/events", content=b'{"user_id": "\\ud800", "item_id": "p0001"}', headers=JSON), 422)
    problem(client.post("/v1/events", json=[good] * 1001), 422)
    problem(client.post("/v1/events", content=b" " * (1 << 21)), 413)
    assert client.get("/healthz").json()["events"] == before


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/v1/recommend?n=0", 422, "query.n"),
        ("/v1/recommend?n=1001", 422, "query.n"),
        ("/v1/recommend?user=", 422, "query.user"),
        ("/v1/recommend?user=u0001&history=p0001", 422, "either"),
        ("/v1/recommend?history=nothing", 404, "'nothing'"),
        ("/v1/recommend?exclude=nothing", 404, "'nothing'"),
        ("/v1/recommend?where=nonsense", 422, "not JSON"),
        ('/v1/recommend?where={"price": "cheap"}', 422, "holds numbers"),
        (f"/v1/recommend?where={'[' * 3000}", 422, "not JSON"),
        ("/v1/search", 422, "query.q"),
        (f"/v1/search?q={'a' * 2001}", 422, "query.q"),
        ("/v1/search?q=---", 422, "letter"),
        ("/v1/search?q=a&personal=2", 422, "personal"),
        (f"/v1/suggest?q={'a' * 2001}", 422, "query.q"),
        ("/v1/suggest?q=a&n=0", 422, "query.n"),
        ("/v1/facets?q=%F0%9F%98%80", 422, "letter"),
        ('/v1/facets?where={"weight": 3}', 422, "no column"),
        (f"/v1/answer?q={'a' * 10000}", 422, "query.q"),
        ("/v1/answer?q=%00", 422, "letter"),
        ("/v1/answer?q=material&item=nothing", 404, "'nothing'"),
        ("/v1/similar/nothing", 404, "'nothing'"),
        ("/v1/similar/../../etc/passwd", 404, ""),
        ("/v1/explain?item=nothing&user=u0001", 404, "'nothing'"),
        ("/v1/explain?item=p0001&user=nobody", 404, "'nobody'"),
        ("/v1/explain?item=p0001", 422, "either"),
        ("/v1/image?item=/etc/passwd", 404, "no picture"),
        ("/nowhere", 404, ""),
    ],
)
def test_what_is_refused_is_a_problem(client: TestClient, path: str, status: int, word: str) -> None:
    assert word in problem(client.get(path), status)


def test_a_fault_of_the_code_is_a_problem_without_its_insides(
    client: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(engine), "similar", lambda *_, **__: 1 / 0)
    assert "division" not in problem(client.get("/v1/similar/p0001"), 500)


def test_pictures_come_from_the_image_root_only(engine: Engine, client: TestClient, tmp_path: Path) -> None:
    answer = client.get("/v1/image", params={"item": "p0001"})
    assert answer.headers["content-type"] in ("image/jpeg", "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff"
    shelf = Shelf(engine)
    outside = tmp_path / "secret.png"
    shutil.copy(shelf.picture("p0001")[0], outside)
    for path in (outside, engine.config.data.image_root / "items.parquet"):
        shelf._pictures["p0001"] = str(path)
        with pytest.raises(UnknownIdError):
            shelf.picture("p0001")


def test_the_graph_can_be_read_and_not_written(client: TestClient) -> None:
    ask = "MATCH (a:Item {id: $item})-[:MADE_BY]->(b) RETURN b.name AS brand"
    found = client.post("/v1/graph/query", json={"query": ask, "parameters": {"item": f"item:{HERO}"}}).json()
    assert found == {"columns": ["brand"], "rows": [["Nike"]]}
    for wrong in ("MATCH (a) DETACH DELETE a", "COPY (MATCH (a) RETURN a.id) TO '/tmp/x.csv'", "nonsense"):
        problem(client.post("/v1/graph/query", json={"query": wrong}), 422)
    half = b'{"query": "RETURN $a AS a", "parameters": {"a": "\\ud800"}}'
    problem(client.post("/v1/graph/query", content=half, headers=JSON), 422)


def test_what_is_around_a_node(client: TestClient, engine: Engine) -> None:
    node, edges = f"item:{HERO}", engine.graph.edges
    found = client.get("/v1/graph/neighbours", params={"node": node, "n": 1000}).json()
    assert found["node"]["id"] == node
    ends = edges.filter((pl.col("head") == node) | (pl.col("tail") == node))
    assert sum(found["relations"].values()) == len(found["neighbours"]) == ends.height
    told = {(one["id"], one["relation"], one["outward"]) for one in found["neighbours"]}
    assert told == {
        (tail if head == node else head, relation, head == node) for head, relation, tail in ends.iter_rows()
    }
    brand = next(one for one in found["neighbours"] if one["label"] == "Brand")
    pages = [
        client.get("/v1/graph/neighbours", params={"node": brand["id"], "relation": "MADE_BY", "n": 2, "skip": skip})
        for skip in (0, 2)
    ]
    assert brand["edges"] == edges.filter((pl.col("head") == brand["id"]) | (pl.col("tail") == brand["id"])).height
    first, second = ({one["id"] for one in page.json()["neighbours"]} for page in pages)
    assert len(first) == 2 and not first & second
    assert "is not in the graph" in problem(client.get("/v1/graph/neighbours", params={"node": "item:none"}), 422)


def test_nodes_are_found_by_letters_of_their_names(client: TestClient) -> None:
    nodes = client.get("/v1/graph/nodes", params={"q": "NIKE"}).json()["nodes"]
    assert nodes[0] == {"id": "brand:nike", "label": "Brand", "name": "Nike"}
    assert client.get("/v1/graph/nodes", params={"q": ".*"}).json()["nodes"] == []


def test_without_an_artefact_there_is_no_graph_to_query(engine: Engine, tmp_path: Path) -> None:
    with TestClient(create(engine, tmp_path / "events")) as client:
        assert client.get("/healthz").json()["graph"] is False
        problem(client.post("/v1/graph/query", json={"query": "RETURN 1 AS one"}), 404)


def test_the_console_runs_its_own_script_only(client: TestClient) -> None:
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "://" not in answer.text


def test_the_interface_is_described_with_examples(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert "on the disk" in described["paths"]["/v1/events"]["post"]["description"]
    assert "application/problem+json" in described["paths"]["/v1/search"]["get"]["responses"]["422"]["content"]
    assert described["components"]["schemas"]["Event"]["properties"]["user_id"]["examples"] == ["u0001"]
