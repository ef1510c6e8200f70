"""What queries mean in a generated shop, and among three films: spans, repairs, limits, negation, kinds, heads."""

import json
from pathlib import Path

import polars as pl
import pytest

from engine.search.intent import Entity, Intent, Vocabulary, parse
from graph.build import build
from scripts.bench.intent import shop
from tests.engine.command import weft


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return shop()


@pytest.fixture(scope="module")
def films() -> Vocabulary:
    """Speed and Heat, which are common words too, and a title that is none."""
    items = pl.DataFrame(
        {
            "item_id": ["1", "2", "3"],
            "title": ["Speed", "Heat", "The Empire Strikes Back"],
            "text": ["Speed", "Heat", "The Empire Strikes Back"],
            "genre": [["Action"], ["Crime"], ["Science Fiction", "Action"]],
            "release_year": [1994.0, 1995.0, 1980.0],
            "runtime_minutes": [116.0, 170.0, 124.0],
        }
    )
    return Vocabulary.learn(build(items, attributes=["genre"]), items)


def nodes(intent: Intent) -> list[str]:
    """Nodes in order of place, with `not ` where they are negated."""
    return [f"not {one.node}" if one.negated else one.node for one in intent.entities]


def limits(intent: Intent) -> list[tuple[object, ...]]:
    """Numbers and sizes."""
    values = [one for one in intent.constraints if one.value is None or one.field == "size"]
    return [(one.field, one.value) if one.value else (one.field, one.low, one.high, one.unit) for one in values]


def test_the_worked_example(vocabulary):
    found = parse("白色运动鞋", vocabulary=vocabulary)
    assert (found.language, found.kind, found.repairs) == ("zh", "find", ())
    assert found.entities == (
        Entity("colour:white", "Attribute", "white", "白色", 0, 2, 1.0, "name"),
        Entity("category:shoes > sport shoes", "Category", "Sport shoes", "运动鞋", 2, 5, 1.0, "name"),
    )
    assert found.head is not None
    assert (found.head.text, found.head.node, found.head.modifiers) == (
        "运动鞋", "category:shoes > sport shoes", ("白色",),
    )  # fmt: skip
    assert [word.text for word in found.keywords] == ["运动鞋", "白色"]  # there are more white things than shoes


@pytest.mark.parametrize(
    "query",
    [
        "白色运动鞋",
        "白色的跑鞋",
        "白色運動鞋",
        "white sneakers",
        "WHITE  Ｓneakers",
        "baise yundongxie",
        "white snekers",
        "白色运东鞋",
    ],
)
def test_the_same_in_other_words_scripts_and_spellings(vocabulary, query):
    assert nodes(parse(query, vocabulary=vocabulary)) == ["colour:white", "category:shoes > sport shoes"]


def test_mixed(vocabulary):
    found = parse("白色 Nike 跑鞋 size 42", vocabulary=vocabulary)
    assert found.language == "mixed"
    assert nodes(found) == ["colour:white", "brand:nike", "category:shoes > sport shoes"]
    assert limits(found) == [("size", "42")]


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ("shoes under 500", ("price", None, 500, None)),
        ("500元以下的鞋", ("price", None, 500, "CNY")),
        ("shoes between 100 and 300 yuan", ("price", 100, 300, "CNY")),
        ("鞋 200到500块", ("price", 200, 500, "CNY")),
        ("shoes cheaper than $50", ("price", None, 50, "USD")),
        ("shoes no more than 1,200", ("price", None, 1200, None)),
        ("不低于一千五的鞋", ("price", 1500, None, None)),
        ("鞋 不超过两百五", ("price", None, 250, None)),
        ("shoes for a hundred pounds or less", ("price", None, 100, "GBP")),
        ("shoes around 300", ("price", 240, 360, None)),
        ("鞋 1万以上", ("price", 10_000, None, None)),
        ("boots size XL", ("size", "XL")),
        ("外套 M码", ("size", "M")),
        ("toys for kids aged 3-6", ("age", 3, 6, "years")),
        ("给6岁孩子的玩具", ("age", 6, 6, "years")),
    ],
)
def test_numbers(vocabulary, query, limit):
    assert limits(parse(query, vocabulary=vocabulary)) == [limit]


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ("90s action", ("year", 1990, 1999, None)),
        ("before 1960", ("year", None, 1959, None)),
        ("1990年以后的动作片", ("year", 1991, None, None)),
        ("since 1990", ("year", 1990, None, None)),
        ("九十年代", ("year", 1990, 1999, None)),
        ("under 2 hours", ("runtime", None, 120, "minutes")),
        ("两个半小时以内", ("runtime", None, 150, "minutes")),
    ],
)
def test_years_and_times(films, query, limit):
    assert limits(parse(query, vocabulary=films)) == [limit]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("bag, not leather", ["category:bags", "not material:leather"]),
        ("bag without leather or nylon", ["category:bags", "not material:leather", "not material:nylon"]),
        ("不要皮的黑色双肩包", ["not material:leather", "colour:black", "category:bags > backpacks"]),
        ("非皮的靴子", ["not material:leather", "category:shoes > boots"]),
        ("除了耐克以外的凉鞋", ["not brand:nike", "category:shoes > sandals"]),
        ("塑料的台灯不要", ["not material:plastic", "category:home > lamps"]),
        ("anything but Nike", ["not brand:nike"]),
        ("有没有红色的帽子", ["colour:red", "category:clothes > hats"]),
        ("非常好看的红色帽子", ["colour:red", "category:clothes > hats"]),
        ("无印良品的抱枕", ["brand:muji", "category:home > cushions"]),
        ("特别 红色的帽子", ["colour:red", "category:clothes > hats"]),
        ("别要红色的帽子", ["not colour:red", "category:clothes > hats"]),
        ("not more than 300 leather bag", ["material:leather", "category:bags"]),
    ],
)
def test_negation(vocabulary, query, expected):
    found = parse(query, vocabulary=vocabulary)
    assert nodes(found) == expected
    assert {one.value for one in found.constraints if one.negated} == {
        node.removeprefix("not ") for node in expected if node.startswith("not ")
    }


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("Nike vs Adidas", "compare"), ("安踏和李宁哪个好", "compare"), ("anta or puma, which is better?", "compare"),
        ("shoes like nike pegasus", "similar"), ("类似优衣库的毛衣", "similar"), ("I'd like a red dress", "find"),
        ("socks for running shoes", "accessory"), ("滑板的配件", "accessory"), ("华为手机的充电宝", "accessory"),
        ("gift for mom", "find"), ("which kettle is best?", "question"), ("台灯多少钱", "question"),
        ("男女同款卫衣", "find"), ("小米手机壳", "find"),
    ],
)  # fmt: skip
def test_kinds(vocabulary, query, kind):
    assert parse(query, vocabulary=vocabulary).kind == kind


def test_no_brand_is_cut_out_of_a_word(vocabulary):
    assert nodes(parse("完美的圣诞礼物", vocabulary=vocabulary)) == ["use:gift"]
    assert nodes(parse("美的水壶", vocabulary=vocabulary)) == ["brand:midea", "category:kitchen > kettles"]


def test_repairs_tell_what_was_changed_and_spans_are_of_what_was_typed(vocabulary):
    found = parse("blak lether  蓝牙尔机 shuangjianbao", vocabulary=vocabulary)
    assert [(one.typed, one.meant, one.why) for one in found.repairs] == [
        ("blak", "black", "spelling"), ("lether", "leather", "spelling"), ("尔机", "耳机", "sound"),
        ("shuangjianbao", "双肩包", "pinyin"),
    ]  # fmt: skip
    assert [one.surface for one in found.entities] == ["blak", "lether", "蓝牙", "尔机", "shuangjianbao"]
    assert all(one.method.endswith("repaired") == (one.surface != "蓝牙") for one in found.entities)


@pytest.mark.parametrize(
    "query", ["waterproof hiking pants", "battery powered fan", "运动裤", "保温桶", "实木书架", "robots"]
)
def test_words_that_are_right_are_left_alone(vocabulary, query):
    assert parse(query, vocabulary=vocabulary).repairs == ()


def test_the_head_is_found_by_dependencies(vocabulary):
    found = parse("waterproof jacket under 500 for women, not leather", vocabulary=vocabulary)
    assert found.head is not None
    assert (found.head.node, found.head.modifiers) == ("category:clothes > jackets", ("women", "waterproof"))
    assert "leather" not in [word.text for word in found.keywords]


def test_what_makers_call_a_thing_is_learned(vocabulary):
    found = parse("red trolley case", vocabulary=vocabulary).entities[1]
    assert (found.node, found.method) == ("category:bags > suitcases", "learned")


def test_a_line_needs_its_brand_unless_no_other_has_it(vocabulary):
    assert nodes(parse("air max", vocabulary=vocabulary)) == ["collection:nike air max"]
    assert nodes(parse("aurora", vocabulary=vocabulary)) == []
    assert nodes(parse("aurora by herschel", vocabulary=vocabulary)) == ["collection:herschel aurora", "brand:herschel"]


def test_every_name_of_the_shop_is_found_as_people_type_it(vocabulary):
    names = vocabulary.names
    for form, several in names.by_key.items():
        meant = [one.node for one in several if one.kind == "name"]
        if meant and names.labels[meant[0]] in ("Brand", "Category", "Attribute"):
            assert set(meant) & set(nodes(parse(form, vocabulary=vocabulary))), form


def test_the_title_of_an_item_names_its_facts_too(vocabulary):
    found = nodes(parse("Nike Air Max 270 white sneakers", vocabulary=vocabulary))
    assert {"brand:nike", "colour:white"} <= set(found)
    assert [node for node in found if node.startswith("item:")]


def test_common_words_are_titles_only_where_they_are_named(films):
    assert nodes(parse("fast films with speed and heat", vocabulary=films)) == []
    assert nodes(parse("films like speed", vocabulary=films)) == ["item:1"]
    assert nodes(parse("a film like Heat", vocabulary=films)) == ["item:2"]
    assert nodes(parse("类似 speed 的动作片", vocabulary=films)) == ["item:1", "genre:action"]
    assert nodes(parse("empire strikes back", vocabulary=films)) == ["item:3"]


def test_without_a_catalogue_numbers_and_kinds_are_understood():
    found = parse("2 shirts under $50, which one is better?")
    assert (found.kind, limits(found), found.entities) == ("compare", [("price", None, 50, "USD")], ())


def test_the_language_can_be_given(vocabulary):
    assert parse("nike 跑鞋", language="zh", vocabulary=vocabulary).language == "zh"


def test_it_is_json(vocabulary):
    found = parse("黑色 boots not leather", vocabulary=vocabulary)
    assert json.loads(json.dumps(found.to_dict()))["entities"][0]["node"] == "colour:black"


def test_the_command(small_artefact: Path):
    shown = weft("intent", small_artefact, "不要皮的黑色双肩包 500元以下").stdout
    assert "not 皮的" in shown
    assert "up to 500 CNY" in shown
    found = json.loads(weft("intent", small_artefact, "white sneakers", "--json").stdout)
    assert [one["node"] for one in found["entities"]] == ["colour:white", "category:shoes > sport shoes"]
