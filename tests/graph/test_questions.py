"""Ready questions: known answers, and the same answers from every store."""

import re
from collections.abc import Callable, Iterator

import polars as pl
import pytest

import graph
from graph.build import GraphTables
from graph.cypher import guard
from graph.questions import QUESTIONS
from graph.store import GraphStore
from tests.graph.conftest import STORES

Ask = Callable[..., list[tuple[object, ...]]]
ON_THE_SHOP = {
    "about": ({"item": "item:3"}, [
        ("BELONGS_TO", "category:shoes > leather", "Leather"), ("HAS_COMPANY", "organisation:nike", "Nike"),
        ("MADE_BY", "brand:nike", "Nike"),
    ]),
    "aliases": ({"node": "brand:nike"}, []),
    "brands-with": ({"node": "brand:nike"}, [("brand:adidas", "adidas", 1, 1)]),
    "common-values": ({"relation": "HAS_COLOUR"}, [("colour:white", "white", 2), ("colour:red", "red", 1)]),
    "connects": ({"node": "brand:nike", "other": "item:2"}, [("MADE_BY", "item:1", "Air Max 270", "GOES_WITH")]),
    "hubs": ({}, None),
    "in-category": ({"node": "category:shoes"}, [
        ("item:1", "Air Max 270", "Sport shoes"), ("item:2", "Superstar", "Sport shoes"),
        ("item:3", "Brogue", "Leather"),
    ]),
    "items-of": ({"node": "colour:white"}, [("item:1", "Air Max 270"), ("item:2", "Superstar")]),
    "lonely": ({}, [("item:4", "4")]),
    "neighbourhood": ({"node": "brand:nike"}, [
        ("MADE_BY", "Item", "item:1", "Air Max 270"), ("MADE_BY", "Item", "item:3", "Brogue"),
        ("OWNED_BY", "Entity", "entity:Phil", "Phil"),
    ]),
    "rare-facts": ({"item": "item:3"}, [
        ("BELONGS_TO", "category:shoes > leather", "Leather", 1), ("MADE_BY", "brand:nike", "Nike", 2),
        ("HAS_COMPANY", "organisation:nike", "Nike", 2),
    ]),
    "same-maker": ({"item": "item:1"}, [("Nike", "item:3", "Brogue")]),
    "shared": ({"item": "item:1", "other": "item:2"}, [
        ("category:shoes > sport shoes", "Sport shoes"), ("colour:white", "white"),
    ]),
    "similar": ({"item": "item:1"}, [("item:2", "Superstar", 2), ("item:3", "Brogue", 2)]),
    "what-is": ({"node": "brand:nike"}, [
        ("Brand", "Nike", "MADE_BY", "Item", 2), ("Brand", "Nike", "OWNED_BY", "Entity", 1),
    ]),
    "without": ({"relation": "HAS_COLOUR"}, [("item:3", "Brogue"), ("item:4", "4")]),
}  # fmt: skip
"""What each is asked, and what it answers; None where that would be long."""
ON_FILMS = {
    "item": ["item:1", "item:71", "item:404"], "other": ["item:71", "genre:animation"],
    "relation": ["HAS_GENRE", "NO_SUCH"],
    "node": ["organisation:pixar", "item:50", "collection:star wars collection", "nobody"],
}  # fmt: skip


@pytest.fixture(scope="module")
def ask_all(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, films: GraphTables
) -> Iterator[dict[str, GraphStore]]:
    opened = {kind: graph.open(place(request, tmp_path_factory.mktemp(kind) / "g")) for kind, place in STORES.items()}
    for store in opened.values():
        store.load(films)
    yield opened
    for store in opened.values():
        store.close()


def test_there_are_fifteen_and_all_are_tested() -> None:
    assert set(ON_THE_SHOP) == set(QUESTIONS) and len(QUESTIONS) >= 15
    assert list(QUESTIONS) == sorted(QUESTIONS)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_explains_itself(name: str) -> None:
    question = QUESTIONS[name]
    assert question.name == name
    assert question.english.endswith("?") and question.english.isascii()
    assert question.chinese.endswith("？")
    assert set(question.parameters) == set(re.findall(r"\$(\w+)", question.cypher))
    assert all(question.parameters.values())
    guard(question.cypher, question.parameters)


def test_known_answers(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop)
    for name, (given, expected) in ON_THE_SHOP.items():
        found = store.query(QUESTIONS[name].cypher, given).rows()
        if expected is None:
            assert found[0] == ("brand:nike", "Nike", 2) and len(found) == 10
        elif name == "rare-facts":  # the two that two items have come in order of their ids
            assert sorted(found) == sorted(expected)
        else:
            assert found == expected, name


def test_aliases(store: GraphStore, shop: GraphTables) -> None:
    name = pl.DataFrame([("entity:耐克", "Entity", "耐克")], schema=shop.nodes.schema, orient="row")
    edge = pl.DataFrame([("brand:nike", "ALIAS", "entity:耐克")], schema=shop.edges.schema, orient="row")
    store.load(shop)
    store.merge(GraphTables(name, edge))
    assert store.query(QUESTIONS["aliases"].cypher, {"node": "brand:nike"}).rows() == [("耐克", "entity:耐克")]


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_store_answers_alike(ask_all: dict[str, GraphStore], name: str) -> None:
    question = QUESTIONS[name]
    for i in range(max([1, *(len(ON_FILMS[key]) for key in question.parameters)])):
        given = {key: ON_FILMS[key][i % len(ON_FILMS[key])] for key in question.parameters}
        answers = [store.query(question.cypher, given) for store in ask_all.values()]
        assert all(one.rows() == answers[0].rows() and one.columns == answers[0].columns for one in answers), given


def test_on_films(ask_all: dict[str, GraphStore], films: GraphTables) -> None:
    for store in ask_all.values():
        hubs = store.query(QUESTIONS["hubs"].cypher)["id"][:2].to_list()
        assert hubs == ["language:english", "place:united states of america"]
        shared = store.query(QUESTIONS["shared"].cypher, {"item": "item:1", "other": "item:71"})["id"]
        assert {"genre:family", "genre:animation"} <= set(shared)
        similar = store.query(QUESTIONS["similar"].cypher, {"item": "item:1"})
        assert similar.height == 20 and "item:1" not in similar["item"].to_list()
        items, linked = films.nodes.filter(pl.col("label") == "Item")["id"], set(films.edges["head"])
        assert store.query(QUESTIONS["lonely"].cypher).height == sum(id not in linked for id in items)
