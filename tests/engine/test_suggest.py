"""Autocomplete: on a small generated shop, and its sorted array against a search by hand."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from engine import Engine
from engine.errors import DataError
from engine.search import pinyin
from engine.search.completions import words
from engine.search.prefixes import Prefixes


@pytest.fixture(scope="module")
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


def events(engine: Engine, items: list[str]) -> int:
    return engine.catalogue.interactions.filter(pl.col("item_id").is_in(items)).height


@pytest.mark.parametrize(
    ("prefix", "text", "kind", "match"),
    [
        ("nik", "Nike", "brand", "start"),
        ("ＮＩＫ", "Nike", "brand", "start"),
        ("耐", "耐克", "brand", "start"),
        ("naik", "耐克", "brand", "sound"),
        ("nk", "耐克", "brand", "initials"),
        ("耐刻", "耐克", "brand", "sound"),
        ("bais", "白色", "colour", "sound"),
        ("sport sh", "Sport shoes", "category", "start"),
        ("yundong", "运动鞋", "category", "sound"),
        ("yun dong x", "运动鞋", "category", "sound"),
        ("air max 270", "Nike Air Max 270 white sneakers", "item", "word"),
        ("niek", "Nike", "brand", "typo"),
        ("leathr", "leather", "material", "typo"),
        ("yundogn", "运动鞋", "category", "typo"),
    ],
)
def test_what_is_typed_is_completed(engine: Engine, prefix: str, text: str, kind: str, match: str) -> None:
    found = {one.text: one for one in engine.suggest(prefix)}
    assert (found[text].kind, found[text].match) == (kind, match)


def test_items_and_interactions_are_those_behind_it(engine: Engine) -> None:
    nike = engine.suggest("nike")[0]
    behind = engine.catalogue.items.filter(pl.col("brand") == "Nike")["item_id"].to_list()
    assert (nike.id, nike.items, nike.interactions) == ("brand:nike", len(behind), events(engine, behind))
    shoes = next(one for one in engine.suggest("shoes") if one.text == "Shoes")
    below = engine.catalogue.items.filter(pl.col("category").str.starts_with("Shoes"))["item_id"].to_list()
    assert (shoes.items, shoes.interactions) == (len(below), events(engine, below))


def test_popular_first_among_those_that_match_alike(engine: Engine) -> None:
    for prefix in "abcmns":
        found = [one for one in engine.suggest(prefix, n=500) if one.match == "start" and one.text.lower() != prefix]
        weights = [one.interactions + one.items for one in found]
        assert len(weights) > 2
        assert weights == sorted(weights, reverse=True)


def test_errors_are_forgiven_from_four_letters_and_come_last(engine: Engine) -> None:
    assert engine.suggest("nqk") == []
    for prefix in ("nike", "naike", "sneak"):
        typos = [one.match == "typo" for one in engine.suggest(prefix, n=50)]
        assert typos == sorted(typos)


def test_a_thing_is_told_once(engine: Engine) -> None:
    for prefix in ("n", "白", "b", "nike", "s"):
        ids = [one.id for one in engine.suggest(prefix, n=100) if one.id is not None]
        assert len(ids) == len(set(ids))
        assert engine.suggest(prefix, n=3) == engine.suggest(prefix, n=100)[:3]


def test_new_events_and_items_are_known_at_once(small_artefact: Path) -> None:
    engine = Engine.load(small_artefact)
    before = engine.suggest("nike")[0]
    item = engine.catalogue.items.filter(pl.col("brand") == "Nike")["item_id"][0]
    completer = engine.state.helps.completer
    engine.add_events([{"user_id": "fan", "item_id": item}] * 3)
    assert engine.suggest("nike")[0].interactions == before.interactions + 3
    assert engine.state.helps.completer is completer  # nothing is made again for an event
    assert engine.suggest("zzyzx") == []
    engine.add_items([{"item_id": "new", "title": "Zzyzx lamp"}])
    assert [(one.id, one.interactions) for one in engine.suggest("zzyzx")] == [("item:new", 0)]


@pytest.mark.parametrize("prefix", ["", "  ", "😀", "?!", "x" * 10_000, "\x00", "\ud800", "\u202e"])
def test_odd_prefixes_complete_to_nothing(engine: Engine, prefix: str) -> None:
    assert engine.suggest(prefix) == []


def test_a_count_below_one_is_told(engine: Engine) -> None:
    with pytest.raises(DataError, match="n must be at least 1"):
        engine.suggest("a", n=0)


@given(prefix=st.text(max_size=80))
def test_any_text_has_an_answer(eight: Engine, prefix: str) -> None:
    found = eight.suggest(prefix, n=4)
    assert len(found) <= 4
    assert [one.score for one in found if one.match != "typo"] == sorted(
        (one.score for one in found if one.match != "typo"), reverse=True
    )


@given(
    keys=st.lists(st.from_regex(r"\A[abc][abc白]{0,5}\Z"), min_size=1, max_size=12),
    prefix=st.text("abc", min_size=2, max_size=5),
)
def test_what_is_one_error_away_is_found_and_nothing_else(keys: list[str], prefix: str) -> None:
    keys = sorted(keys)
    index = Prefixes(keys)
    low, high = index.span(prefix)
    assert keys[low:high] == [each for each in keys if each.startswith(prefix)]
    near = {each for each in keys if any(OSA.distance(prefix, each[:size]) <= 1 for size in range(1, len(each) + 1))}
    found = {each for low, high in index.near(prefix) for each in keys[low:high]}
    exact = set(keys[low:high])
    assert found - exact == near - exact


@given(text=st.text("abc 白色运动鞋1-", max_size=20))
def test_words_are_where_they_are_said_to_be(text: str) -> None:
    found = words(text)
    assert all(text[at : at + len(word)] == word for at, word in found)
    assert "".join(word for _, word in found) == "".join(filter(str.isalnum, text))


def test_pinyin() -> None:
    assert pinyin.sound("nike 白色运动鞋") == "nikebaiseyundongxie"
    assert pinyin.initials("白色运动鞋") == "bsydx"
    assert pinyin.sound("银行 行李箱 绿色") == "yinhangxinglixianglvse"
