"""What only a server has: an address and a password, others who use it too, and loads that are cut off half-way."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import neo4j
import polars as pl
import pytest

import graph
from graph import version
from graph.build import EDGES, NODES, GraphTables
from graph.errors import GraphError
from graph.stores import bolt, transactions
from graph.stores import neo4j as store_file
from graph.stores.neo4j import Neo4jStore
from tests.graph.conftest import PASSWORD, fresh_neo4j
from tests.graph.test_cypher import ATTACKS

SECOND_LINE = [
    "create", "create after match", "merge", "unwind merge", "delete", "detach delete", "delete edges", "set",
    "set after with", "remove", "insert", "foreach", "write in a call subquery", "write in a subquery", "load csv",
    "apoc", "call in transactions", "call with a scope", "optional call", "procedure", "procedure without brackets",
    "yield from a procedure", "load csv after match", "load csv from a value", "show databases", "show settings",
    "show transactions", "terminate", "create user", "alter user", "create index", "drop constraint", "stop database",
    "explain a write", "nodetach delete", "set labels", "set dynamic labels", "dynamic property", "write in count",
    "write in collect", "call in exists", "periodic commit", "two statements", "unicode escape",
]  # fmt: skip
"""Attacks that the server and its planner must stop by themselves, should the reader of words let one through."""


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_neo4j(request, tmp_path)


@pytest.fixture
def driver(place: str) -> Iterator[neo4j.Driver]:
    """Somebody else's way to the same database."""
    with neo4j.GraphDatabase.driver(place, auth=("neo4j", PASSWORD)) as opened:
        yield opened


def tables(nodes: list[tuple[str, str, str]], edges: list[tuple[str, str, str]]) -> GraphTables:
    return GraphTables(pl.DataFrame(nodes, schema=NODES, orient="row"), pl.DataFrame(edges, schema=EDGES, orient="row"))


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("bolt://localhost:1", "no server answers"),
        ("neo4j://localhost:1", "no server answers"),
        ("bolt://no-such-host.invalid:7687", "no server answers"),
        ("bolt://name:secret-word@localhost:1", "NEO4J_PASSWORD"),
        ("http://localhost:7474", "no graph can be kept at"),
        ("bolt://localhost:x", "cannot open"),
    ],
)
def test_an_address_that_leads_nowhere(uri: str, reason: str) -> None:
    with pytest.raises(GraphError, match=reason) as refused:
        graph.open(uri)
    assert "secret-word" not in str(refused.value)


@pytest.mark.parametrize("password", ["wrong-password", None])
def test_a_wrong_password(place: str, monkeypatch: pytest.MonkeyPatch, password: str | None) -> None:
    if password is None:
        monkeypatch.delenv("NEO4J_PASSWORD")
    else:
        monkeypatch.setenv("NEO4J_PASSWORD", password)
    with pytest.raises(GraphError, match="NEO4J_USERNAME and NEO4J_PASSWORD"):
        graph.open(place)


def test_no_such_database(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_DATABASE", "elsewhere")
    with pytest.raises(GraphError, match="elsewhere"):
        graph.open(place)


def test_a_routing_address(place: str, shop: GraphTables) -> None:
    with graph.open(place) as store:
        store.load(shop)
    with graph.open(place.replace("bolt://", "neo4j://"), read_only=True) as store:
        assert store.export().nodes.height == shop.nodes.height


def test_read_only(place: str, shop: GraphTables) -> None:
    with pytest.raises(GraphError, match="no graph here"):
        graph.open(place, read_only=True)
    with graph.open(place) as store:
        store.load(shop)
    with graph.open(place, read_only=True) as store:
        for write in (lambda: store.load(shop), lambda: store.merge(shop), lambda: store.delete(["item:1"])):
            with pytest.raises(GraphError, match="read-only"):
                write()
        assert store.version() == version.of(shop)


def test_what_others_have_is_left_alone(place: str, driver: neo4j.Driver, shop: GraphTables) -> None:
    driver.execute_query("CREATE (:Person {id: 'p'})-[:KNOWS]->(:Person {id: 'q'})")
    with graph.open(place) as store:
        for write in (lambda: store.load(shop), lambda: store.merge(shop)):
            with pytest.raises(GraphError, match="NEO4J_DATABASE"):
                write()
        with pytest.raises(GraphError, match=r"did not load"):
            store.delete(["p"])
    assert driver.execute_query("MATCH (n) RETURN count(*)").records[0].value() == 2


def test_what_others_add_is_left_alone(place: str, driver: neo4j.Driver, shop: GraphTables) -> None:
    with graph.open(place) as store:
        store.load(shop)
        driver.execute_query(
            "MATCH (a:Item {id: 'item:1'}) CREATE (a)-[:SEEN]->(:Visit {id: 'v'})-[:MADE_BY]->(:Brand2 {id: 'w'}), "
            "(a)-[:MADE_BY]->(:Visit {id: 'x'})<-[:MADE_BY]-(:Visit {id: 'y'})"
        )
        held = store.export()
        assert set(held.nodes.rows()) == set(shop.nodes.rows()) and set(held.edges.rows()) == set(shop.edges.rows())
        near = store.neighbours("item:1", hops=3)
        assert set(near.nodes["label"]) <= set(store.schema().labels)
        assert store.stats()["count"].sum() == shop.nodes.height + shop.edges.height
        with pytest.raises(GraphError, match="no node"):
            store.neighbours("v")
        with pytest.raises(GraphError, match="Visit nodes that Weft did not load"):
            store.merge(tables([("visit:1", "Visit", "mine")], []))
        store.delete(["v", "w", "x"])
        store.load(shop)
        small = tables([("item:1", "Item", "One")], [])
        store.load(small)
    left = driver.execute_query("MATCH (n) WHERE NOT n:WeftGraph RETURN n.id ORDER BY n.id").records
    assert [record.value() for record in left] == ["item:1", "v", "w", "x", "y"]
    assert driver.execute_query("MATCH (:Item)-[r:SEEN]->() RETURN count(r)").records[0].value() == 1


def test_the_name_of_the_own_node_is_taken(place: str) -> None:
    with graph.open(place) as store, pytest.raises(GraphError, match="WeftGraph"):
        store.load(tables([("weft", "WeftGraph", "x")], []))


def test_a_second_load_writes_nothing(place: str, shop: GraphTables, monkeypatch: pytest.MonkeyPatch) -> None:
    with graph.open(place) as store:
        store.load(shop)
        for name in ("put", "take"):
            monkeypatch.setattr(transactions, name, lambda *_: pytest.fail("nothing differs"))
        calls: list[tuple[int, int]] = []
        store.load(shop, lambda done, total: calls.append((done, total)))
    rows = shop.nodes.height + shop.edges.height
    assert calls == [(rows, rows)]


def test_a_load_that_is_killed_is_taken_up(
    place: str, shop: GraphTables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with graph.open(place) as store:
        store.load(tables([("item:1", "Item", "old"), ("item:0", "Item", "gone")], [("item:1", "R", "item:0")]))
    shop.nodes.write_parquet(tmp_path / "nodes.parquet")
    shop.edges.write_parquet(tmp_path / "edges.parquet")
    code = """
        import os, signal, sys
        import polars as pl
        import graph, graph.stores.neo4j
        from graph.build import GraphTables
        graph.stores.neo4j.BATCH = 2
        tables = GraphTables(*(pl.read_parquet(f"{sys.argv[2]}/{name}.parquet") for name in ("nodes", "edges")))
        kill = lambda done, total: done > 24 and os.kill(os.getpid(), signal.SIGKILL)
        graph.open(sys.argv[1]).load(tables, kill)
    """
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(code), place, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=60)
    assert done.returncode == -9, done.stderr
    written = 0
    put = transactions.put

    def counted(transaction: transactions.Transaction, kind: transactions.Kind, rows: pl.DataFrame) -> None:
        nonlocal written
        written += rows.height
        put(transaction, kind, rows)

    monkeypatch.setattr(transactions, "put", counted)
    with graph.open(place) as store:
        assert store.version() == ""
        half = store.export()
        assert 0 < half.edges.height < shop.edges.height
        store.load(shop)
        held = store.export()
        assert set(held.nodes.rows()) == set(shop.nodes.rows()) and set(held.edges.rows()) == set(shop.edges.rows())
        assert store.version() == version.of(shop)
        assert "R" not in {relation.name for relation in store.schema().relations}
    there = set(half.nodes.rows()) & set(shop.nodes.rows()), set(half.edges.rows()) & set(shop.edges.rows())
    assert written == shop.nodes.height + shop.edges.height - len(there[0]) - len(there[1])


@pytest.mark.parametrize("how", ["merge", "delete"])
def test_a_change_is_there_whole_or_not_at_all(
    place: str, shop: GraphTables, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    new = tables([("item:9", "Item", "Runner"), ("item:1", "Item", "x")], [("item:9", "MADE_BY", "brand:nike")])
    with graph.open(place) as store:
        store.load(shop)
        with monkeypatch.context() as patch:
            patch.setattr(transactions, "WRITE_META", "RETURN 1 / 0")
            with pytest.raises(GraphError, match="was not changed"):
                store.merge(new) if how == "merge" else store.delete(["item:1"], shop.edges)
        assert set(store.export().nodes.rows()) == set(shop.nodes.rows())
        assert store.export().edges.height == shop.edges.height
        assert store.version() == version.of(shop)


def test_much_is_read_page_by_page(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = ["", "a", "b", "é", "\uffee", "\U0001f600", "~", "耐克", "\0", "A", "aa"]
    held = tables([(id, "Item", id) for id in ids], [(a, "R", b) for a in ids[:8] for b in ids[3:6]])
    with graph.open(place) as store:
        store.load(held)
        for page in (1, 3, 100):
            monkeypatch.setattr(transactions, "PAGE", page)
            assert sorted(store.export().nodes.rows()) == sorted(held.nodes.rows())
            assert sorted(store.export().edges.rows()) == sorted(held.edges.rows())


def test_writers_at_once_lose_nothing(place: str, shop: GraphTables) -> None:
    with graph.open(place) as store:
        store.load(shop)

    def add(i: int) -> None:
        with graph.open(place) as own:
            own.merge(tables([(f"new:{i}", f"New{i % 2}", "x")], [(f"new:{i}", f"R{i % 3}", "item:1")]))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(12)))
    with graph.open(place) as store:
        assert store.export().nodes.height == shop.nodes.height + 12
        assert store.export().edges.height == shop.edges.height + 12
        assert {"New0", "New1"} <= set(store.schema().labels)
        assert store.version() not in ("", version.of(shop))


@pytest.fixture(scope="module")
def guarded(neo4j_server: str, request: pytest.FixtureRequest, shop: GraphTables) -> Iterator[Neo4jStore]:
    with graph.open(fresh_neo4j(request, Path())) as store:
        assert isinstance(store, Neo4jStore)
        store.load(shop)
        yield store


@pytest.mark.parametrize("attack", SECOND_LINE)
def test_the_server_is_a_second_line(guarded: Neo4jStore, monkeypatch: pytest.MonkeyPatch, attack: str) -> None:
    monkeypatch.setattr(store_file, "guard", lambda *_: None)
    held = guarded.export()
    with pytest.raises(GraphError):
        guarded.query(ATTACKS[attack].replace("{folder}", "/tmp"), {"key": "name", "l": [1]}, timeout=2)
    after = guarded.export()
    assert after.nodes.equals(held.nodes) and after.edges.equals(held.edges)


def test_the_planner_says_why(guarded: Neo4jStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_file, "guard", lambda *_: None)
    for query, reason in {
        "MATCH (a) SET a.name = 'x'": "only reading",
        "LOAD CSV FROM 'file:///x' AS row RETURN row": "LoadCSV is refused",
        "MATCH (a) CALL db.labels() YIELD label RETURN label": "ProcedureCall is refused",
    }.items():
        with pytest.raises(GraphError, match=reason):
            guarded.query(query)


def test_a_name_the_graph_has_never_seen(guarded: Neo4jStore) -> None:
    for query, name in {
        "MATCH (a:Itme) RETURN a.id": "Itme",
        "MATCH (a)-[:MADE_BYE]->() RETURN a.id": "MADE_BYE",
        "MATCH (a:Item) RETURN a.nmae": "nmae",
    }.items():
        with pytest.raises(GraphError, match=name):
            guarded.query(query)


def test_nodes_relations_and_paths_are_plain(guarded: Neo4jStore) -> None:
    found = guarded.query(
        "MATCH p = (a:Item {id: 'item:1'})-[r:MADE_BY]->(b) RETURN p, r, [1] AS l, a.name IS NULL AS n", {}
    )
    path, relation, numbers, nothing = found.row(0)
    assert relation == {"label": "MADE_BY"} and numbers == [1] and nothing is False
    assert [node["id"] for node in path["nodes"]] == ["item:1", "brand:nike"]
    assert path["relationships"] == [{"label": "MADE_BY"}]


def test_the_bolt_errors_name_the_remedy() -> None:
    for error, remedy in {
        neo4j.exceptions.AuthError("x"): "NEO4J_PASSWORD",
        neo4j.exceptions.ServiceUnavailable("x"): "start one",
        ValueError("x"): "what: x",
    }.items():
        with pytest.raises(GraphError, match=remedy), bolt.errors("what"):
            raise error
