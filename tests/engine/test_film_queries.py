"""The judged queries over films keep their own rules, and what is right for them is found in the tables."""

import json
import sys
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from engine import config
from engine.importers import movielens
from engine.tables import catalogue
from tests.engine.outside import MOVIELENS

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts/bench"))
import film_queries  # noqa: E402

SPLITS = ("dev", "test")
LABELS = {
    split: [json.loads(line) for line in (film_queries.QUERIES / f"{split}.jsonl").read_text("utf-8").splitlines()]
    for split in SPLITS
}


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    if not (MOVIELENS / "tmdb.jsonl").is_file():
        pytest.skip(f"{MOVIELENS} is absent: no films to ask for")
    folder = tmp_path_factory.mktemp("films")
    movielens.convert(MOVIELENS, folder)
    return catalogue.read(config.load(folder / "weft.toml")).items


@pytest.mark.parametrize("split", SPLITS)
def test_each_part_has_fifty_of_each_segment(split: str) -> None:
    counts = Counter((label["kind"], label["language"]) for label in LABELS[split])
    assert counts == {(kind, language): 50 for kind in ("known", "attribute") for language in ("en", "zh")}


def test_no_film_no_facts_and_no_query_are_in_both_parts() -> None:
    every = [label for split in SPLITS for label in LABELS[split]]
    films = [label["film"] for label in every if label["kind"] == "known"]
    facts = [tuple(sorted(label["facts"].items())) for label in every if label["kind"] == "attribute"]
    assert len(set(films)) == 200 and len(set(facts)) == 200 and len({label["query"] for label in every}) == 400


@pytest.mark.parametrize("split", SPLITS)
def test_a_remembered_plot_is_short(split: str) -> None:
    for label in LABELS[split]:
        words, chinese = film_queries.words(label["query"]), label["language"] == "zh"
        fits = 10 <= len("".join(words)) <= 40 if chinese else 6 <= len(words) <= 20
        assert label["kind"] == "attribute" or fits, label["query"]
        assert chinese == any("\u4e00" <= sign <= "\u9fff" for sign in label["query"])


@pytest.mark.parametrize("split", SPLITS)
def test_a_remembered_plot_gives_neither_title_nor_overview_away(split: str, items: pl.DataFrame) -> None:
    films = {row["item_id"]: row for row in items.rows(named=True)}
    for label in LABELS[split]:
        if label["kind"] == "known":
            film = films[label["film"]]
            assert film_queries.copied(label["query"], film["title"], film["text"]) == []


def test_what_is_given_away_is_found() -> None:
    title, overview = "The Lion King", "A cub flees after his father dies, and grows up far away."
    assert film_queries.copied("lion who is king", title, overview) == ["lion", "king"]
    assert film_queries.copied("he flees after HIS father, the", title, overview) == ["flees after his father"]
    assert film_queries.copied("a cub flees; after that", title, overview) == ["a cub flees after"]


@pytest.mark.parametrize("split", SPLITS)
def test_every_query_has_a_right_film_and_few_enough(split: str, items: pl.DataFrame) -> None:
    for label, query in zip(LABELS[split], film_queries.read(split, items), strict=True):
        assert 1 <= len(query.right) <= (2 if query.kind == "known" else 60), query
        if query.kind == "known":
            assert label["film"] in items["item_id"].gather(query.right).to_list()


def test_right_are_all_films_of_the_facts_and_no_other(items: pl.DataFrame) -> None:
    label = {"genre": "Romance", "country": "France", "decade": "1960s"}
    at = next(i for i, one in enumerate(LABELS["dev"]) if one.get("facts") == label)
    frame = items.with_row_index("row")
    for column, value in label.items():
        frame = frame.filter(pl.col(column).list.contains(value))
    assert film_queries.read("dev", items)[at].right == tuple(frame["row"])
