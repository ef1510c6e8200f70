"""Rules in lists: every kind by eye on eight items in order of popularity, and laws that hold for any rules."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from math import inf
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Engine, artifact
from engine.config import Exploration
from engine.errors import DataError
from engine.rules import book as ruling
from engine.rules import whom
from tests.engine.eight import (
    age_limit,
    at_most,
    boost,
    bury,
    exclude,
    pin,
    require,
    rules,
    sensitive,
    shown,
    sponsored,
)


@pytest.fixture
def engine(eight: Engine) -> Engine:
    return replace(eight)


def test_without_rules_the_order_is_that_of_popularity(engine: Engine) -> None:
    assert shown(engine) == "abcdefgh"
    assert shown(engine, "owner") == "adefgh"


@pytest.mark.parametrize(
    ("rule", "young", "old"),
    [
        (exclude(items={"category": "Shoes"}), "defgh", "defgh"),
        (exclude(items={"category": "Shoes"}, users={"age_group": "18-24"}), "defgh", "abcdefgh"),
        (exclude(items={"category": "Shoes"}, users={"age_group": ["18-24", "50+"]}), "defgh", "defgh"),
        (exclude(node="category:shoes > sport"), "cdefgh", "cdefgh"),
        (exclude(node="category:shoes"), "defgh", "defgh"),
        (exclude(node="brand:nike"), "cegh", "cegh"),
        (exclude(node="brand:nike", items={"category": "Socks"}), "abcdegh", "abcdegh"),
        (exclude(node="brand:puma"), "abcdefgh", "abcdefgh"),
        (require(items={"stock": [1, inf]}), "bcdegh", "bcdegh"),
        (require(items={"price": [-inf, 200]}), "abef", "abef"),
        (require(node="brand:adidas"), "ce", "ce"),
        (require(items={"price": 0}), "", ""),
        (bury(node="brand:nike", weight=50), "ceghabdf", "ceghabdf"),
        (boost(items={"collection": "Sun"}, weight=50), "fgabcdeh", "fgabcdeh"),
        (at_most(relation="HAS_COLLECTION"), "acefgbdh"[:4], "acefgbdh"[:4]),
        (at_most(relation="HAS_COLLECTION", top=4), "acefbdgh", "acefbdgh"),
        (at_most(relation="HAS_COLLECTION", top=3), "acebdfgh", "acebdfgh"),
        (at_most(relation="HAS_COLLECTION", n=2, top=8), "abcefgh", "abcefgh"),
        (at_most(relation="MADE_BY", n=1, top=3, users={"age_group": "50+"}), "abcdefgh", "acgbdefh"),
        (exclude(items={"stock": [-inf, 0]}), "bcdegh", "bcdegh"),  # sold out
        (exclude(items={"category": "Shoes"}, unless={"age_group": "50+"}), "defgh", "abcdefgh"),
        (exclude(items={"item_id": ["a", "c"]}, users={"user_id": ["young", "x"]}), "bdefgh", "abcdefgh"),
        (exclude(items={"item_id": "a"}, unless={"user_id": "old"}), "bcdefgh", "abcdefgh"),
        (exclude(items={"item_id": "a"}, users={"user_id": "old", "age_group": "18-24"}), "abcdefgh", "abcdefgh"),
        (pin(items={"item_id": "g"}, places=1), "gabcdefh", "gabcdefh"),
        (pin(items={"item_id": "a"}, places=8), "bcdefgha", "bcdefgha"),
        (pin(items={"item_id": "a"}, places=9), "abcdefgh", "abcdefgh"),
        (pin(items={"category": "Bags"}, places=[2, 4]), "adbgcefh", "adbgcefh"),
        (pin(items={"category": "Bags"}, places=[1, 2, 3], users={"age_group": "50+"}), "abcdefgh", "dgabcefh"),
        (sponsored(items={"brand": "adidas"}, places=[1, 3]), "caebdfgh", "caebdfgh"),
        (age_limit(items={"item_id": "a"}, min_age=18, age="age_group"), "abcdefgh", "abcdefgh"),
        (age_limit(items={"item_id": "a"}, min_age=21, age="age_group"), "bcdefgh", "abcdefgh"),
        (age_limit(items={"item_id": "a"}, min_age=60, age="age_group"), "bcdefgh", "bcdefgh"),
        (
            age_limit(items={"item_id": "a"}, min_age=60, age="age_group", unless={"user_id": "old"}),
            "bcdefgh",
            "abcdefgh",
        ),
        (sensitive(items={"category": "Socks"}, topic="feet"), "abcdgh", "abcdgh"),
        (exclude(node="brand:nike", enabled=False), "abcdefgh", "abcdefgh"),
        (exclude(node="brand:nike", until="2000-01-01"), "abcdefgh", "abcdefgh"),
        (exclude(node="brand:nike", **{"from": "2000-01-01"}), "cegh", "cegh"),
    ],
)
def test_every_kind(engine: Engine, rule: dict, young: str, old: str) -> None:
    engine.use_rules(rules(rule))
    assert (shown(engine), shown(engine, "old")) == (young, old)
    assert [["".join(one.item_id for one in each)] for each in engine.recommend_batch(["old", "young"], 8)] == [
        [old],
        [young],
    ]
    assert shown(engine, rules=False) == "abcdefgh"


@pytest.mark.parametrize(
    ("walk", "least", "owner"),
    [
        (["<ACCESSORY_OF"], None, "efadgh"),
        (["<ACCESSORY_OF"], 3, "eadfgh"),  # c was looked at only
        ([">BELONGS_TO", "<GOES_WITH", "<BELONGS_TO"], None, "dgaefh"),
        ([">MADE_BY", "<MADE_BY"], 3, "adfegh"),
    ],
)
def test_a_walk_starts_from_the_history(engine: Engine, walk: list[str], least: float | None, owner: str) -> None:
    rule = boost(walk=walk, weight=50) | ({"min_value": least} if least else {})
    engine.use_rules(rules(rule))
    assert shown(engine, "owner") == owner
    assert shown(engine, "young") == "abcdefgh"  # no history, so nothing is reached


def test_nobody_in_the_table_is_in_no_segment(engine: Engine) -> None:
    engine.use_rules(rules(exclude(node="brand:nike", users={"age_group": "18-24"})))
    assert shown(engine, "stranger") == "abcdefgh"
    assert "".join(one.item_id for one in engine.recommend(history=[], n=8)) == "abcdefgh"


def test_who_is_not_in_the_table_can_be_meant_by_id_and_is_of_no_known_age(engine: Engine) -> None:
    engine.use_rules(rules(exclude(items={"item_id": "a"}, users={"user_id": ["stranger"]})))
    assert (shown(engine, "stranger"), shown(engine)) == ("bcdefgh", "abcdefgh")
    engine.use_rules(rules(age_limit(items={"item_id": "a"}, min_age=1, age="age_group")))
    assert (shown(engine, "stranger"), shown(engine)) == ("bcdefgh", "abcdefgh")
    assert "a" not in [one.item_id for one in engine.recommend(history=[], n=8)]
    assert engine.similar("b", n=8)[0][0] != "a" and len(engine.similar("b", n=8)) == 6


@pytest.mark.parametrize(
    ("ages", "least"),
    [(["18-24"], 18), (["50+"], 50), (["34"], 34), (["under 18"], 0), (["<18"], 0), ([], 0), (["30", "?"], 0),
     (["30", "17-20"], 17), ([" 21 and older"], 21), (["1990"], 0), (None, 0)],
)  # fmt: skip
def test_an_age_is_what_is_certain(ages: list[str] | None, least: int) -> None:
    assert whom._least(ages or []) == least


def test_what_is_sensitive_is_there_for_who_asks(engine: Engine) -> None:
    engine.use_rules(rules(sensitive(items={"category": "Socks"}, topic="feet")))
    assert shown(engine, sensitive=["feet"]) == "abcdefgh"
    assert shown(engine, sensitive=["other"]) == "abcdgh"
    assert [one.item_id for one in engine.recommend_batch(["old"], 8, sensitive=["feet"])[0]] == list("abcdefgh")
    assert {one.item_id for one in engine.search("Socks adidas")} & set("ef") == set()
    assert "e" in {one.item_id for one in engine.search("Socks adidas", sensitive=["feet"])}
    counted = {facet.column: facet for facet in engine.facets()}["category"]
    assert "Socks" not in [value.value for value in counted.values]


def test_sponsored_items_are_marked_and_the_others_are_not(engine: Engine) -> None:
    engine.use_rules(rules(sponsored(items={"brand": "adidas"}, places=[2, 4]), pin(items={"item_id": "h"}, places=1)))
    found = engine.recommend("young", n=8)
    assert "".join(one.item_id for one in found) == "hcaebdfg"
    assert [one.item_id for one in found if one.sponsored] == ["c", "e"]
    assert [one.contributions.get("rule: r0") for one in found] == [None, 0, None, 0, None, None, None, None]
    assert found[0].contributions["rule: r1"] == 0
    for one in found:
        assert sum(one.contributions.values()) == pytest.approx(one.score, abs=1e-5)
    assert engine.explain("young", "c").rules == ["sponsored at place 2 by 'r0'"]
    assert engine.explain("young", "h").rules == ["pinned at place 1 by 'r1'"]
    assert not any(one.sponsored for one in engine.search("adidas"))
    # Only what else there is stands before it, and it is marked where the list is too short for its place.
    short = engine.recommend("young", n=8, where={"item_id": ["a", "e"]})
    assert [(one.item_id, one.sponsored) for one in short] == [("a", False), ("e", True)]


def test_places_are_kept_in_lists_that_are_diverse_or_drawn(shop: Engine) -> None:
    kept = [sponsored(items={"gender": ["women"]}, places=[2, 5]), at_most(relation="MADE_BY", n=1, top=6)]
    for user in ("u0001", "u0002", "u0003"):
        shop.use_rules(rules(*kept[:1]))
        (first, second), plain = shop.recommend(user, n=2, where={"gender": ["women"]}), shop.recommend(user, n=8)
        for asked in ({"diversity": 8.0}, {"explore": 2}, {"diversity": 4.0, "explore": 3}):
            found = shop.recommend(user, n=8, **asked)
            assert len({one.item_id for one in found}) == 8
            assert [at for at, one in enumerate(found, 1) if one.sponsored] == [2, 5]
            assert {found[1].item_id, found[4].item_id} == {first.item_id, second.item_id}
            for one in found:
                assert sum(one.contributions.values()) == pytest.approx(one.score, abs=1e-4)
                assert ("diversity" in one.contributions) == ("diversity" in asked and not one.sponsored)
                assert (one.propensity is not None) == ("explore" in asked)
                assert not one.sponsored or one.propensity in (None, 1)
        free = Exploration(places=0)
        assert [one.item_id for one in shop.recommend(user, n=8, explore=free)] == [one.item_id for one in plain]
        shop.use_rules(rules(*kept))
        found = shop.recommend(user, n=8, diversity=4.0)
        brands = [shop.catalogue.items.filter(item_id=one.item_id)["brand"][0] for one in found[:6]]
        named = [brand for brand in brands if brand is not None]
        assert len(named) == len(set(named))
        batch = shop.recommend_batch(["u0001", "u0002", user], 8, diversity=4.0)
        assert [one.item_id for one in batch[2]] == [one.item_id for one in found]


def test_what_a_user_hid_is_pinned_nowhere(engine: Engine) -> None:
    engine.use_rules(rules(pin(items={"item_id": "h"}, places=1)))
    engine.add_feedback([("young", "h", "hide")])
    assert (shown(engine), shown(engine, "old")) == ("abcdefg", "habcdefg")


def test_a_place_is_kept_for_what_may_stand_there(engine: Engine) -> None:
    mine = pin(items={"item_id": "b"}, places=2)
    engine.use_rules(rules(mine, exclude(items={"item_id": "b"})))
    assert shown(engine) == "acdefgh"
    engine.use_rules(rules(mine))
    assert shown(engine, "owner") == "adefgh"  # who has it needs it no more
    engine.use_rules(rules(mine, at_most(relation="HAS_COLLECTION", top=3)))
    assert shown(engine) == "acebdfgh"
    engine.use_rules(rules(mine, pin(items={"item_id": "h"}, places=2)))
    assert shown(engine) == "abcdefgh"  # the first rule has it


def test_rules_of_a_time_end_with_it(engine: Engine) -> None:
    day = {"from": "2026-11-27T20:00", "until": "2026-11-27T22:00", "zone": "Asia/Shanghai"}
    engine.use_rules(rules(exclude(items={"item_id": "a"}, **day)))
    past = engine.state.lookup.histories(["young"])
    for hour, there in ((11, False), (12, True), (13, True), (14, False)):
        force = engine.book.in_force(["young"], past, datetime(2026, 11, 27, hour, tzinfo=UTC))
        assert (force is not None) == there


def test_a_boost_is_a_contribution_in_deviations_of_the_scores(engine: Engine) -> None:
    engine.use_rules(rules(boost(node="brand:nike", weight=0.5, name="Nike first")))
    plain = {one.item_id: one.score for one in engine.recommend("young", n=8, rules=False)}
    spread = np.std([plain[item] for item in "abcdefg"])  # h has no history
    for one in engine.recommend("young", n=8):
        added = one.contributions.get("rule: Nike first", 0)
        assert added == pytest.approx(0.5 * spread if one.item_id in "abdf" else 0, rel=1e-4)
        assert one.score == pytest.approx(plain[one.item_id] + added, abs=1e-5)
    assert engine.explain("owner", "a").contributions["rule: Nike first"] > 0


def test_what_a_rule_moved_is_told_and_adds_nothing(engine: Engine) -> None:
    engine.use_rules(rules(at_most(relation="HAS_COLLECTION", top=3, name="mixed")))
    found = {one.item_id: one.contributions for one in engine.recommend("young", n=8)}
    assert [item for item, parts in found.items() if "rule: mixed" in parts] == ["b", "d"]
    assert found["b"]["rule: mixed"] == 0


def test_an_explanation_names_the_rules(engine: Engine) -> None:
    engine.use_rules(
        rules(
            exclude(name="no bags", items={"category": "Bags"}),
            require(name="stocked", items={"stock": [1, 1e9]}),
            bury(name="less Sun", items={"collection": "Sun"}, weight=1),
            at_most(name="one brand", relation="MADE_BY", top=3),
        )
    )
    told = {item: engine.explain("young", item).rules for item in "abdefh"}
    assert told == {
        "a": ["hidden by 'stocked'"],
        "b": [],
        "d": ["hidden by 'no bags'"],
        "e": ["moved down by 'one brand'"],
        "f": ["hidden by 'stocked'", "buried by 'less Sun'"],
        "h": [],
    }
    why = engine.explain("young", "f")
    assert sum(why.contributions.values()) == pytest.approx(why.score, abs=1e-5)


def test_search_keeps_filters_and_leaves_the_order(engine: Engine) -> None:
    engine.use_rules(
        rules(
            exclude(items={"stock": 0}),
            boost(items={"price": 300}, weight=100),
            at_most(relation="MADE_BY", top=2),
        )
    )
    found = [one.item_id for one in engine.search("nike", n=8)]
    assert sorted(found) == ["b", "d"]
    assert sorted(one.item_id for one in engine.search("nike", n=8, rules=False)) == ["a", "b", "d", "f"]


def test_rules_live_in_the_artefact(engine: Engine, tmp_path: Path) -> None:
    engine.use_rules(rules(require(items={"price": [-inf, 200]}, until=date.max)))
    engine.save(tmp_path / "artefact")
    loaded = Engine.load(tmp_path / "artefact")
    assert loaded.rules == engine.rules
    assert shown(loaded) == "abef"
    artifact.amend(tmp_path / "artefact", {"rules": {}})
    assert shown(Engine.load(tmp_path / "artefact")) == "abcdefgh"


def test_new_items_come_under_the_rules(engine: Engine) -> None:
    engine.use_rules(rules(exclude(node="brand:nike")))
    engine.add_items([{"item_id": "new", "brand": "NIKE"}, {"item_id": "other", "brand": "Puma"}])
    found = {one.item_id for one in engine.recommend("young", n=10)}
    assert "other" in found
    assert "new" not in found


def test_events_do_not_make_the_rules_anew(engine: Engine) -> None:
    engine.use_rules(rules(boost(walk=["<ACCESSORY_OF"], weight=50)))
    book = engine.book
    engine.add_events([{"user_id": "young", "item_id": "b"}])
    assert engine.book is book
    assert shown(engine)[0] == "e"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (boost(walk=["<ACCESORY_OF"], weight=1), "no relation ACCESORY_OF; the nearest is ACCESSORY_OF"),
        (at_most(relation="COLLECTION"), "the nearest is HAS_COLLECTION"),
        (exclude(items={"colour": "red"}), "items have no column 'colour'"),
        (exclude(items={"price": "cheap"}), "holds numbers"),
        (exclude(node="x", users={"sex": "f"}), "users have no column 'sex'"),
    ],
)
def test_what_does_not_fit_the_catalogue_is_refused_and_the_old_rules_stay(
    engine: Engine, rule: dict, words: str
) -> None:
    before = engine.rules
    with pytest.raises(DataError, match="rule 'bad one': ") as caught:
        engine.use_rules(rules(rule | {"name": "bad one"}))
    assert words in str(caught.value)
    assert engine.rules is before


# Laws

SOME = st.sampled_from(
    [
        exclude(items={"category": "Shoes"}, users={"age_group": "18-24"}),
        exclude(node="colour:black"),
        exclude(walk=[">BELONGS_TO", "<BELONGS_TO"], min_value=3),
        require(items={"price": [-inf, 400]}),
        boost(walk=["<ACCESSORY_OF"], weight=1.5),
        boost(items={"gender": ["women", "men"]}, weight=0.3),
        bury(walk=[">MADE_BY", "<MADE_BY"], weight=0.7, users={"sex": "female"}),
        at_most(relation="HAS_COLLECTION", n=1, top=5),
        at_most(relation="MADE_BY", n=1, top=8),
        at_most(relation="BELONGS_TO", n=2, top=6, users={"sex": "male"}),
    ]
)


@pytest.fixture(scope="module")
def shop(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


@settings(max_examples=40, deadline=None)
@given(st.lists(SOME, unique_by=str, max_size=5), st.integers(1, 80), st.integers(1, 30))
def test_laws_of_lists(shop: Engine, some: list[dict], number: int, n: int) -> None:
    user = f"u{number:04d}"
    shop.use_rules(rules(*some))
    found = shop.recommend(user, n=n)
    force = shop.book.in_force([user], shop.state.lookup.histories([user]))
    rows = shop.state.lookup.rows([one.item_id for one in found])
    assert len(set(rows)) == len(rows) <= n
    for one in found:
        assert sum(one.contributions.values()) == pytest.approx(one.score, abs=1e-4)
    if force is None:
        return
    assert not any(hidden[0, rows].any() for hidden in force.hidden().values())
    for rule in force._of(ruling.AtMost):
        if force.member[rule.name][0]:
            count = Counter(node for row in rows[: rule.top] for node in force.spacing(0).nodes(rule, row))
            assert max(count.values(), default=0) <= rule.n
    stayed = [one.score for one in found if 0.0 not in [v for k, v in one.contributions.items() if "rule: " in k]]
    assert stayed == sorted(stayed, reverse=True)
    assert [one.item_id for one in shop.recommend_batch(["u0001", user], n)[1]] == [one.item_id for one in found]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 80), st.integers(1, 30), st.sets(st.integers(1, 12), min_size=1, max_size=4), st.booleans())
def test_laws_of_places(shop: Engine, number: int, n: int, places: set[int], paid: bool) -> None:
    """What has no place is in the order that it had; in each place stands the best that is meant and not before it."""
    user, meant = f"u{number:04d}", {"gender": ["women"]}
    shop.use_rules(rules())
    everything = [one.item_id for one in shop.recommend(user, n=120)]
    mine = [one.item_id for one in shop.recommend(user, n=120, where=meant)]
    shop.use_rules(rules((sponsored if paid else pin)(items=meant, places=sorted(places))))
    found = shop.recommend(user, n=n)
    kept = [place for place in sorted(places) if place <= n][: len(mine)]
    put = [one for one in found if "rule: r0" in one.contributions]
    assert [one.item_id for one in put] == mine[: len(kept)]
    assert [place for place, one in enumerate(found, 1) if one in put] == kept
    assert all(one.sponsored == paid for one in put) and not any(one.sponsored for one in found if one not in put)
    others = [item for item in everything if item not in mine[: len(kept)]]
    assert [one.item_id for one in found if one not in put] == others[: n - len(kept)]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 80), st.integers(1, 40), st.integers(1, 3), st.integers(1, 10))
def test_what_an_order_moves_keeps_its_order(shop: Engine, number: int, n: int, most: int, top: int) -> None:
    """Against the slow reading of the rule: at each place the best item that may stand there."""
    user = f"u{number:04d}"
    shop.use_rules(rules(at_most(relation="MADE_BY", n=most, top=top)))
    left = [one.item_id for one in shop.recommend(user, n=120, rules=False)]
    brands = dict(shop.catalogue.items.select("item_id", "brand").rows())
    wanted: list[str] = []
    while left and len(wanted) < n:
        fits = [
            item
            for item in left
            if len(wanted) >= top
            or sum(brands[item] is not None and brands[one] == brands[item] for one in wanted) < most
        ]
        if not fits:
            break
        wanted.append(fits[0])
        left.remove(fits[0])
    assert [one.item_id for one in shop.recommend(user, n=n)] == wanted


def test_filters_are_as_if_the_items_were_not_there(shop: Engine) -> None:
    shop.use_rules(rules(exclude(items={"category": "Shoes"})))
    gone = shop.catalogue.items.filter(pl.col("category").str.starts_with("Shoes"))["item_id"].to_list()
    assert gone
    assert shop.recommend("u0001", n=10) == shop.recommend("u0001", n=10, exclude=gone, rules=False)


def test_a_rule_on_nothing_changes_nothing(shop: Engine) -> None:
    shop.use_rules(rules(boost(node="brand:unknown", weight=100)))
    assert shop.recommend("u0001", n=10) == shop.recommend("u0001", n=10, rules=False)


def test_rules_of_a_configuration_come_with_the_build(eight: Engine, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[[rule]]\nname = "a"\nkind = "exclude"\nnode = "brand:nike"')
    config = eight.config.model_copy(update={"rules": eight.config.rules.model_copy(update={"file": path})})
    engine = Engine.build(eight.catalogue, config)
    assert shown(engine) == "cegh"
    path.write_text('[[rule]]\nname = "a"\nkind = "at_most"\nrelation = "NONE"')
    with pytest.raises(DataError, match="rule 'a'"):
        Engine.build(eight.catalogue, config)
