"""Linking on real film overviews, labelled by hand: film_mentions.md says how."""

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from graph.build import GraphTables, build
from graph.link import Linker, Settings

FILMS = Path(__file__).parents[3] / "shared/data/movielens-100k/tmdb.jsonl"
LABELS = Path(__file__).parents[1] / "data/film_mentions.jsonl"
COLUMNS = {"genres": "genre", "companies": "company", "countries": "country", "languages": "language"}


@pytest.fixture(scope="module")
def labels() -> list[dict[str, Any]]:
    return [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def films() -> dict[str, dict[str, Any]]:
    if not FILMS.exists():
        pytest.skip(f"no film facts at {FILMS}")
    return {str(row["movie_id"]): row for row in map(json.loads, FILMS.read_text(encoding="utf-8").splitlines())}


@pytest.fixture(scope="module")
def graph(films: dict[str, dict[str, Any]]) -> GraphTables:
    columns = {name: [film[column] for film in films.values()] for column, name in COLUMNS.items()}
    titles = [film["title"] for film in films.values()]
    series = [film["collection"] for film in films.values()]
    items = pl.DataFrame({"item_id": list(films), "title": titles, "collection": series, **columns})
    return build(items, attributes=[*COLUMNS.values(), "collection"])


def test_150_films_are_labelled_once_and_no_overview_is_kept(labels: list[dict[str, Any]]):
    assert len({row["movie_id"] for row in labels}) == len(labels) == 150
    assert [row["split"] for row in labels] == ["dev"] * 50 + ["test"] * 100
    for row in labels:
        assert set(row) == {"movie_id", "overview_sha256", "split", "mentions", "traps"}
        assert sum(len(mention["surface"]) for mention in row["mentions"]) < 100


def test_labels_are_spans_of_the_overviews_and_nodes_of_the_graph(
    labels: list[dict[str, Any]], films: dict[str, dict[str, Any]], graph: GraphTables
):
    nodes = set(graph.nodes["id"])
    for row in labels:
        overview = films[str(row["movie_id"])]["overview"]
        assert hashlib.sha256(overview.encode()).hexdigest().startswith(row["overview_sha256"])
        for mention in [*row["mentions"], *row["traps"]]:
            assert overview[mention["start"] : mention["end"]] == mention["surface"]
        assert all(node in nodes for mention in row["mentions"] for node in mention["nodes"])


def test_most_mentions_are_found_and_most_links_are_right(
    labels: list[dict[str, Any]], films: dict[str, dict[str, Any]], graph: GraphTables
):
    # Without context, which is for scripts/bench/linking.py; on the films that weights were chosen on.
    overviews = {film: row["overview"] for film, row in films.items() if row["overview"]}
    linker = Linker(graph, settings=Settings(titles=True))
    links = linker.link(list(overviews.values()), list(overviews)).links
    right = found = told = 0
    for row in labels[:50]:
        mentions = {(m["start"], m["end"]): m["nodes"] for m in row["mentions"] if not m.get("optional")}
        free = {(m["start"], m["end"]) for m in row["mentions"] if m.get("optional")}
        here = links.filter(pl.col("item_id") == str(row["movie_id"])).select("start", "end", "node").rows()
        here = [link for link in here if link[:2] not in free]
        right += sum(node in mentions.get((start, end), []) for start, end, node in here)
        found, told = found + len(here), told + len(mentions)
    assert right / found > 0.75
    assert right / told > 0.85
