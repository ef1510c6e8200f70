"""Building the graph: known answers on a small shop, and properties that hold for any table."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import schema
from graph.build import GraphTables, build
from graph.errors import GraphError


def test_nodes(shop: GraphTables) -> None:
    nodes = shop.nodes
    assert {row[0]: row[1:] for row in nodes.rows()} == {
        "item:1": ("Item", "Air Max 270"),
        "item:2": ("Item", "Superstar"),
        "item:3": ("Item", "Brogue"),
        "item:4": ("Item", "4"),
        "colour:white": ("Attribute", "white"),
        "colour:red": ("Attribute", "red"),
        "organisation:nike": ("Organisation", "Nike"),
        "organisation:adidas ag": ("Organisation", "Adidas AG"),
        "brand:nike": ("Brand", "Nike"),
        "brand:adidas": ("Brand", "adidas"),
        "category:shoes": ("Category", "Shoes"),
        "category:shoes > sport shoes": ("Category", "Sport shoes"),
        "category:shoes > leather": ("Category", "Leather"),
        "entity:Phil": ("Entity", "Phil"),
        "entity:x": ("Entity", "x"),
        "entity:y": ("Entity", "y"),
        "user:u": ("User", "u"),
        "user:v": ("User", "v"),
        "place:cn": ("Place", "CN"),
    }


def test_edges(shop: GraphTables) -> None:
    assert set(shop.edges.rows()) == {
        ("item:1", "HAS_COLOUR", "colour:white"),
        ("item:1", "HAS_COLOUR", "colour:red"),
        ("item:2", "HAS_COLOUR", "colour:white"),
        ("item:1", "HAS_COMPANY", "organisation:nike"),
        ("item:2", "HAS_COMPANY", "organisation:adidas ag"),
        ("item:3", "HAS_COMPANY", "organisation:nike"),
        ("item:1", "MADE_BY", "brand:nike"),
        ("item:2", "MADE_BY", "brand:adidas"),
        ("item:3", "MADE_BY", "brand:nike"),
        ("item:1", "BELONGS_TO", "category:shoes > sport shoes"),
        ("item:2", "BELONGS_TO", "category:shoes > sport shoes"),
        ("item:3", "BELONGS_TO", "category:shoes > leather"),
        ("category:shoes > sport shoes", "SUBCATEGORY_OF", "category:shoes"),
        ("category:shoes > leather", "SUBCATEGORY_OF", "category:shoes"),
        ("item:1", "GOES_WITH", "item:2"),
        ("brand:nike", "OWNED_BY", "entity:Phil"),
        ("entity:x", "GOES_WITH", "entity:y"),
        ("item:1", "R_1", "entity:Phil"),
        ("user:u", "HAS_COUNTRY", "place:cn"),
    }


def test_rejects_say_why(shop: GraphTables) -> None:
    assert shop.rejects.rows() == [
        ("3", "品牌", "2", "the relation has no letter or digit of ASCII"),
        ("", "a", "b", "no head"),
    ]


def test_no_rows_at_all() -> None:
    tables = build(pl.DataFrame(schema={"item_id": pl.String, "genre": pl.List(pl.String)}), attributes=["genre"])
    assert tables.nodes.is_empty() and tables.edges.is_empty()


@pytest.mark.parametrize("ids", [["1", "1"], ["1", None]])
def test_ids_must_be_there_once(ids: list[str | None]) -> None:
    with pytest.raises(GraphError, match="item_id"):
        build(pl.DataFrame({"item_id": ids}), attributes=[])


@pytest.mark.parametrize("column", ["x]->() DETACH DELETE n //", "genre`", "1st", "", "品牌", "a b", "item", "User"])
def test_a_column_that_cannot_be_a_relation(column: str) -> None:
    with pytest.raises(GraphError):
        build(pl.DataFrame({"item_id": ["1"], column: ["x"]}), attributes=[column])


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("genre", ("genre", "Attribute", "HAS_GENRE")),
        ("genres", ("genre", "Attribute", "HAS_GENRE")),
        ("companies", ("organisation", "Organisation", "HAS_COMPANY")),
        ("Country", ("place", "Place", "HAS_COUNTRY")),
        ("collection", ("collection", "Collection", "HAS_COLLECTION")),
        ("director", ("person", "Person", "HAS_DIRECTOR")),
        ("brand", ("brand", "Brand", "MADE_BY")),
        ("heel_height", ("heel_height", "Attribute", "HAS_HEEL_HEIGHT")),
    ],
)
def test_field(column: str, expected: tuple[str, str, str]) -> None:
    assert schema.field(column) == schema.Field(*expected)


def test_folding_twice_changes_nothing() -> None:
    every = [chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000]
    assert [schema.fold(schema.fold(c)) for c in every] == [schema.fold(c) for c in every]


words = st.text(st.characters(codec="utf-8"), max_size=6)
texts = st.one_of(st.none(), words, st.sampled_from(["Nike", "ＮＩＫＥ", "nike ", "A > B", "a > b > c", "1", "item:1"]))


@st.composite
def tables(draw: st.DrawFn) -> GraphTables:
    ids = draw(st.lists(words, unique=True, max_size=6))
    n = len(ids)
    strings = st.lists(texts, min_size=n, max_size=n)
    lists = st.lists(st.lists(texts, max_size=3), min_size=n, max_size=n)
    items = pl.DataFrame(
        {"item_id": ids, "title": draw(strings), "genre": draw(lists), "maker": draw(strings), "path": draw(strings)},
        schema={
            "item_id": pl.String,
            "title": pl.String,
            "genre": pl.List(pl.String),
            "maker": pl.String,
            "path": pl.String,
        },
    )
    ends = st.one_of(texts, st.sampled_from(ids)) if ids else texts
    rows = draw(st.lists(st.tuples(ends, texts, ends), max_size=6))
    triples = pl.DataFrame(rows, schema=dict.fromkeys(("head", "relation", "tail"), pl.String), orient="row")
    return build(items, attributes=["genre"], brand="maker", category="path", triples=triples)


@settings(max_examples=150, deadline=None)
@given(tables())
def test_ids_are_unique_and_no_edge_dangles(built: GraphTables) -> None:
    assert built.nodes["id"].is_unique().all()
    assert built.nodes.null_count().sum_horizontal().item() == 0
    assert built.edges.is_unique().all()
    declared = schema.declare(built.nodes, built.edges)  # raises on dangling edges and unfit names
    assert set(declared.labels) <= set(schema.LABELS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("film.film.genre", "FILM_FILM_GENRE"),
        ("http://a.org/ns#made-by", "HTTP_A_ORG_NS_MADE_BY"),
        ("12", "R_12"),
        ("brand", "HAS_BRAND"),
        ("x]->(a) DETACH DELETE a //", "X_A_DETACH_DELETE_A"),
        ("品牌", None),
        ("", None),
    ],
)
def test_relation_type(name: str, expected: str | None) -> None:
    assert schema.relation_type(name) == expected


def test_names_that_differ_only_in_case_are_refused() -> None:
    with pytest.raises(GraphError, match="one name"):
        schema.Schema(("Item",), (schema.Relation("ITEM", "Item", "Item"),))
    with pytest.raises(GraphError, match="one name"):
        schema.Schema(("Item",), (schema.Relation("Has", "Item", "Item"), schema.Relation("HAS", "Item", "Item")))
    one = schema.Schema(("Item",), (schema.Relation("R", "Item", "Item"),))
    two = schema.Schema(("Brand", "Item"), (schema.Relation("R", "Item", "Brand"),))
    assert (one | two).relations == (schema.Relation("R", "Item", "Brand"), schema.Relation("R", "Item", "Item"))


def test_real_films(films: GraphTables) -> None:
    counts = dict(films.nodes["label"].value_counts().rows())
    assert counts["Item"] == 1673 and counts["Collection"] > 150 and counts["Organisation"] > 1000
    toys = films.edges.filter(pl.col("head") == "item:1").drop("head").rows()
    assert ("HAS_COMPANY", "organisation:pixar") in toys and ("HAS_GENRE", "genre:animation") in toys
    assert ("HAS_COLLECTION", "collection:toy story collection") in toys
    schema.declare(films.nodes, films.edges)
