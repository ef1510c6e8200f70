"""The report on a graph: each planted mistake is found, and only those; and what is sound stays as it is."""

import random
import string

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph import schema
from graph.build import EDGES, NODES, REJECTS, GraphTables
from graph.check import Report, check, sound
from graph.interactions import with_interactions
from graph.lookalikes import lookalikes


def made(nodes: list[tuple[str, str, str]], edges: list[tuple[str, str, str]]) -> GraphTables:
    return GraphTables(pl.DataFrame(nodes, NODES, orient="row"), pl.DataFrame(edges, EDGES, orient="row"))


def counts(report: Report) -> dict[str, int]:
    return {finding.kind: finding.count for finding in report.findings}


CLEAN = [
    ("item:1", "Item", "A"),
    ("item:2", "Item", "B"),
    ("brand:n", "Brand", "Nike"),
    ("category:c", "Category", "C"),
]
LINKS = [("item:1", "MADE_BY", "brand:n"), ("item:2", "MADE_BY", "brand:n"), ("item:1", "BELONGS_TO", "category:c")]
LINKS += [("item:2", "BELONGS_TO", "category:c")]


def test_a_clean_graph_has_nothing() -> None:
    report = check(made(CLEAN, LINKS))
    assert report.findings == () and report.ok and (report.nodes, report.edges) == (4, 4)
    assert report.coverage.rows() == [("BELONGS_TO", 2, 1.0, 1, 1.0), ("MADE_BY", 2, 1.0, 1, 1.0)]


@pytest.mark.parametrize(
    ("nodes", "edges", "kind", "severity", "example"),
    [
        ([], [("item:1", "R", "x")], "dangling edges", "error", "item:1 -R-> x"),
        ([("item:1", "Brand", "z")], [], "ids of several nodes", "error", "item:1"),
        ([], [("item:1", "MADE_BY", "brand:n")], "repeated edges", "warning", "item:1 -MADE_BY-> brand:n"),
        ([], [("brand:n", "R", "brand:n")], "edges from a node to itself", "warning", "brand:n -R-> brand:n"),
        (
            [("category:d", "Category", "D")],
            [("category:c", "SUBCATEGORY_OF", "category:d"), ("category:d", "SUBCATEGORY_OF", "category:c")],
            "cycles of categories",
            "error",
            "category:c > category:d",
        ),
        (
            [("category:d", "Category", "D"), ("category:e", "Category", "E")],
            [("category:c", "SUBCATEGORY_OF", "category:d"), ("category:c", "SUBCATEGORY_OF", "category:e")],
            "categories with several parents",
            "note",
            "category:c under category:d and category:e",
        ),
        (
            [("brand:N I K E", "Brand", "ＮＩＫＥ")],
            [("item:1", "MADE_BY", "brand:N I K E"), ("item:2", "MADE_BY", "brand:N I K E")],
            "nodes of one name",
            "warning",
            "Nike: brand:n, brand:N I K E",
        ),
        (
            [("brand:i", "Brand", "Nike, Inc.")],
            [("item:1", "MADE_BY", "brand:i"), ("item:2", "MADE_BY", "brand:i")],
            "brands of nearly one name",
            "warning",
            "Nike / Nike, Inc. (100 of 100)",
        ),
        (
            [("entity:x", "Entity", "x")],
            [("brand:n", "ALIAS", "entity:x"), ("category:c", "ALIAS", "entity:x")],
            "aliases of several things",
            "warning",
            "entity:x of brand:n and category:c",
        ),
        ([("item:3", "Item", "C")], [], "items without any edge", "warning", "item:3 C"),
        ([("entity:x", "Entity", "x")], [], "other nodes without any edge", "note", "entity:x"),
        (
            [("entity:x", "Entity", "x")],
            [("item:1", "R", "entity:x")],
            "things of one item only",
            "note",
            "entity:x",
        ),
        (
            [("item:3", "Item", "a")],
            [("item:3", "MADE_BY", "brand:n")],
            "items of one title",
            "note",
            "A: item:1, item:3",
        ),
    ],
)
def test_a_planted_mistake_is_found(
    nodes: list[tuple[str, str, str]], edges: list[tuple[str, str, str]], kind: str, severity: str, example: str
) -> None:
    report = check(made(CLEAN + nodes, LINKS + edges))
    found = {finding.kind: finding for finding in report.findings}
    assert found[kind].severity == severity and found[kind].count == 1 and found[kind].examples == (example,)
    assert found[kind].remedy
    assert {other for other in found if other != kind} <= {"hubs"}
    assert report.ok == (severity == "note")


def test_hubs_and_rejects() -> None:
    items = [(f"item:{i}", "Item", f"title {i}") for i in range(10)]
    edges = [(f"item:{i}", "R", "entity:all") for i in range(10)] + [
        (f"item:{i}", "R", "entity:half") for i in range(5)
    ]
    tables = made([*items, ("entity:all", "Entity", "all"), ("entity:half", "Entity", "half")], edges)
    rejects = pl.DataFrame([("a", "b", "c", "no such thing")], REJECTS, orient="row")
    report = check(GraphTables(tables.nodes, tables.edges, rejects))
    assert [finding.examples for finding in report.findings] == [
        ("a -b-> c: no such thing",),
        ("entity:all (100% of the items)",),
    ]
    assert check(tables, hub=0.4).findings[0].count == 2 and not check(tables, hub=1).findings


def test_categories_of_one_name_under_two_others_are_two() -> None:
    nodes = [("category:a", "Category", "Men"), ("category:b", "Category", "Women")]
    nodes += [("category:a > s", "Category", "Shoes"), ("category:b > s", "Category", "Shoes")]
    edges = [("category:a > s", "SUBCATEGORY_OF", "category:a"), ("category:b > s", "SUBCATEGORY_OF", "category:b")]
    assert counts(check(made(nodes, edges))) == {}


def test_the_shop(shop: GraphTables) -> None:
    assert counts(check(shop)) == {
        "rejected triples": 2,
        "items without any edge": 1,
        "things of one item only": 3,
    }


def test_sound_takes_out_what_no_store_takes_and_says_so() -> None:
    bad = made([*CLEAN, ("item:1", "Brand", "z"), CLEAN[1]], [*LINKS, ("item:1", "R", "x"), LINKS[0]])
    good = sound(bad)
    schema.declare(good.nodes, good.edges)
    assert good.nodes.rows() == CLEAN and good.edges.rows() == LINKS
    assert good.rejects.rows() == [
        ("item:1", "", "", "the id stands for Brand z too"),
        ("item:1", "R", "x", "an end is no node"),
    ]
    again = sound(made(CLEAN, LINKS))
    assert again.nodes.rows() == CLEAN and again.edges.rows() == LINKS and again.rejects.is_empty()


ids = st.sampled_from(["item:1", "item:2", "brand:a", "category:b", "x"])


@given(
    st.lists(st.tuples(ids, st.sampled_from(["Item", "Brand", "Category"]), st.text(max_size=3)), max_size=6),
    st.lists(st.tuples(ids, st.sampled_from(["R", "SUBCATEGORY_OF", "ALIAS"]), ids), max_size=8),
)
def test_any_tables_are_checked_and_made_sound(
    nodes: list[tuple[str, str, str]], edges: list[tuple[str, str, str]]
) -> None:
    tables = made(nodes, edges)
    report = check(tables)
    kinds = counts(report)
    good = sound(tables)
    schema.declare(good.nodes, good.edges)
    assert {"dangling edges", "ids of several nodes"}.isdisjoint(counts(check(good)))
    assert kinds.get("dangling edges", 0) + good.edges.height >= len(set(edges))
    assert (report.coverage["share"] <= 1).all()


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        ("Warner Bros.", "Warner Bros", True),
        ("Warner Bros. Pictures", "Warner Bros Picture", True),
        ("adidas AG", "Adidas", True),
        ("华为技术有限公司", "华为技术", True),
        ("Decathlon", "Decatlon", True),
        ("Nike", "Mike", False),
        ("Studio 54", "Studio 55", False),
        ("Sony Music", "Sony Pictures", False),
        ("Co.", "Ltd", False),
        ("", "!", False),
    ],
)
def test_lookalikes(a: str, b: str, alike: bool) -> None:
    assert bool(list(lookalikes([a, "zzz", b]))) == alike


def test_lookalikes_are_found_among_many() -> None:
    draw = random.Random(0)
    names = ["".join(draw.choices(string.ascii_lowercase, k=10)) for _ in range(5000)]
    pairs = {(place, 5000 + at) for at, place in enumerate(range(0, 5000, 500))}
    names += [names[place][:4] + names[place][5:] for place, _ in sorted(pairs)]  # one letter lost in the middle
    assert {(a, b) for a, b, _ in lookalikes(names)} == pairs


def test_interactions_are_added_on_purpose_only(shop: GraphTables) -> None:
    choices = pl.DataFrame({"user_id": ["u", "u", "w", "w"], "item_id": ["1", "1", "2", "9"], "value": [1, 2, 3, 4]})
    chosen = with_interactions(shop, choices)
    added = set(chosen.edges.rows()) - set(shop.edges.rows())
    assert added == {("user:u", "CHOSE", "item:1"), ("user:w", "CHOSE", "item:2")}
    assert set(chosen.nodes.rows()) - set(shop.nodes.rows()) == {("user:w", "User", "w")}
    assert chosen.rejects.rows()[-1] == ("user:w", "CHOSE", "item:9", "unknown item")
    schema.declare(chosen.nodes, chosen.edges)
    assert counts(check(chosen))["items without any edge"] == 1
    assert check(chosen).coverage.equals(check(shop).coverage)
