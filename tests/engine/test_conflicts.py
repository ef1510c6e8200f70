"""Rules that conflict or do nothing, and what a dry run tells."""

from dataclasses import replace
from datetime import UTC, datetime
from math import inf

import pytest

from engine import Engine
from engine.rules import conflicts
from engine.rules.book import bind
from engine.trial import try_rules
from graph.rules import Rules
from tests.engine.eight import at_most, boost, bury, exclude, pin, require, rules, sponsored


@pytest.fixture
def engine(eight: Engine) -> Engine:
    return replace(eight)


YOUNG, OLD = {"age_group": "18-24"}, {"age_group": "50+"}
NIKE = {"node": "brand:nike"}
SHOES = {"items": {"category": "Shoes"}}


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (boost(**NIKE, weight=1), exclude(**NIKE), "r0 r1: the first is for items that the second hides"),
        (boost(**NIKE, weight=1), bury(**NIKE, weight=1), "one boosts and the other buries"),
        (require(**NIKE), exclude(**NIKE), "nothing would be left"),
        (exclude(**NIKE), exclude(**NIKE), "r1 r0: both are on the same items: the first does nothing"),
        (exclude(**NIKE, users=YOUNG), exclude(**NIKE), "r0 r1: both"),
        (boost(**NIKE, weight=1), boost(**NIKE, weight=2), "they add up"),
        (require(items={"price": [1, 5]}), require(items={"price": [6, 9]}), "both values of price"),
        (at_most(relation="MADE_BY"), at_most(relation="MADE_BY", top=9), "r0 r1: the first does nothing"),
        (at_most(relation="MADE_BY", n=5), None, "no effect"),
    ],
)
def test_conflicts_in_words(one: dict, other: dict | None, words: str) -> None:
    found = conflicts.in_words(rules(*[rule for rule in (one, other) if rule]))
    assert len(found) == 1
    assert words in f"{' '.join(found[0].rules)}: {found[0].words}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (boost(**NIKE, weight=1), exclude(**SHOES)),
        (boost(**NIKE, weight=1, users=YOUNG), exclude(**NIKE, users=OLD)),
        (boost(**NIKE, weight=1, until="2026-01-01"), exclude(**NIKE, **{"from": "2026-01-02"})),
        (boost(**NIKE, weight=1), exclude(**NIKE, enabled=False)),
        (require(items={"price": [1, 6]}), require(items={"price": [6, 9]})),
        (require(items={"brand": "A"}), require(items={"brand": "B"})),
        (at_most(relation="MADE_BY", n=2), at_most(relation="MADE_BY", n=1, top=3)),
    ],
)
def test_no_conflicts_in_words(one: dict, other: dict) -> None:
    assert conflicts.in_words(rules(one, other)) == []


@pytest.mark.parametrize(
    ("some", "told"),
    [
        ([boost(**NIKE, weight=1), exclude(**SHOES)], "r0 r1: the first boosts 2 items that the second hides, of 4"),
        (
            [boost(items={"category": "Shoes > Sport"}, weight=1), exclude(**SHOES)],
            "r0 r1: the first does nothing beside the second: all its items",
        ),
        ([exclude(items={"category": "Shoes > Sport"}), exclude(**SHOES)], "r0 r1: the first does nothing beside"),
        ([exclude(**SHOES), require(items={"category": "Bags"})], "r0 r1: the first does nothing beside"),
        ([boost(**NIKE, weight=1), bury(**SHOES, weight=1)], "r0 r1: one boosts and the other buries 2 items"),
        (
            [boost(walk=["<ACCESSORY_OF"], weight=1), exclude(items={"category": "Socks"})],
            "r0 r1: the first does nothing beside",
        ),
        ([require(node="brand:nike"), require(node="brand:adidas")], "r0 r1: they leave nothing to show to 3 of 3"),
        (
            [require(node="brand:nike"), require(items={"category": "Shoes > Leather"}, users=YOUNG)],
            "r0 r1: they leave nothing to show to 1 of 3",
        ),
        ([exclude(items={"stock": [0, 9]})], "r0: they leave nothing to show to 3 of 3"),
        ([exclude(node="brand:nik")], "r0: the graph has no node 'brand:nik'; the nearest is 'brand:nike'"),
        ([exclude(**NIKE, users={"age_group": "99"})], "r0: no user is in its segment, age_group = '99'"),
        ([exclude(items={"price": 1})], "r0: no item is meant by it"),
        ([boost(walk=[">MADE_BY"], weight=1)], "r0: no item is meant by it: its walk never reaches one"),
        ([at_most(relation="HAS_COLLECTION", n=3, top=9)], "r0: no more than 3 items share anything"),
    ],
)
def test_conflicts_in_items(eight: Engine, some: list[dict], told: str) -> None:
    found = conflicts.in_items(bind(rules(*some), eight.catalogue, eight.graph))
    assert [told in f"{' '.join(one.rules)}: {one.words}" for one in found] == [True], found


def test_rules_that_get_on_are_not_accused(eight: Engine) -> None:
    some = rules(
        boost(walk=["<ACCESSORY_OF"], weight=1),
        at_most(relation="HAS_COLLECTION"),
        exclude(**SHOES, users=YOUNG),
        require(items={"stock": [1, inf]}),
        exclude(**NIKE, enabled=False),
        bury(walk=[">MADE_BY", "<MADE_BY"], weight=1),
    )
    assert conflicts.in_items(bind(some, eight.catalogue, eight.graph)) == []


def test_a_trial_tells_what_would_change_and_changes_nothing(engine: Engine) -> None:
    some = rules(
        exclude(**SHOES, users=YOUNG, enabled=False),
        require(items={"stock": [1, inf]}),
        at_most(relation="HAS_COLLECTION", **{"from": "2030-01-01"}),
    )
    trial = try_rules(engine, some, ["young", "old"], 4)
    assert engine.rules == Rules()
    first, second, third = trial.each
    assert (first.lists, first.added, first.removed, first.short) == (1, 3, 3, 0)  # abcd, then defg
    assert (first.moved, first.mean_places) == (1, 3)
    assert (second.lists, second.added, second.removed) == (2, 2, 2)  # bcde
    assert (third.lists, third.added, third.removed) == (2, 4, 4)  # acef
    assert (trial.all.lists, trial.all.added) == (2, 2)  # only the second is in force
    assert [(one.user, "".join(one.before), "".join(one.after)) for one in trial.examples] == [
        ("young", "abcd", "bcde"),
        ("old", "abcd", "bcde"),
    ]
    later = try_rules(engine, some, ["young"], 5, datetime(2030, 1, 1, tzinfo=UTC))
    assert (later.all.short, "".join(later.examples[0].after)) == (1, "bceg"[:4])


def test_a_trial_draws_its_users_from_the_seed(engine: Engine) -> None:
    some = rules(exclude(**NIKE))
    trial = engine.try_rules(some, n=3)
    assert trial == replace(engine.try_rules(some, n=3), moment=trial.moment)
    assert trial.users == engine.catalogue.interactions["user_id"].n_unique()
    assert len(trial.examples) == 3


def test_two_rules_for_one_place_are_told(engine: Engine) -> None:
    day = {"from": "2026-11-27T20:00+08:00", "until": "2026-11-27T22:00+08:00"}
    later = {"from": "2026-11-27T14:00Z"}
    one, same, other = pin(**NIKE, places=[1, 3]), sponsored(**SHOES, places=[3]), pin(**SHOES, places=[2])
    (found,) = conflicts.in_items(bind(rules(one, same, other), engine.catalogue, engine.graph))
    assert (found.rules, found.words[:17]) == (("r1", "r0"), "both want place 3")
    assert conflicts.in_words(rules(one | day, same | later)) == []  # the one ends when the other begins
    assert len(conflicts.in_words(rules(one | day, same | {"from": "2026-11-27T13:59Z"}))) == 1
    hidden = conflicts.in_items(bind(rules(pin(**SHOES, places=1), exclude(**SHOES)), engine.catalogue, engine.graph))
    assert [(one.rules, "hides" in one.words) for one in hidden] == [(("r0", "r1"), True)]
