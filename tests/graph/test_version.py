"""The version of a graph: it follows the content, in every store alike."""

import polars as pl
import pytest

from graph import version
from graph.build import EDGES, NODES, GraphTables
from graph.errors import GraphError
from graph.store import GraphStore


def tables(nodes: list[tuple[str, str, str]], edges: list[tuple[str, str, str]]) -> GraphTables:
    return GraphTables(pl.DataFrame(nodes, schema=NODES, orient="row"), pl.DataFrame(edges, schema=EDGES, orient="row"))


def test_the_order_of_rows_is_no_matter(shop: GraphTables) -> None:
    again = GraphTables(shop.nodes.sample(fraction=1, shuffle=True, seed=1), shop.edges.reverse())
    doubled = GraphTables(shop.nodes, pl.concat([shop.edges, shop.edges[:3]]))
    assert version.of(again) == version.of(doubled) == version.of(shop)
    assert len(version.of(shop)) == 64


def test_any_other_content_is_another_version() -> None:
    a, b, c = ("a", "X", "n"), ("b", "X", "n"), ("c", "X", "n")
    different = [
        tables([], []),
        tables([a], []),
        tables([("a", "X", "m")], []),
        tables([("a", "Y", "n")], []),
        tables([("aX", "", "n")], []),
        tables([a, b], []),
        tables([a, b], [("a", "R", "b")]),
        tables([a, b], [("b", "R", "a")]),
        tables([a, b], [("a", "S", "b")]),
        tables([a, b], [("a", "R", "b"), ("a", "S", "b")]),
        tables([a, b, c], [("a", "R", "b"), ("a", "S", "c")]),
        tables([a, b, c], [("a", "R", "c"), ("a", "S", "b")]),
    ]
    assert len({version.of(one) for one in different}) == len(different)
    assert version.of(different[0]) == version.EMPTY


def test_known_answer() -> None:
    """Kept in artefacts: another answer for the same graph would make each of them a stranger."""
    held = tables([("b", "X", "名"), ("a", "Y", "")], [("b", "R", "a")])
    assert version.of(held) == "15a7e0e81bd68298e701a5f4b3514bc48c20a65f90469af481d62150dbc803a0"
    assert (
        version.after("old", "merge", held.nodes, held.edges)
        == "68c23bc142dc069169658f29d2b62beb6e03be0c17bfcd6fc28402d96967a2d4"
    )


def test_a_change_moves_it_on_and_nothing_does_not(shop: GraphTables) -> None:
    first = version.of(shop)
    assert version.after(first, "merge", shop.nodes[:0], shop.edges[:0]) == first
    second = version.after(first, "merge", shop.nodes[:2], shop.edges[:1])
    assert second == version.after(first, "merge", shop.nodes[:2].reverse(), shop.edges[:1])
    others = {
        version.after(first, "delete", shop.nodes[:2], shop.edges[:1]),
        version.after(second, "merge", shop.nodes[:2], shop.edges[:1]),
        version.after(first, "merge", shop.nodes[:2], shop.edges[:0]),
    }
    assert len(others | {first, second}) == 5


def test_a_store_keeps_it(store: GraphStore, shop: GraphTables) -> None:
    assert store.version() == version.EMPTY
    store.delete(["item:1"])
    assert store.version() == version.EMPTY
    store.load(shop)
    loaded = store.version()
    assert loaded == version.of(shop)
    store.load(GraphTables(shop.nodes.reverse(), shop.edges.reverse()))
    store.merge(shop)
    store.merge(GraphTables(shop.nodes[:3], shop.edges[:0]))
    store.delete(["nobody"], pl.DataFrame([("item:1", "GOES_WITH", "item:3")], schema=EDGES, orient="row"))
    assert store.version() == loaded

    new = tables([("item:9", "Item", "Runner"), ("a:1", "Aaa", "first of all labels")], [("item:9", "IS", "a:1")])
    told = [loaded]
    known = shop.edges.filter(pl.col("head") == "brand:nike")
    both = GraphTables(pl.concat([new.nodes, shop.nodes]), pl.concat([new.edges, known]))
    store.merge(both)
    told.append(version.after(told[-1], "merge", new.nodes, new.edges))
    assert store.version() == told[-1]
    name = tables([("item:9", "Item", "Walker")], [])
    store.merge(name)
    told.append(version.after(told[-1], "merge", name.nodes, name.edges))
    assert store.version() == told[-1]
    store.delete(["item:9", "nobody"], shop.edges[:2])
    told.append(version.after(told[-1], "delete", pl.DataFrame({"id": ["item:9"]}), shop.edges[:2]))
    assert store.version() == told[-1]
    store.load(shop)
    assert store.version() == loaded


def test_a_refused_change_leaves_it(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop)
    for bad in (tables([("item:1", "Brand", "x")], []), tables([], [("item:1", "R", "nobody")])):
        with pytest.raises(GraphError, match=r"delete it first|no node"):
            store.merge(bad)
    assert store.version() == version.of(shop)
