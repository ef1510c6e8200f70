"""The worked example on a generated shop: 白色运动鞋 for somebody who likes 耐克, and names in both languages."""

import json
from pathlib import Path

import polars as pl
import pytest

from engine import Engine
from engine.demo.products import ALL_BRANDS, WORDS
from tests.engine.command import weft

HERO = "Nike Air Max 270 white sneakers"


@pytest.fixture(scope="module")
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


@pytest.fixture(scope="module")
def fan(engine: Engine) -> str:
    """Of users with five events or more, whose history has the largest share of Nike; the first of those by id."""
    brands = engine.catalogue.items.select("item_id", "brand")
    events = engine.catalogue.interactions.join(brands, on="item_id")
    shares = events.group_by("user_id").agg(nike=(pl.col("brand") == "Nike").mean(), events=pl.len())
    best = shares.filter(pl.col("events") >= 5).sort(["nike", "user_id"], descending=[True, False])
    assert best["nike"][0] > 2 * (events["brand"] == "Nike").mean()
    return str(best["user_id"][0])


def test_the_query_is_read_as_a_colour_and_a_kind_of_thing(engine: Engine) -> None:
    understood = engine.search("白色运动鞋").understood
    assert {(one.node, one.surface) for one in understood.intent.entities} == {
        ("colour:white", "白色"),
        ("category:shoes > sport shoes", "运动鞋"),
    }
    assert understood.line == "Sport shoes; white"


@pytest.mark.parametrize("query", ["白色运动鞋", "white sneakers", "白色 sneakers"])
def test_the_white_air_max_is_first_for_who_likes_nike(engine: Engine, fan: str, query: str) -> None:
    found = engine.search(query, user=fan, explain=True)
    assert found[0].title == HERO
    assert found[0].contributions["taste"] > 0
    assert any(told.startswith("Nike: ") and told.endswith("of your history") for told in found.reasons[0].told)
    nobody = next(one for one in engine.search(query) if one.title == HERO)
    assert found[0].score > nobody.score


def test_the_command_line_tells_the_same(small_artefact: Path, fan: str) -> None:
    told = json.loads(weft("search", small_artefact, "白色运动鞋", "--user", fan, "--explain", "--json").stdout)
    assert told["understood"]["text"] == "Sport shoes; white"
    assert told["items"][0]["title"] == HERO
    assert {"column": "title", "start": 17, "end": 22, "by": "translation", "of": "白色", "text": "white"} in (
        told["items"][0]["why"]["matches"]
    )
    plain = weft("search", small_artefact, "白色运动鞋", "--user", fan, "--explain").stdout
    assert "understood: Sport shoes; white" in plain
    assert "Nike Air Max 270 *white* *sneakers*" in plain
    assert "- colour white: named in the query (白色)" in plain


def test_chinese_finds_what_is_written_in_english_only(engine: Engine) -> None:
    brands, colours = {brand.en: brand.zh for brand in ALL_BRANDS}, {word.en: word.zh for word in WORDS["colour"]}
    items = engine.catalogue.items.explode("colour").drop_nulls(["brand", "colour"])
    english = items.filter(~pl.col("text").str.contains(r"[\u4e00-\u9fff]"))
    assert english.height >= 5
    for item in english.iter_rows(named=True):
        found = {one.item_id: one for one in engine.search(f"{brands[item['brand']]} {colours[item['colour']]}", n=5)}
        assert found[item["item_id"]].contributions["graph"] > 0


def test_english_finds_what_is_written_in_chinese_only(engine: Engine) -> None:
    items = engine.catalogue.items.explode("colour").drop_nulls(["brand", "colour"])
    said = [
        row for row in items.iter_rows(named=True)
        if row["brand"].lower() not in row["text"].lower() and row["colour"] not in row["text"].lower()
    ]  # fmt: skip
    assert len(said) >= 3
    for item in said:
        found = {one.item_id: one for one in engine.search(f"{item['colour']} {item['brand']}", n=5, explain=True)}
        assert found[item["item_id"]].contributions["named"] > 0
