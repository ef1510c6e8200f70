"""The contract of a graph store, run on every kind of store."""

import itertools

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.build import EDGES, NODES, GraphTables
from graph.errors import GraphError
from graph.paths import Pathfinder
from graph.schema import Relation
from graph.store import Edge, GraphStore, to_networkx

SHOE = GraphTables(
    pl.DataFrame([("item:9", "Item", "Runner")], schema=NODES, orient="row"),
    pl.DataFrame(
        [("item:9", "MADE_BY", "brand:nike"), ("item:9", "HAS_COLOUR", "colour:red")], schema=EDGES, orient="row"
    ),
)


def tables(nodes: list[tuple[str, str, str]], edges: list[tuple[str, str, str]]) -> GraphTables:
    return GraphTables(pl.DataFrame(nodes, schema=NODES, orient="row"), pl.DataFrame(edges, schema=EDGES, orient="row"))


def contents(held: GraphTables) -> tuple[set[tuple[str, ...]], list[tuple[str, ...]]]:
    return set(held.nodes.rows()), sorted(held.edges.rows())


def test_an_empty_store(store: GraphStore) -> None:
    assert contents(store.export()) == (set(), [])
    assert store.stats().is_empty() and store.schema().labels == ()
    store.delete(["item:1"])
    with pytest.raises(GraphError, match="no node"):
        store.neighbours("item:1")


def test_load_twice_is_load_once(store: GraphStore, shop: GraphTables) -> None:
    calls: list[tuple[int, int]] = []
    store.load(shop, lambda done, total: calls.append((done, total)))
    rows = shop.nodes.height + shop.edges.height
    assert calls == sorted(calls) and calls[-1] == (rows, rows)
    assert contents(store.export()) == contents(shop)
    store.load(shop)
    assert contents(store.export()) == contents(shop)
    assert store.export().edges.equals(shop.edges.sort(list(EDGES)))


def test_load_replaces(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop)
    small = tables([("item:1", "Item", "One")], [])
    store.load(small)
    assert contents(store.export()) == contents(small)
    assert store.schema().labels == ("Item",) and store.schema().relations == ()


@pytest.mark.parametrize(
    "bad",
    [
        tables([("item:1", "Item", "x")], [("item:1", "R", "nobody")]),
        tables([("item:1", "Item", "x"), ("item:1", "Item", "y")], []),
        tables([("item:1", "Item`(id STRING) //", "x")], []),
        tables([("item:1", "Item", "x")], [("item:1", "R`]->() DELETE a //", "item:1")]),
        tables([("item:1", "Item", "x")], [("item:1", "ITEM", "item:1")]),
    ],
    ids=["dangling", "twice", "label", "relation", "one name for two things"],
)
@pytest.mark.parametrize("how", ["load", "merge"])
def test_bad_tables_change_nothing(store: GraphStore, shop: GraphTables, bad: GraphTables, how: str) -> None:
    store.load(shop)
    with pytest.raises(GraphError):
        getattr(store, how)(bad)
    assert contents(store.export()) == contents(shop)
    store.merge(SHOE)  # and the store still works
    assert contents(store.export())[0] == contents(shop)[0] | {("item:9", "Item", "Runner")}


def test_merge(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop)
    for _ in range(2):
        store.merge(SHOE)
        nodes, edges = contents(store.export())
        assert nodes == contents(shop)[0] | {("item:9", "Item", "Runner")}
        assert edges == sorted(shop.edges.rows() + SHOE.edges.rows())


def test_merge_into_nothing(store: GraphStore, shop: GraphTables) -> None:
    store.merge(shop)
    assert contents(store.export()) == contents(shop)


def test_merge_brings_labels_relations_and_names(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop)
    new = tables(
        [("item:1", "Item", "Air Max 271"), ("shop:a", "Shop", "A")],
        [("item:1", "SOLD_AT", "shop:a"), ("item:1", "GOES_WITH", "shop:a"), ("item:2", "SOLD_AT", "shop:a")],
    )
    store.merge(new)
    nodes, edges = contents(store.export())
    assert ("item:1", "Item", "Air Max 271") in nodes and ("item:1", "Item", "Air Max 270") not in nodes
    assert edges == sorted(shop.edges.rows() + new.edges.rows())
    assert Relation("GOES_WITH", "Item", "Shop") in store.schema().relations


def test_merge_refuses_another_label(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop)
    with pytest.raises(GraphError, match="as Brand"):
        store.merge(tables([("brand:nike", "Organisation", "Nike")], []))
    assert contents(store.export()) == contents(shop)


def test_delete(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop)
    gone = [("item:1", "HAS_COLOUR", "colour:red"), ("item:1", "GOES_WITH", "item:3"), ("item:1", "NO_SUCH", "item:2")]
    store.delete(["brand:nike", "nobody"], pl.DataFrame(gone, schema=EDGES, orient="row"))
    nodes, edges = contents(store.export())
    assert nodes == {row for row in shop.nodes.rows() if row[0] != "brand:nike"}
    assert edges == sorted(
        row for row in shop.edges.rows() if "brand:nike" not in row and row != ("item:1", "HAS_COLOUR", "colour:red")
    )
    store.merge(shop)
    assert contents(store.export()) == contents(shop)


def test_neighbours(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop)
    near = store.neighbours("brand:nike")
    assert contents(near) == (
        {
            ("brand:nike", "Brand", "Nike"),
            ("item:1", "Item", "Air Max 270"),
            ("item:3", "Item", "Brogue"),
            ("entity:Phil", "Entity", "Phil"),
        },
        [
            ("brand:nike", "OWNED_BY", "entity:Phil"),
            ("item:1", "MADE_BY", "brand:nike"),
            ("item:3", "MADE_BY", "brand:nike"),
        ],
    )
    assert contents(store.neighbours("item:4")) == ({("item:4", "Item", "4")}, [])
    assert contents(store.neighbours("item:1", hops=0)) == ({("item:1", "Item", "Air Max 270")}, [])
    far = store.neighbours("item:1", hops=9)
    users = {("user:u", "User", "u"), ("user:v", "User", "v"), ("place:cn", "Place", "CN")}
    apart = users | {("entity:x", "Entity", "x"), ("entity:y", "Entity", "y"), ("item:4", "Item", "4")}
    assert set(far.nodes.rows()) == set(shop.nodes.rows()) - apart


def test_hubs_are_shown_but_not_walked_through(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop)
    two = set(store.neighbours("item:3", hops=2).nodes["id"])
    assert two == {"item:3", "brand:nike", "organisation:nike", "category:shoes > leather"} | {
        "item:1",
        "entity:Phil",
        "category:shoes",
    }
    assert set(store.neighbours("item:3", hops=2, hub=2).nodes["id"]) == two - {"entity:Phil"}  # Nike has three edges


def test_paths(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop)
    assert store.paths("item:1", "item:2") == [[Edge("item:1", "GOES_WITH", "item:2")]]
    found = store.paths("item:2", "item:3")
    assert [Edge("item:2", "GOES_WITH", "item:3")] not in found
    first = Edge("item:1", "GOES_WITH", "item:2")
    assert sorted(found) == [
        [first, Edge("item:1", relation, entity), Edge("item:3", relation, entity)]
        for relation, entity in (("HAS_COMPANY", "organisation:nike"), ("MADE_BY", "brand:nike"))
    ]
    assert len(store.paths("item:2", "item:3", n=1)) == 1
    assert store.paths("item:2", "item:3", longest=2) == store.paths("item:1", "user:u") == []
    assert store.paths("item:1", "item:1") == []
    with pytest.raises(GraphError, match="no node"):
        store.paths("item:1", "item:77")
    with pytest.raises(GraphError, match="longest"):
        store.paths("item:1", "item:2", longest=99)


def test_stats_and_schema(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop)
    stats = {row[:4]: row[4] for row in store.stats().rows()}
    assert stats["node", "Item", None, None] == 4
    assert stats["edge", "MADE_BY", "Item", "Brand"] == 3
    assert stats["edge", "GOES_WITH", "Entity", "Entity"] == stats["edge", "GOES_WITH", "Item", "Item"] == 1
    kinds = [kind for kind, *_ in stats]
    assert sum(stats.values()) == shop.nodes.height + shop.edges.height
    assert kinds.count("node") == len(store.schema().labels) == 8
    assert kinds.count("edge") == len(store.schema().relations)


def test_networkx(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop)
    network = to_networkx(store.export())
    assert network.number_of_nodes() == shop.nodes.height and network.number_of_edges() == shop.edges.height
    assert network.nodes["brand:nike"] == {"label": "Brand", "name": "Nike"}
    assert network.has_edge("item:1", "brand:nike", key="MADE_BY")


def test_query_gives_polars(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop)
    found = store.query(
        "MATCH (a:Item)-[:MADE_BY]->(b:Brand {id: $brand}) RETURN a.id AS id, size(a.name) AS n ORDER BY id",
        {"brand": "brand:nike"},
    )
    assert found.rows() == [("item:1", 11), ("item:3", 6)]
    nothing = store.query("MATCH (a:Item) WHERE a.id = 'none' RETURN a.id AS id, a.name AS name")
    assert nothing.columns == ["id", "name"] and nothing.is_empty()
    node = store.query("MATCH (a:Item {id: 'item:1'}) RETURN a").item()
    assert node == {"label": "Item", "id": "item:1", "name": "Air Max 270"}
    total = store.query("MATCH (a:Item) RETURN sum(size(a.name)) AS letters, collect(a.id) AS ids")
    assert total["letters"].to_list() == [27] and len(total["ids"][0]) == 4


def test_query_stops_at_its_limit(store: GraphStore, shop: GraphTables, caplog: pytest.LogCaptureFixture) -> None:
    store.load(shop)
    assert store.query("MATCH (a:Item) RETURN a.id", limit=4).height == 4 and not caplog.records
    assert store.query("MATCH (a:Item) RETURN a.id", limit=3).height == 3
    assert "first 3 rows" in caplog.text


def test_a_result_of_billions_of_rows_is_not_laid_out(store: GraphStore, films: GraphTables) -> None:
    store.load(films)
    found = store.query("MATCH (a:Item), (b:Item), (c:Item) RETURN a.id AS a, b.id AS b, c.name AS c", limit=5)
    assert found.shape == (5, 3)


@pytest.mark.parametrize(
    "wrong",
    ["MATCH (a:Item RETURN a", "MATCH (a:NoSuchLabel) RETURN a.id", "RETURN $missing", "RETURN 1 AS a, 2 AS a"],
)
def test_a_wrong_query_is_a_clear_error(store: GraphStore, shop: GraphTables, wrong: str) -> None:
    store.load(shop)
    with pytest.raises(GraphError):
        store.query(wrong)
    assert store.query("RETURN 1 AS one").item() == 1


def test_a_query_that_takes_too_long_is_stopped(store: GraphStore, films: GraphTables) -> None:
    store.load(films)
    with pytest.raises(GraphError):
        store.query("MATCH (a), (b), (c) WHERE a.id < b.id OR b.id < c.id RETURN count(*)", timeout=0.2)
    assert store.query("MATCH (a:Item) RETURN count(*)").item() == 1673


def test_films_come_back_whole(store: GraphStore, films: GraphTables) -> None:
    store.load(films)
    assert contents(store.export()) == contents(films)
    near = store.neighbours("item:1", hops=2)
    assert "item:1" in near.nodes["id"] and near.nodes.height > 20
    for path in store.paths("item:1", "item:71", n=5):  # Toy Story, The Lion King
        assert len(path) == 2 and {"item:1", "item:71"} == {path[0].head, path[1].head}
        assert path[0].tail == path[1].tail


def test_explaining_paths_are_paths_of_the_store(store: GraphStore, films: GraphTables) -> None:
    from graph.facts import facts

    store.load(films)
    ids = [str(i) for i in range(1, 60)]
    edges = set(store.export().edges.rows())
    found = Pathfinder(films, facts(films, ids), ids).find([0, 10, 20, 30], 40, 9)
    assert found and all(tuple(edge) in edges for path in found for edge in path.edges)


names = st.text(st.characters(codec="utf-8"), max_size=8)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(names, names), min_size=1, max_size=8, unique_by=lambda pair: pair[0]), st.randoms())
def test_any_text_comes_back_as_it_was(store: GraphStore, pairs: list[tuple[str, str]], random: object) -> None:
    nodes = [(f"item:{id}" if i % 2 else id, "Item" if i % 2 else "Brand", name) for i, (id, name) in enumerate(pairs)]
    nodes = list({node[0]: node for node in nodes}.values())
    edges = {(a[0], "R", b[0]) for a, b in itertools.pairwise(nodes)}
    built = tables(nodes, sorted(edges))
    store.load(built)
    assert contents(store.export()) == contents(built)
    store.merge(built)
    assert contents(store.export()) == contents(built)
    for id, label, name in nodes:
        assert (id, label, name) in store.neighbours(id).nodes.rows()
