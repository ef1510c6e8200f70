"""Rules in lists: every kind by eye on eight items in order of popularity, and laws that hold for any rules."""

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Engine, artifact, conflicts, rulefile
from engine import rules as ruling
from engine.catalogue import from_tables
from engine.config import Config
from engine.errors import ConfigError, DataError
from engine.rules import bind
from engine.trial import try_rules
from graph.rules import Rules

ITEMS = [
    # id, collection, brand, category, price, stock: the first is the most popular, the last was never chosen
    ("a", ["Air"], "Nike", "Shoes > Sport", 100, 0),
    ("b", ["Air"], "Nike", "Shoes > Sport", 200, 5),
    ("c", ["Star"], "adidas", "Shoes > Leather", 300, 5),
    ("d", ["Air", "Star"], "Nike", "Bags", 400, 5),
    ("e", [], "adidas", "Socks", 10, 5),
    ("f", ["Sun"], "Nike", "Socks", 20, 0),
    ("g", ["Sun"], None, "Bags", 600, 5),
    ("h", ["Star"], None, None, None, 5),
]
COLUMNS = ["item_id", "collection", "brand", "category", "price", "stock"]


@pytest.fixture(scope="module")
def built() -> Engine:
    config = Config.model_validate(
        {
            "data": {
                "attributes": ["collection"], "brand": "brand", "category": "category", "numeric": ["price", "stock"],
                "user_attributes": ["age_group"],
            },
            "encoders": {"text": "", "image": ""},
            "graph": {"store": "none"},
            "fusion": {"gate": False, "rerank": False},
            "candidates": {
                name: {"enabled": False} for name in ("ease", "transitions", "later", "content", "gnn", "prior")
            },
        }
    )  # fmt: skip
    items = pl.DataFrame(ITEMS, schema=COLUMNS, orient="row")
    events = [
        {"user_id": f"fan{fan}", "item_id": row[0], "value": 3, "time": 10 * place + 1}
        for place, row in enumerate(ITEMS)
        for fan in range(7 - place)
    ]
    events += [
        {"user_id": "owner", "item_id": "b", "value": 3, "time": 1},
        {"user_id": "owner", "item_id": "c", "value": 1, "time": 2},
    ]
    triples = [
        ("e", "accessory of", "b"),
        ("f", "accessory of", "c"),
        ("category:bags", "goes with", "category:shoes > sport"),
    ]
    tables = from_tables(
        items, events, config,
        pl.DataFrame(triples, schema=["head", "relation", "tail"], orient="row"),
        [{"user_id": "young", "age_group": ["18-24"]}, {"user_id": "old", "age_group": ["50+"]}],
    )  # fmt: skip
    return Engine.build(tables, config)


@pytest.fixture
def engine(built: Engine) -> Engine:
    return replace(built)


def rules(*given: dict) -> Rules:
    return Rules.model_validate({"rule": [{"name": f"r{at}", **rule} for at, rule in enumerate(given)]})


def shown(engine: Engine, user: str = "young", n: int = 8, **asked: object) -> str:
    return "".join(one.item_id for one in engine.recommend(user, n=n, **asked))


def test_without_rules_the_order_is_that_of_popularity(engine: Engine) -> None:
    assert shown(engine) == "abcdefgh"
    assert shown(engine, "owner") == "adefgh"


@pytest.mark.parametrize(
    ("rule", "young", "old"),
    [
        ({"kind": "exclude", "items": {"category": "Shoes"}}, "defgh", "defgh"),
        ({"kind": "exclude", "items": {"category": "Shoes"}, "users": {"age_group": "18-24"}}, "defgh", "abcdefgh"),
        ({"kind": "exclude", "items": {"category": "Shoes"}, "users": {"age_group": ["18-24", "50+"]}}, "defgh", "defgh"),
        ({"kind": "exclude", "node": "category:shoes > sport"}, "cdefgh", "cdefgh"),
        ({"kind": "exclude", "node": "category:shoes"}, "defgh", "defgh"),
        ({"kind": "exclude", "node": "brand:nike"}, "cegh", "cegh"),
        ({"kind": "exclude", "node": "brand:nike", "items": {"category": "Socks"}}, "abcdegh", "abcdegh"),
        ({"kind": "exclude", "node": "brand:puma"}, "abcdefgh", "abcdefgh"),
        ({"kind": "require", "items": {"stock": [1, float("inf")]}}, "bcdegh", "bcdegh"),
        ({"kind": "require", "items": {"price": [float("-inf"), 200]}}, "abef", "abef"),
        ({"kind": "require", "node": "brand:adidas"}, "ce", "ce"),
        ({"kind": "require", "items": {"price": 0}}, "", ""),
        ({"kind": "bury", "node": "brand:nike", "weight": 50}, "ceghabdf", "ceghabdf"),
        ({"kind": "boost", "items": {"collection": "Sun"}, "weight": 50}, "fgabcdeh", "fgabcdeh"),
        ({"kind": "at_most", "relation": "HAS_COLLECTION"}, "acefgbdh"[:4], "acefgbdh"[:4]),
        ({"kind": "at_most", "relation": "HAS_COLLECTION", "top": 4}, "acefbdgh", "acefbdgh"),
        ({"kind": "at_most", "relation": "HAS_COLLECTION", "top": 3}, "acebdfgh", "acebdfgh"),
        ({"kind": "at_most", "relation": "HAS_COLLECTION", "n": 2, "top": 8}, "abcefgh", "abcefgh"),
        ({"kind": "at_most", "relation": "MADE_BY", "n": 1, "top": 3, "users": {"age_group": "50+"}}, "abcdefgh", "acgbdefh"),
        ({"kind": "exclude", "node": "brand:nike", "enabled": False}, "abcdefgh", "abcdefgh"),
        ({"kind": "exclude", "node": "brand:nike", "until": "2000-01-01"}, "abcdefgh", "abcdefgh"),
        ({"kind": "exclude", "node": "brand:nike", "from": "2000-01-01"}, "cegh", "cegh"),
    ],
)  # fmt: skip
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
    rule = {"kind": "boost", "walk": walk, "weight": 50} | ({"min_value": least} if least else {})
    engine.use_rules(rules(rule))
    assert shown(engine, "owner") == owner
    assert shown(engine, "young") == "abcdefgh"  # no history, so nothing is reached


def test_nobody_in_the_table_is_in_no_segment(engine: Engine) -> None:
    engine.use_rules(rules({"kind": "exclude", "node": "brand:nike", "users": {"age_group": "18-24"}}))
    assert shown(engine, "stranger") == "abcdefgh"
    assert "".join(one.item_id for one in engine.recommend(history=[], n=8)) == "abcdefgh"


def test_a_boost_is_a_contribution_in_deviations_of_the_scores(engine: Engine) -> None:
    engine.use_rules(rules({"kind": "boost", "node": "brand:nike", "weight": 0.5, "name": "Nike first"}))
    plain = {one.item_id: one.score for one in engine.recommend("young", n=8, rules=False)}
    spread = np.std([plain[item] for item in "abcdefg"])  # h has no history
    for one in engine.recommend("young", n=8):
        added = one.contributions.get("rule: Nike first", 0)
        assert added == pytest.approx(0.5 * spread if one.item_id in "abdf" else 0, rel=1e-4)
        assert one.score == pytest.approx(plain[one.item_id] + added, abs=1e-5)
    assert engine.explain("owner", "a").contributions["rule: Nike first"] > 0


def test_what_a_rule_moved_is_told_and_adds_nothing(engine: Engine) -> None:
    engine.use_rules(rules({"kind": "at_most", "relation": "HAS_COLLECTION", "top": 3, "name": "mixed"}))
    found = {one.item_id: one.contributions for one in engine.recommend("young", n=8)}
    assert [item for item, parts in found.items() if "rule: mixed" in parts] == ["b", "d"]
    assert found["b"]["rule: mixed"] == 0


def test_an_explanation_names_the_rules(engine: Engine) -> None:
    engine.use_rules(
        rules(
            {"name": "no bags", "kind": "exclude", "items": {"category": "Bags"}},
            {"name": "stocked", "kind": "require", "items": {"stock": [1, 1e9]}},
            {"name": "less Sun", "kind": "bury", "items": {"collection": "Sun"}, "weight": 1},
            {"name": "one brand", "kind": "at_most", "relation": "MADE_BY", "top": 3},
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
            {"kind": "exclude", "items": {"stock": 0}},
            {"kind": "boost", "items": {"price": 300}, "weight": 100},
            {"kind": "at_most", "relation": "MADE_BY", "top": 2},
        )
    )
    found = [one.item_id for one in engine.search("nike", n=8)]
    assert sorted(found) == ["b", "d"]
    assert sorted(one.item_id for one in engine.search("nike", n=8, rules=False)) == ["a", "b", "d", "f"]


def test_rules_live_in_the_artefact(engine: Engine, tmp_path: Path) -> None:
    engine.use_rules(rules({"kind": "require", "items": {"price": [float("-inf"), 200]}, "until": date.max}))
    engine.save(tmp_path / "artefact")
    loaded = Engine.load(tmp_path / "artefact")
    assert loaded.rules == engine.rules
    assert shown(loaded) == "abef"
    artifact.amend(tmp_path / "artefact", {"rules": {}})
    assert shown(Engine.load(tmp_path / "artefact")) == "abcdefgh"


def test_new_items_come_under_the_rules(engine: Engine) -> None:
    engine.use_rules(rules({"kind": "exclude", "node": "brand:nike"}))
    engine.add_items([{"item_id": "new", "brand": "NIKE"}, {"item_id": "other", "brand": "Puma"}])
    found = {one.item_id for one in engine.recommend("young", n=10)}
    assert "other" in found
    assert "new" not in found


def test_events_do_not_make_the_rules_anew(engine: Engine) -> None:
    engine.use_rules(rules({"kind": "boost", "walk": ["<ACCESSORY_OF"], "weight": 50}))
    book = engine.book
    engine.add_events([{"user_id": "young", "item_id": "b"}])
    assert engine.book is book
    assert shown(engine)[0] == "e"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"kind": "boost", "walk": ["<ACCESORY_OF"], "weight": 1}, "no relation ACCESORY_OF; the nearest is ACCESSORY_OF"),
        ({"kind": "at_most", "relation": "COLLECTION"}, "the nearest is HAS_COLLECTION"),
        ({"kind": "exclude", "items": {"colour": "red"}}, "items have no column 'colour'"),
        ({"kind": "exclude", "items": {"price": "cheap"}}, "holds numbers"),
        ({"kind": "exclude", "node": "x", "users": {"sex": "f"}}, "users have no column 'sex'"),
    ],
)  # fmt: skip
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
        {"kind": "exclude", "items": {"category": "Shoes"}, "users": {"age_group": "18-24"}},
        {"kind": "exclude", "node": "colour:black"},
        {"kind": "exclude", "walk": [">BELONGS_TO", "<BELONGS_TO"], "min_value": 3},
        {"kind": "require", "items": {"price": [float("-inf"), 400]}},
        {"kind": "boost", "walk": ["<ACCESSORY_OF"], "weight": 1.5},
        {"kind": "boost", "items": {"gender": ["women", "men"]}, "weight": 0.3},
        {"kind": "bury", "walk": [">MADE_BY", "<MADE_BY"], "weight": 0.7, "users": {"sex": "female"}},
        {"kind": "at_most", "relation": "HAS_COLLECTION", "n": 1, "top": 5},
        {"kind": "at_most", "relation": "MADE_BY", "n": 1, "top": 8},
        {"kind": "at_most", "relation": "BELONGS_TO", "n": 2, "top": 6, "users": {"sex": "male"}},
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
    force = shop.book.in_force([user], shop._lookup.histories([user]))
    rows = shop._lookup.rows([one.item_id for one in found])
    assert len(set(rows)) == len(rows) <= n
    for one in found:
        assert sum(one.contributions.values()) == pytest.approx(one.score, abs=1e-4)
    if force is None:
        return
    assert not any(hidden[0, rows].any() for hidden in force.hidden().values())
    for rule in force._of(ruling.AtMost):
        if force.member[rule.name][0]:
            count = Counter(node for row in rows[: rule.top] for node in force._nodes(rule, row))
            assert max(count.values(), default=0) <= rule.n
    stayed = [one.score for one in found if 0.0 not in [v for k, v in one.contributions.items() if "rule: " in k]]
    assert stayed == sorted(stayed, reverse=True)
    assert [one.item_id for one in shop.recommend_batch(["u0001", user], n)[1]] == [one.item_id for one in found]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 80), st.integers(1, 40), st.integers(1, 3), st.integers(1, 10))
def test_what_an_order_moves_keeps_its_order(shop: Engine, number: int, n: int, most: int, top: int) -> None:
    """Against the slow reading of the rule: at each place the best item that may stand there."""
    user = f"u{number:04d}"
    shop.use_rules(rules({"kind": "at_most", "relation": "MADE_BY", "n": most, "top": top}))
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
    shop.use_rules(rules({"kind": "exclude", "items": {"category": "Shoes"}}))
    gone = shop.catalogue.items.filter(pl.col("category").str.starts_with("Shoes"))["item_id"].to_list()
    assert gone
    assert shop.recommend("u0001", n=10) == shop.recommend("u0001", n=10, exclude=gone, rules=False)


def test_a_rule_on_nothing_changes_nothing(shop: Engine) -> None:
    shop.use_rules(rules({"kind": "boost", "node": "brand:unknown", "weight": 100}))
    assert shop.recommend("u0001", n=10) == shop.recommend("u0001", n=10, rules=False)


# The file


def write(folder: Path, text: str) -> Path:
    path = folder / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return path


GOOD = '[[rule]]\nname = "a"\nkind = "exclude"\nnode = "x"\n\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + '[[rule]]\nname = "b"\nkind = "boots"', ["line 6", "rule 2 'b'", "`kind`", "`boost`"]),
        (GOOD + '[[rule]]\nname = "b"', ["line 6", "rule 2", "`kind` is one of"]),
        (GOOD + '[[rule]]\nkind = "exclude"\nnode = "x"', ["line 6", "rule 2", "`name` is missing"]),
        (GOOD + '[[rule]]\nname = "b"\nkind = "boost"\nnode = "x"\nwieght = 1', ["line 10", "`wieght`", "`weight`"]),
        (GOOD + '[[rule]]\nname = "b"\nkind = "boost"\nnode = "x"\nweight = "1"', ["line 10", "`weight`", "got '1'"]),
        (GOOD + '[[rule]]\nname = "b"\nkind = "exclude"', ["line 6", "does not say which items"]),
        (GOOD + '[[rule]]\nname = "b"\nkind = "exclude"\nitems = { price = [inf, 1] }', ["line 9", "`items.price`"]),
        (GOOD + '[[rule]]\nname = "b\\u001b[2J"\nkind = "exclude"\nnode = "x"', ["line 7", "`name`", "printable"]),
        (GOOD + GOOD, ["two rules are called 'a'"]),
        ("[[rules]]\nname = 1", ["unknown key `rules`", "[[rule]]"]),
        ("[rule]\nname = 1", ["[[rule]]"]),
        ("rule = 3", ["[[rule]]"]),
        ("rule = [3]", ["rule 1", "[[rule]]"]),
        ("x = " + "[" * 30_000, ["TOML"]),
        ("x = " + "9" * 5_000, ["TOML"]),
        ("[[rule", ["TOML"]),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(tmp_path: Path, text: str, words: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        rulefile.read(path)
    assert all(word in str(caught.value) for word in [str(path), *words]), str(caught.value)


VALUE = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.dates(), st.just("boost")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
KEYS = st.sampled_from(["name", "kind", "items", "users", "node", "walk", "weight", "n", "top", "from", "until", "x"])


@given(st.dictionaries(KEYS, VALUE))
def test_any_tree_is_rules_or_a_config_error(tmp_path_factory: pytest.TempPathFactory, tree: dict) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.toml.read", lambda path, absent: ("", {"rule": [tree]}))
        try:
            rulefile.read(Path("rules.toml"))
        except ConfigError as error:
            assert str(error).startswith("rules.toml: ")


# Conflicts and the dry run


def test_rules_of_a_configuration_come_with_the_build(built: Engine, tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace('"x"', '"brand:nike"'))
    config = built.config.model_copy(update={"rules": built.config.rules.model_copy(update={"file": path})})
    engine = Engine.build(built.catalogue, config)
    assert shown(engine) == "cegh"
    write(tmp_path, '[[rule]]\nname = "a"\nkind = "at_most"\nrelation = "NONE"')
    with pytest.raises(DataError, match="rule 'a'"):
        Engine.build(built.catalogue, config)


YOUNG, OLD = {"age_group": "18-24"}, {"age_group": "50+"}
NIKE = {"node": "brand:nike"}
SHOES = {"items": {"category": "Shoes"}}


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ({"kind": "boost", **NIKE, "weight": 1}, {"kind": "exclude", **NIKE}, "r0 r1: the first is for items that the second hides"),
        ({"kind": "boost", **NIKE, "weight": 1}, {"kind": "bury", **NIKE, "weight": 1}, "one boosts and the other buries"),
        ({"kind": "require", **NIKE}, {"kind": "exclude", **NIKE}, "nothing would be left"),
        ({"kind": "exclude", **NIKE}, {"kind": "exclude", **NIKE}, "r1 r0: both are on the same items: the first does nothing"),
        ({"kind": "exclude", **NIKE, "users": YOUNG}, {"kind": "exclude", **NIKE}, "r0 r1: both"),
        ({"kind": "boost", **NIKE, "weight": 1}, {"kind": "boost", **NIKE, "weight": 2}, "they add up"),
        ({"kind": "require", "items": {"price": [1, 5]}}, {"kind": "require", "items": {"price": [6, 9]}}, "both values of price"),
        ({"kind": "at_most", "relation": "MADE_BY"}, {"kind": "at_most", "relation": "MADE_BY", "top": 9}, "r0 r1: the first does nothing"),
        ({"kind": "at_most", "relation": "MADE_BY", "n": 5}, None, "no effect"),
    ],
)  # fmt: skip
def test_conflicts_in_words(one: dict, other: dict | None, words: str) -> None:
    found = conflicts.in_words(rules(*[rule for rule in (one, other) if rule]))
    assert len(found) == 1
    assert words in f"{' '.join(found[0].rules)}: {found[0].words}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"kind": "boost", **NIKE, "weight": 1}, {"kind": "exclude", **SHOES}),
        ({"kind": "boost", **NIKE, "weight": 1, "users": YOUNG}, {"kind": "exclude", **NIKE, "users": OLD}),
        ({"kind": "boost", **NIKE, "weight": 1, "until": "2026-01-01"}, {"kind": "exclude", **NIKE, "from": "2026-01-02"}),
        ({"kind": "boost", **NIKE, "weight": 1}, {"kind": "exclude", **NIKE, "enabled": False}),
        ({"kind": "require", "items": {"price": [1, 6]}}, {"kind": "require", "items": {"price": [6, 9]}}),
        ({"kind": "require", "items": {"brand": "A"}}, {"kind": "require", "items": {"brand": "B"}}),
        ({"kind": "at_most", "relation": "MADE_BY", "n": 2}, {"kind": "at_most", "relation": "MADE_BY", "n": 1, "top": 3}),
    ],
)  # fmt: skip
def test_no_conflicts_in_words(one: dict, other: dict) -> None:
    assert conflicts.in_words(rules(one, other)) == []


@pytest.mark.parametrize(
    ("some", "told"),
    [
        ([{"kind": "boost", **NIKE, "weight": 1}, {"kind": "exclude", **SHOES}], "r0 r1: the first boosts 2 items that the second hides, of 4"),
        ([{"kind": "boost", "items": {"category": "Shoes > Sport"}, "weight": 1}, {"kind": "exclude", **SHOES}], "r0 r1: the first does nothing beside the second: all its items"),
        ([{"kind": "exclude", "items": {"category": "Shoes > Sport"}}, {"kind": "exclude", **SHOES}], "r0 r1: the first does nothing beside"),
        ([{"kind": "exclude", **SHOES}, {"kind": "require", "items": {"category": "Bags"}}], "r0 r1: the first does nothing beside"),
        ([{"kind": "boost", **NIKE, "weight": 1}, {"kind": "bury", **SHOES, "weight": 1}], "r0 r1: one boosts and the other buries 2 items"),
        ([{"kind": "boost", "walk": ["<ACCESSORY_OF"], "weight": 1}, {"kind": "exclude", "items": {"category": "Socks"}}], "r0 r1: the first does nothing beside"),
        ([{"kind": "require", "node": "brand:nike"}, {"kind": "require", "node": "brand:adidas"}], "r0 r1: they leave nothing to show to 3 of 3"),
        ([{"kind": "require", "node": "brand:nike"}, {"kind": "require", "items": {"category": "Shoes > Leather"}, "users": YOUNG}], "r0 r1: they leave nothing to show to 1 of 3"),
        ([{"kind": "exclude", "items": {"stock": [0, 9]}}], "r0: they leave nothing to show to 3 of 3"),
        ([{"kind": "exclude", "node": "brand:nik"}], "r0: the graph has no node 'brand:nik'; the nearest is 'brand:nike'"),
        ([{"kind": "exclude", **NIKE, "users": {"age_group": "99"}}], "r0: no user is in its segment, age_group = '99'"),
        ([{"kind": "exclude", "items": {"price": 1}}], "r0: no item is meant by it"),
        ([{"kind": "boost", "walk": [">MADE_BY"], "weight": 1}], "r0: no item is meant by it: its walk never reaches one"),
        ([{"kind": "at_most", "relation": "HAS_COLLECTION", "n": 3, "top": 9}], "r0: no more than 3 items share anything"),
    ],
)  # fmt: skip
def test_conflicts_in_items(built: Engine, some: list[dict], told: str) -> None:
    found = conflicts.in_items(bind(rules(*some), built.catalogue, built.graph))
    assert [told in f"{' '.join(one.rules)}: {one.words}" for one in found] == [True], found


def test_rules_that_get_on_are_not_accused(built: Engine) -> None:
    some = rules(
        {"kind": "boost", "walk": ["<ACCESSORY_OF"], "weight": 1},
        {"kind": "at_most", "relation": "HAS_COLLECTION"},
        {"kind": "exclude", **SHOES, "users": YOUNG},
        {"kind": "require", "items": {"stock": [1, float("inf")]}},
        {"kind": "exclude", **NIKE, "enabled": False},
    )
    assert conflicts.in_items(bind(some, built.catalogue, built.graph)) == []


def test_a_trial_tells_what_would_change_and_changes_nothing(engine: Engine) -> None:
    some = rules(
        {"kind": "exclude", **SHOES, "users": YOUNG, "enabled": False},
        {"kind": "require", "items": {"stock": [1, float("inf")]}},
        {"kind": "at_most", "relation": "HAS_COLLECTION", "from": "2030-01-01"},
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
    later = try_rules(engine, some, ["young"], 5, date(2030, 1, 1))
    assert (later.all.short, "".join(later.examples[0].after)) == (1, "bceg"[:4])


def test_a_trial_draws_its_users_from_the_seed(engine: Engine) -> None:
    some = rules({"kind": "exclude", **NIKE})
    trial = engine.try_rules(some, n=3)
    assert trial == engine.try_rules(some, n=3)
    assert trial.users == engine.catalogue.interactions["user_id"].n_unique()
    assert len(trial.examples) == 3
