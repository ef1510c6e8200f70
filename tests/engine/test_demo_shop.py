import re
from pathlib import Path

import polars as pl
import pytest

from engine import config
from engine.demo import truth
from engine.demo.products import make
from engine.demo.shop import generate
from engine.demo.vocabulary import PATTERN_WORDS
from engine.errors import WeftError
from graph.build import build

TABLES = ("items", "new_items", "interactions", "new_events", "users", "triples")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    return folder, generate(folder, seed=3, products=300, users=200)


def table(made, name):
    return pl.read_parquet(made[0] / f"{name}.parquet")


def test_the_same_seed_gives_the_same_tables_byte_for_byte(made, tmp_path):
    generate(tmp_path, seed=3, products=300, users=200)
    names = [f"{name}.parquet" for name in TABLES] + [f"truth/{path.name}" for path in (made[0] / "truth").iterdir()]
    assert all((tmp_path / name).read_bytes() == (made[0] / name).read_bytes() for name in names)
    assert (tmp_path / "images/p0007.jpg").read_bytes() == (made[0] / "images/p0007.jpg").read_bytes()


def test_another_seed_gives_other_products():
    assert not make(100, 0).table.equals(make(100, 1).table)


def test_the_summary_counts_what_is_there(made):
    _, summary = made
    items, interactions, users = (table(made, name) for name in ("items", "interactions", "users"))
    assert (summary.items, summary.users) == (300, 200) == (len(items), len(users))
    assert summary.new_items == 15
    assert 15 <= len(items) - interactions["item_id"].n_unique() < 25, (
        "new items, and a few that nobody happened to choose"
    )
    assert summary.new_users == 6 == len(users) - interactions["user_id"].n_unique()
    assert summary.late_items == 20 == len(table(made, "new_items"))
    assert summary.interactions == len(interactions)
    assert summary.triples == len(table(made, "triples"))
    assert summary.images == len(list((made[0] / "images").iterdir()))


def test_the_default_shop_has_the_promised_sizes():
    products = make(2000, 0).table
    worn = products["category"].str.contains("^(Shoes|Clothes|Bags) > ").sum()
    assert len(products) == 2000
    assert worn >= 500
    assert products["item_id"].is_unique().all()


def test_events_can_have_happened(made):
    items, new = table(made, "items")["item_id"], set(table(made, "new_events")["user_id"])
    interactions = table(made, "interactions")
    events = pl.concat([interactions, table(made, "new_events")])
    assert events["item_id"].is_in(items.implode()).all()
    assert events["user_id"].is_in(table(made, "users")["user_id"].implode()).all()
    assert not interactions["user_id"].is_in(list(new)).any()
    assert not events.select("user_id", "item_id").is_duplicated().any()
    assert not events.select("user_id", "time").is_duplicated().any()
    assert events["value"].is_in([1.0, 2.0, 3.0]).all()
    assert events["time"].min() >= 1_704_067_200
    assert events["time"].max() < 1_704_067_200 + 365 * 86_400
    lengths = events.group_by("user_id").len()["len"]
    assert lengths.min() >= 6
    assert 15 <= lengths.median() <= 32


def test_the_configuration_names_columns_that_are_there(made):
    data = config.load(made[0] / "weft.toml").data
    items = table(made, "items")
    named = {data.item, data.title, data.image, data.brand, data.category, *data.text, *data.attributes, *data.numeric}
    assert named == set(items.columns)
    assert {data.user, *data.user_attributes} == set(table(made, "users").columns)
    assert all(path.exists() for path in (data.items, data.interactions, data.triples, data.users))
    assert all((data.image_root / image).exists() for image in items["image"].drop_nulls())
    assert items.schema == table(made, "new_items").schema
    assert {data.user, data.item, data.value, data.time} == set(table(made, "interactions").columns)


def test_every_end_of_a_triple_is_a_node_or_a_name(made):
    data = config.load(made[0] / "weft.toml").data
    triples = table(made, "triples")
    tables = build(
        table(made, "items"), attributes=data.attributes, brand=data.brand, category=data.category, triples=triples
    )
    assert tables.rejects.is_empty()
    # An id of a node that no item makes would have become an entity of that name.
    assert tables.nodes.filter(pl.col("label") == "Entity")["name"].str.contains(":").sum() == 0
    assert {"耐克", "运动鞋", "白色"} <= set(triples.filter(pl.col("relation") == "alias")["tail"])
    assert ("brand:nike", "alias", "耐克") in triples.rows()


def test_the_worked_example_is_there(made):
    for products in (table(made, "items"), make(2000, 0).table):
        (hero,) = products.filter(pl.col("title").str.contains("Air Max 270")).to_dicts()
        assert hero["title"] == "Nike Air Max 270 white sneakers"
        assert hero["title_zh"] == "耐克 Air Max 270 白色运动鞋"
        facts = (hero["brand"], hero["colour"], hero["category"], hero["collection"])
        assert facts == ("Nike", "white", "Shoes > Sport shoes", "Nike Air Max")
        assert hero["image"] is not None


def test_both_languages_and_gaps_as_in_life():
    products = make(2000, 0).table
    chinese = products["title_zh"].drop_nulls()
    assert chinese.str.contains(r"\p{Han}").mean() > 0.98
    english = products["title"].drop_nulls()
    assert 0.02 < english.str.contains(r"\p{Han}").mean() < 0.12, "some items have Chinese words only"
    assert 0.02 < (products["title_zh"].is_null() & products["title"].is_not_null()).mean() < 0.12
    for column, most in (("title", 0.02), ("image", 0.05), ("brand", 0.05), ("colour", 0.05), ("material", 0.15)):
        assert 0 < products[column].null_count() / len(products) < most, column


def test_no_text_or_attribute_gives_the_pattern_away(made):
    texts = pl.concat([make(2000, 0).table, table(made, "items"), table(made, "new_items")])
    written = " ".join(
        value for column in texts.columns for value in texts[column].cast(pl.String).drop_nulls()
    ).lower()
    written += " " + " ".join(table(made, "triples")["tail"])
    for word in PATTERN_WORDS:
        found = re.search(rf"\b{word}\b", written) if word.isascii() else word in written
        assert not found, word


def test_a_text_tells_some_facts_and_the_style():
    products = make(2000, 0)
    described = products.table.filter(pl.col("description").is_not_null())
    tells = [
        row["colour"] is not None and row["colour"] in row["title"] + row["description"] for row in described.to_dicts()
    ]
    assert 0.3 < sum(tells) / len(tells) < 0.9
    assert "style" not in products.table.columns


def test_the_truth_covers_every_item_and_user(made):
    hidden = truth.hidden(made[0])
    assert hidden["item_id"].to_list() == [*table(made, "items")["item_id"], *table(made, "new_items")["item_id"]]
    wanted = truth.new_choices(made[0])
    assert set(wanted["user_id"]) == set(table(made, "users")["user_id"])
    assert not wanted["item_id"].is_in(table(made, "interactions")["item_id"].implode()).any()


def test_a_shop_too_small_is_refused():
    with pytest.raises(WeftError, match="50 products and 200 users"):
        generate(Path("nowhere"), products=50, users=200)
    assert not Path("nowhere").exists()


def test_the_smallest_shop_can_be_made(tmp_path):
    assert generate(tmp_path, products=100, users=20).items == 100
