"""What a query names, on seven films, few enough to know every answer; and how the weights follow from it."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from engine.search.hybrid import DESCRIBED, NAMED, weighed
from engine.search.intent import Vocabulary
from engine.search.intent.text import LONGEST
from engine.search.named import Named
from graph.build import build
from graph.facts import facts

FILMS = [
    ("a", "Amber Door", ["Comedy"], ["France"], ["Français"], 1994),
    ("b", "Blue Gate", ["Comedy"], ["France"], ["Français"], 1984),
    ("c", "Cold Lamp", ["Comedy"], ["Italy"], ["Français"], 1994),
    ("d", "Dark Well", ["Horror"], ["France"], ["Français"], 1994),
    ("e", "Even Tide", ["Horror"], ["Italy"], ["Italiano"], 1962),
    ("f", "Fair Wind", ["Drama"], ["Italy"], ["Italiano"], None),
    ("g", "Old Comedy\n没有法国的喜剧", ["Drama"], ["Italy"], ["Italiano"], None),
]


@pytest.fixture(scope="module")
def named() -> Named:
    columns = ("item_id", "title", "genre", "country", "language", "release_year")
    items = pl.DataFrame(FILMS, schema=columns, orient="row").with_columns(text=pl.col("title"))
    graph = build(items, attributes=["genre", "country", "language"])
    return Named(items, facts(graph, items["item_id"].to_list()), Vocabulary.learn(graph, items))


def found(named: Named, query: str) -> list[str]:
    """Ids of the items that a query names whole."""
    scores = named.read(query).scores
    return [FILMS[row][0] for row in np.flatnonzero(scores > 0.999)]


@pytest.mark.parametrize(
    ("query", "right"),
    [
        ("french comedies of the nineties", ["a"]),
        ("九十年代的法国喜剧片", ["a"]),
        ("comedy from france", ["a", "b"]),
        ("法国的", ["a", "b", "d"]),
        ("films from 1994", ["a", "c", "d"]),
        ("horror before 1970", ["e"]),
        ("意大利语恐怖片", ["e"]),
        ("amber door", ["a"]),
    ],
)
def test_what_has_all_that_is_named_has_1(named: Named, query: str, right: list[str]) -> None:
    assert found(named, query) == right


def test_more_of_what_is_named_is_better_and_rare_facts_weigh_more(named: Named) -> None:
    of = dict(zip("abcdefg", named.read("french comedies of the nineties").scores, strict=True))
    assert of["a"] == pytest.approx(1)
    assert of["a"] > max(of["b"], of["c"], of["d"]) > min(of["b"], of["c"], of["d"]) > of["e"]
    drama = dict(zip("abcdefg", named.read("drama or comedy").scores, strict=True))
    assert drama["f"] > drama["a"] > 0


@pytest.mark.parametrize("query", ["old comedy", "没有法国的喜剧"])
def test_a_whole_title_names_its_item_whatever_its_words_mean(named: Named, query: str) -> None:
    assert named.read(query).scores[6] == 1


def test_what_is_refused_has_nothing(named: Named) -> None:
    of = dict(zip("abcdefg", named.read("french films, no horror").scores, strict=True))
    assert of["d"] == 0 and of["a"] == of["b"] > 0


def test_a_namesake_counts_in_part(named: Named) -> None:
    """Italian is first of Italy; the film in Italian, not Italian otherwise, is not left with nothing."""
    of = dict(zip("abcdefg", named.read("french film").scores, strict=True))
    assert of["a"] == pytest.approx(1) and 0 < of["c"] < 0.5 and of["e"] == 0


def test_an_item_that_others_shall_be_like_is_not_the_answer(named: Named) -> None:
    assert named.read("films like Amber Door").scores[0] == 0


@pytest.mark.parametrize(
    ("query", "low", "high"),
    [
        ("french comedies of the nineties", 1, 1),
        ("九十年代的法国喜剧片", 1, 1),
        ("a sad clown loses his dog in a french village by the sea", 0.05, 0.3),
        ("小丑在海边丢了他的狗", 0, 0),
        ("wizard school", 0, 0),
        ("french " * 100, 0, 0),
    ],
)
def test_the_share_that_is_named(named: Named, query: str, low: float, high: float) -> None:
    assert low <= named.read(query).share <= high


def test_a_query_too_long_to_be_read_names_nothing(named: Named) -> None:
    reading = named.read("comedy " * LONGEST)
    assert reading.share == 0 and not reading.scores.any()


def test_weights_add_up_and_go_from_one_set_to_the_other() -> None:
    assert weighed(0) == pytest.approx(DESCRIBED) and weighed(1) == pytest.approx(NAMED)
    steps = [weighed(share) for share in np.linspace(0, 1, 11)]
    assert [sum(step.values()) for step in steps] == pytest.approx([1.0] * 11)
    assert all(a["named"] < b["named"] and a["meaning"] > b["meaning"] for a, b in pairwise(steps))
