"""What a query limits is obeyed, and what it wants of the thing it names: on ten goods, every answer known."""

from pathlib import Path

import polars as pl
import pytest

from engine import Engine
from engine import config as configuration
from engine.config import Config
from engine.tables import catalogue

SHOES, JACKETS, PHONES, CASES = "Shoes > Sneakers", "Clothes > Jackets", "Electronics > Phones", "Electronics > Cases"
COLUMNS = ("item_id", "title", "brand", "category", "colour", "material", "size", "price", "release_year")
GOODS = [
    ("s1", "Nike Air white sneakers", "Nike", SHOES, "white", "leather", ["41", "42"], 600.0, 2020),
    ("s2", "Nike Court white sneakers", "Nike", SHOES, "white", "mesh", ["41"], 450.0, 2021),
    ("s3", "Adidas Samba white sneakers", "Adidas", SHOES, "white", "leather", ["42"], 300.0, 1995),
    ("s4", "Adidas Gazelle black sneakers", "Adidas", SHOES, "black", "suede", ["43"], None, None),
    ("j1", "waterproof jacket", "Nike", JACKETS, "black", "nylon", [], 700.0, 2022),
    ("j2", "waterproof jacket for rain", "Adidas", JACKETS, "red", "leather", [], 480.0, 2022),
    ("p1", "Galaxy One phone", "Samsung", PHONES, "black", "glass", [], 3000.0, 2023),
    ("p2", "Galaxy Two phone", "Samsung", PHONES, "white", "glass", [], 4000.0, 2024),
    ("c1", "case for Galaxy One", "Samsung", CASES, "black", "silicone", [], 60.0, 2023),
    ("c2", "cover, soft", "Anker", CASES, "white", "leather", [], 40.0, 2023),
]
TRIPLES = [
    ("category:electronics > cases", "accessory_of", "category:electronics > phones"),
    ("c1", "accessory_of", "p1"),
    ("brand:nike", "alias", "耐克"),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    settings = configuration.resolve(Config(), tmp_path_factory.mktemp("goods"))
    data = {"brand": "brand", "category": "category", "currency": "CNY"}
    data |= {"attributes": ("colour", "material", "size"), "numeric": ("price", "release_year")}
    settings = settings.model_copy(
        update={
            "data": settings.data.model_copy(update=data),
            "encoders": settings.encoders.model_copy(update={"text": "", "image": ""}),
        }
    )
    tables = catalogue.from_tables(
        pl.DataFrame(GOODS, schema=COLUMNS, orient="row"),
        [{"user_id": "u", "item_id": "s1", "time": 1}],
        settings,
        triples=pl.DataFrame(TRIPLES, schema=["head", "relation", "tail"], orient="row"),
    )
    return Engine.build(tables, settings)


def ids(engine: Engine, query: str, **how: object) -> list[str]:
    return [one.item_id for one in engine.search(query, n=20, **how)]


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("white sneakers under 500", {"s2", "s3"}, {"s1", "s4"}),
        ("500元以下的白色 sneakers", {"s2", "s3"}, {"s1", "s4"}),
        ("white sneakers from 400 to 500", {"s2"}, {"s1", "s3"}),
        ("a waterproof jacket for walking in the hills, at most 500", {"j2"}, {"j1", "s1"}),
        ("white sneakers, not leather", {"s2"}, {"s1", "s3", "c2"}),
        ("不要皮的白色 sneakers", {"s2"}, {"s1", "s3"}),
        ("anything but Nike sneakers", {"s3", "s4"}, {"s1", "s2", "j1"}),
        ("sneakers size 42", {"s1", "s3"}, {"s2", "s4"}),
        ("white sneakers before 2000", {"s3"}, {"s1", "s2", "s4"}),
        ("anything waterproof for long walks up the hills, not leather", {"j1"}, {"j2"}),
        ("about 450 white sneakers", {"s1", "s2", "s3"}, set()),
    ],
)
def test_what_a_query_limits_is_obeyed(shop: Engine, query: str, shown: set[str], hidden: set[str]) -> None:
    found = ids(shop, query)
    assert shown <= set(found)
    assert not hidden & set(found)
    assert not shop.search(query).understood.dropped


@pytest.mark.parametrize(
    ("query", "dropped", "first"),
    [
        ("white sneakers under 5", ("up to 5",), {"s1", "s2", "s3"}),
        ("jackets under 500, not leather", ("up to 500",), {"j1"}),
        ("sneakers size 50", ("size 50",), {"s1", "s2", "s3", "s4"}),
    ],
)
def test_a_condition_that_leaves_nothing_goes_and_is_named(
    shop: Engine, query: str, dropped: tuple[str, ...], first: set[str]
) -> None:
    found = shop.search(query)
    assert found.understood.dropped == dropped
    assert found[0].item_id in first


def test_a_literal_query_has_wishes_only(shop: Engine) -> None:
    assert "s1" in ids(shop, "white sneakers under 500", literal=True)
    assert not shop.search("white sneakers under 500", literal=True).understood.conditions


def test_a_title_is_a_name_whatever_its_words_mean(shop: Engine) -> None:
    made = shop.search("waterproof jacket")
    assert made[0].item_id == "j1" and not made.understood.conditions


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ("sneakers under $80", "prices here are in CNY, and not compared with USD"),
        ("sneakers under 80 euros", "prices here are in CNY, and not compared with EUR"),
        ("films under two hours", "runtime is not known here"),
    ],
)
def test_what_cannot_be_compared_is_said(shop: Engine, query: str, note: str) -> None:
    found = shop.search(query)
    assert any(note in one for one in found.understood.notes)
    assert not found.understood.conditions


@pytest.mark.parametrize("query", ["sneakers under ¥500", "sneakers 500块以内"])
def test_signs_of_the_shops_own_currency_are_read_as_it(shop: Engine, query: str) -> None:
    assert set(ids(shop, query)) & {"s1", "s2", "s3", "s4"} == {"s2", "s3"}


def test_like_an_item_leaves_it_out(shop: Engine) -> None:
    found = shop.search("something like Nike Air white sneakers")
    assert found.understood.kind == "similar"
    assert found[0].item_id == "s2" and "s1" not in ids(shop, "something like Nike Air white sneakers")
    assert found[0].contributions["like"] == pytest.approx(0.5)
    assert sum(found[0].contributions.values()) == pytest.approx(found[0].score)


def test_like_a_thing_is_first_what_is_of_its_kind(shop: Engine) -> None:
    """In the same brand a jacket is less like sneakers than sneakers are, and than it is without regard to its kind."""
    named, target = shop.state.searcher.named, shop.search("like Nike Air white sneakers", n=20)
    by_id = {one.item_id: one.contributions["like"] for one in target}
    assert by_id["s2"] > by_id["s4"] > by_id["j1"]
    kin = dict(zip(shop.catalogue.items["item_id"], named.kin([0]), strict=True))
    assert kin["s1"] == kin["s4"] == 1 and kin["j1"] == kin["p1"] == 0


def test_accessories_are_what_the_graph_says_and_not_the_thing(shop: Engine) -> None:
    found = ids(shop, "accessories for phones")
    assert set(found[:2]) == {"c1", "c2"} and not {"p1", "p2"} & set(found)
    one = ids(shop, "accessories for the Galaxy One phone")
    assert one[0] == "c1" and "p1" not in one


def test_what_nothing_goes_with_is_said(shop: Engine) -> None:
    found = shop.search("accessories for jackets")
    assert any("nothing that goes with Jackets" in note for note in found.understood.notes)
    assert found[0].item_id in ("j1", "j2")


def test_both_compared_things_are_there(shop: Engine) -> None:
    found = shop.search("Nike vs Adidas sneakers", n=4)
    brands = {item: brand for item, _, brand, *_ in GOODS}
    assert [brands[one.item_id] for one in found[:2]] in (["Nike", "Adidas"], ["Adidas", "Nike"])
    assert len({brands[one.item_id] for one in found[2:4]}) == 2


def test_what_was_understood_is_one_line(shop: Engine) -> None:
    understood = shop.search("white 耐克 sneakers under 500, not leather").understood
    assert understood.line == "Sneakers; white; Nike; up to 500; not leather"
    told = understood.to_dict()
    assert told["text"] == understood.line and told["kind"] == "find"
    assert [one["field"] for one in told["conditions"]] == ["price", "material"]


def test_facets_count_what_the_search_leaves(shop: Engine) -> None:
    brands = next(facet for facet in shop.facets("white sneakers under 500") if facet.column == "brand")
    found = [one.item_id for one in shop.search("white sneakers under 500", n=50)]
    assert sum(one.items for one in brands.values) == len(found)


def test_reasons_say_what_was_met_and_how(shop: Engine) -> None:
    found = shop.search("白色耐克 sneakers under 500", user="u", explain=True)
    assert found[0].item_id == "s2" and len(found.reasons) == len(found)
    why = found.reasons[0]
    assert {(one.text, one.by, one.of) for one in why.highlights if one.column == "title"} == {
        ("Nike", "translation", "耐克"), ("white", "translation", "白色"), ("sneakers", "word", "sneakers"),
    }  # fmt: skip
    assert "price 450: up to 500 was asked" in why.told
    assert "colour white: named in the query (白色)" in why.told
    assert shop.search("white", explain=False).reasons == ()


def test_taste_of_no_strength_is_none(shop: Engine) -> None:
    assert shop.search("sneakers", user="u", personal=0) == shop.search("sneakers")


def test_a_long_query_is_compared_and_says_so(shop: Engine) -> None:
    found = shop.search("white sneakers " * 60)
    assert found and "too long" in found.understood.notes[0]


def test_the_folder_is_not_needed(shop: Engine, tmp_path: Path) -> None:
    shop.save(tmp_path / "kept")
    assert (
        Engine.load(tmp_path / "kept").search("jacket under 500").understood
        == shop.search("jacket under 500").understood
    )
