"""Triples among the nodes of a graph: what their ends become, and what the declared relations refuse."""

import polars as pl
import pytest

from graph.build import GraphTables, build
from graph.errors import GraphError
from graph.schema import Declared

ITEMS = pl.DataFrame(
    {
        "item_id": ["1", "2", "1995"],
        "title": ["Heat", "Cars", "Year"],
        "brand": ["Pixar", "Pixar", None],
        "actor": [["Al Pacino"], [], []],
        "mood": [["Dark"], [], []],
    }
)


def woven(triples: list[tuple[str, str, str]], declared: Declared | None = None) -> GraphTables:
    rows = pl.DataFrame(triples, schema=["head", "relation", "tail"], orient="row")
    return build(ITEMS, attributes=["actor", "mood"], brand="brand", triples=rows, declared=declared)


def edges(tables: GraphTables) -> list[tuple[str, ...]]:
    return tables.edges.filter(~pl.col("relation").is_in(["MADE_BY", "HAS_ACTOR", "HAS_MOOD"])).rows()


def new(tables: GraphTables) -> list[tuple[str, ...]]:
    return tables.nodes.filter(~pl.col("id").is_in(woven([]).nodes["id"].implode())).rows()


DECLARED = Declared(
    {
        "directed_by": ("Item", "Person"),
        "owned.by": ("Brand", "Organisation"),
        "year": ("Item", "Attribute"),
        "mood": ("Item", "Attribute"),
        "follows": ("Item", "Item"),
        "about": ("Item", "Entity"),
    }
)


def test_declared_ends_get_their_label() -> None:
    tables = woven(
        [
            ("1", "directed_by", "Michael  MANN"),
            ("item:2", "directed_by", "person:michael mann"),
            ("1", "directed_by", "AL PACINO"),
            ("Pixar", "owned by", "Disney"),
            ("brand:PIXAR", "owned_by", "organisation:disney"),
            ("1", "year", "1995"),
            ("1", "mood", "dark"),
            ("1", "about", "Crime"),
            ("1", "about", "brand:pixar"),
            ("1", "follows", "2"),
        ],
        DECLARED,
    )
    assert tables.rejects.is_empty()
    assert edges(tables) == [
        ("item:1", "DIRECTED_BY", "person:michael mann"),
        ("item:2", "DIRECTED_BY", "person:michael mann"),
        ("item:1", "DIRECTED_BY", "person:al pacino"),
        ("brand:pixar", "OWNED_BY", "organisation:disney"),
        ("item:1", "YEAR", "year:1995"),
        ("item:1", "MOOD", "mood:dark"),
        ("item:1", "ABOUT", "entity:Crime"),
        ("item:1", "ABOUT", "brand:pixar"),
        ("item:1", "FOLLOWS", "item:2"),
    ]
    assert sorted(new(tables)) == [
        ("entity:Crime", "Entity", "Crime"),
        ("organisation:disney", "Organisation", "Disney"),
        ("person:michael mann", "Person", "Michael  MANN"),
        ("year:1995", "Attribute", "1995"),
    ]


@pytest.mark.parametrize(
    ("triple", "reason"),
    [
        (("Mann", "directed_by", "1"), "reversed: directed_by goes from Item to Person"),
        (("Disney", "owned.by", "brand:pixar"), "reversed: owned.by goes from Brand to Organisation"),
        (("organisation:disney", "owned_by", "Pixar"), "reversed: owned_by goes from Brand to Organisation"),
        (("9", "directed_by", "Mann"), "the head is no item: directed_by goes from Item to Person"),
        (("item:9", "directed_by", "Mann"), "the head is no item: directed_by goes from Item to Person"),
        (("1", "directed_by", "2"), "the tail is an Item: directed_by goes from Item to Person"),
        (("1", "directed_by", "brand:x"), "the tail is a Brand: directed_by goes from Item to Person"),
        (("1", "directed_by", "mood:dark"), "the tail is an Attribute: directed_by goes from Item to Person"),
        (("1", "follows", "x"), "the tail is no item: follows goes from Item to Item"),
        (("1", "about", "2"), "the tail is an Item: about goes from Item to Entity"),
        (("1", "about", "user:u"), "the tail is a User: about goes from Item to Entity"),
    ],
)
def test_what_is_against_the_declaration_is_rejected(triple: tuple[str, str, str], reason: str) -> None:
    tables = woven([triple, ("1", "directed_by", "Mann")], DECLARED)
    assert tables.rejects.rows() == [(*triple, reason)]
    assert edges(tables) == [("item:1", "DIRECTED_BY", "person:mann")]


def test_other_relations_are_free_unless_it_is_strict() -> None:
    triples = [("1", "remake of", "x"), ("brand:pixar", "alias", "皮克斯"), ("1", "rdfs:label", "Heat!")]
    assert woven(triples, DECLARED).rejects.is_empty()
    strict = woven(triples, Declared(DECLARED.relations, strict=True))
    assert strict.rejects["reason"].to_list() == ["remake of is not declared in [graph.relations], which is strict"]
    assert ("brand:pixar", "ALIAS", "entity:皮克斯") in edges(strict)


@pytest.mark.parametrize(
    ("relations", "reason"),
    [
        ({"by": ("Item", "Persn")}, r"no label 'Persn' \(did you mean Person\?\)"),
        ({"by": ("User", "Item")}, "no label 'User'"),
        ({"品牌": ("Item", "Brand")}, "no letter or digit"),
        ({"a b": ("Item", "Brand"), "a.b": ("Brand", "Item")}, "declared twice as A_B"),
    ],
)
def test_a_declaration_that_cannot_be(relations: dict[str, tuple[str, str]], reason: str) -> None:
    with pytest.raises(GraphError, match=reason):
        Declared(relations)


def test_names_and_aliases() -> None:
    tables = woven(
        [
            ("1", "by", "Q1"),
            ("Q1", "rdfs:label", "Michael Mann"),
            ("Q1", "rdfs:label", "迈克尔·曼"),
            ("Q1", "rdfs:label", "MICHAEL mann"),
            ("brand:pixar", "rdfs:label", "PIXAR"),
            ("brand:pixar", "rdfs:label", "皮克斯"),
            ("Q2", "rdfs:label", "nobody's"),
        ]
    )
    assert edges(tables) == [
        ("item:1", "BY", "entity:Q1"),
        ("entity:Q1", "ALIAS", "entity:迈克尔·曼"),
        ("brand:pixar", "ALIAS", "entity:皮克斯"),
    ]
    assert sorted(new(tables)) == [
        ("entity:Q1", "Entity", "Michael Mann"),
        ("entity:Q2", "Entity", "nobody's"),
        ("entity:皮克斯", "Entity", "皮克斯"),
        ("entity:迈克尔·曼", "Entity", "迈克尔·曼"),
    ]


def test_ids_of_an_exported_graph_are_themselves() -> None:
    first = woven([("1", "by", "Mann"), ("Mann", "knows", "x:y")])
    again = woven([(head, relation, tail) for head, relation, tail in first.edges.rows()])
    assert set(again.edges.rows()) == set(first.edges.rows()) and set(again.nodes.rows()) == set(first.nodes.rows())
