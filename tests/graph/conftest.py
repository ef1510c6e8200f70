"""A small shop whose graph can be checked by eye, real films, and every kind of store."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import neo4j
import polars as pl
import pytest

import graph
from graph.build import GraphTables, build
from graph.store import GraphStore
from graph.stores import server

PASSWORD = "only-for-tests"
FILMS = Path(__file__).parents[3] / "shared/data/movielens-100k/tmdb.jsonl"


@pytest.fixture(scope="session")
def shop() -> GraphTables:
    items = pl.DataFrame(
        {
            "item_id": ["1", "2", "3", "4"],
            "title": ["Air Max 270", "Superstar", "Brogue", ""],
            "brand": ["Nike", " adidas", "ＮＩＫＥ ", None],
            "category": ["Shoes > Sport shoes", "shoes >Sport  Shoes", "Shoes > Leather", " > "],
            "colour": [["white", "red"], ["White"], [], [" "]],
            "company": [["Nike"], ["Adidas AG"], ["nike"], []],
        }
    )
    triples = pl.DataFrame(
        {
            "head": ["1", "brand:nike", "3", "x", "", "1"],
            "relation": ["goes.with", "owned by", "品牌", "goes.with", "a", "1"],
            "tail": ["2", "Phil", "2", "y", "b", "Phil"],
        }
    )
    users = pl.DataFrame({"user_id": ["u", "v"], "country": [["CN"], []]})
    return build(
        items,
        attributes=["colour", "company"],
        brand="brand",
        category="category",
        triples=triples,
        users=users,
        user_attributes=["country"],
    )


@pytest.fixture(scope="session")
def films() -> GraphTables:
    if not FILMS.exists():
        pytest.skip(f"no film facts at {FILMS}")
    columns = ("genres", "companies", "countries", "languages")
    rows = [json.loads(line) for line in FILMS.read_text(encoding="utf-8").splitlines()]
    items = pl.DataFrame(
        {
            "item_id": [str(row["movie_id"]) for row in rows],
            "title": [row["title"] for row in rows],
            "collection": [row["collection"] for row in rows],
            **{column: [row[column] for row in rows] for column in columns},
        }
    )
    return build(items, attributes=[*columns, "collection"])


@pytest.fixture(scope="session")
def neo4j_server() -> Iterator[str]:
    """The URI of a Neo4j for the whole run, which knows the password that the environment has."""
    reason = server.missing()
    if reason and not os.environ.get("CI"):
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch, server.serve(password=PASSWORD, quick=True) as running:
        patch.setenv("NEO4J_PASSWORD", PASSWORD)
        for name in ("NEO4J_USERNAME", "NEO4J_DATABASE"):
            patch.delenv(name, raising=False)
        yield running.uri


def fresh_ladybug(_: pytest.FixtureRequest, folder: Path) -> str:
    return str(folder)


def fresh_neo4j(request: pytest.FixtureRequest, _: Path) -> str:
    uri: str = request.getfixturevalue("neo4j_server")
    with neo4j.GraphDatabase.driver(uri, auth=("neo4j", PASSWORD)) as driver:
        driver.execute_query("MATCH (n) DETACH DELETE n")
    return uri


STORES: dict[str, Callable[[pytest.FixtureRequest, Path], str]] = {"ladybug": fresh_ladybug, "neo4j": fresh_neo4j}
"""Where an empty graph of each kind may be opened: every test of the contract runs on each of them."""


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    with graph.open(STORES[request.param](request, tmp_path / "graph")) as opened:
        yield opened
