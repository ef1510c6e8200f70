"""Did you mean: on a small generated shop, and on a few words."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Engine
from engine.search.lexical import terms
from engine.search.spelling import LONGEST, Speller

WORDS = {"white": 9, "sneakers": 4, "sneaker": 2, "leather": 3, "air": 5, "max": 5, "cat": 1, "运动": 3, "动鞋": 2}
SPELLER = Speller(WORDS, lambda: ["运动鞋", "耐克", "双肩包"])


@pytest.fixture(scope="module")
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("White Sneekers", "white sneakers"),
        ("lether", "leather"),
        ("laether", "leather"),
        ("airmax", "air max"),
        ("snea kers", "sneakers"),
        ("naike", "耐克"),
        ("耐刻", "耐克"),
        ("运动邪", "运动鞋"),
        ("双间包 white", "双肩包 white"),
        ("sneakrs", "sneakers"),
        ("white, lether!", "white, leather!"),
    ],
)
def test_the_nearest_known_words(query: str, meant: str) -> None:
    found = SPELLER.correct(query)
    assert found is not None
    assert found.query == meant


@pytest.mark.parametrize(
    "query",
    ["white sneakers", "运动鞋", "xyzzyqq", "ca", "cqt", "12345", "😀", "", "?!", "\ud800", "with", "sneekers" * 100],
)
def test_nothing_is_changed_without_need(query: str) -> None:
    assert SPELLER.correct(query) is None


def test_what_was_changed_is_told() -> None:
    found = SPELLER.correct("naike sneekers white")
    assert found is not None
    assert found.changes == (("naike", "耐克"), ("sneekers", "sneakers"))


def test_the_shop_is_understood_and_search_is_as_before(engine: Engine) -> None:
    asked = "white sneekers"
    before = engine.search(asked)
    meant = engine.did_you_mean(asked)
    assert meant is not None
    assert meant.query == "white sneakers"
    assert engine.search(asked) == before
    assert engine.search(meant.query)[0].title == "Nike Air Max 270 white sneakers"
    for title in engine.catalogue.items["title"]:
        assert engine.did_you_mean(title) is None


@given(st.text(max_size=60))
def test_a_correction_knows_more_words_than_the_query(query: str) -> None:
    found = SPELLER.correct(query)
    if found is not None:
        assert found.changes
        assert all(written != meant for written, meant in found.changes)
        latin = [term for _, meant in found.changes for term in terms(meant) if term.isascii()]
        assert all(term in WORDS for term in latin)


@given(st.text("abcdefghilmnorstuwxk 白色运动邪鞋耐刻", max_size=LONGEST))
def test_long_queries_are_read_to_the_end(query: str) -> None:
    found = SPELLER.correct(query)
    assert found is None or found.changes
