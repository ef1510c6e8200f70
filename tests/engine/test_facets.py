"""Facets against a count by hand, and conditions that have to go."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Engine
from engine.config import Data
from engine.errors import DataError
from engine.search.facets import Facets
from engine.search.relax import to_drop
from engine.where import mask

CATEGORIES = ["Shoes", "Shoes > Sport", "Shoes > Sport > Trail", "Bags", "a > b", "a > > b", "Shoesx", None]
rows = st.fixed_dictionaries(
    {
        "brand": st.sampled_from(["Nike", "adidas", "Nike > Air", None]),
        "category": st.sampled_from(CATEGORIES),
        "colour": st.lists(st.sampled_from(["white", "black", "红色"]), unique=True, max_size=3),
        "price": st.one_of(st.none(), st.integers(0, 300), st.floats(-1e6, 1e6, allow_nan=False)),
        "stock": st.sampled_from([0, 1, 5, None]),
        "found": st.booleans(),
    }
)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "brand": st.sampled_from(["Nike", ["Nike", "adidas"], "Puma"]),
        "category": st.sampled_from(["Shoes", "Shoes > Sport", ["Bags", "a"]]),
        "colour": st.sampled_from(["white", ["black", "红色"]]),
        "price": st.sampled_from([(None, 100), (50, 250), [10, None], 7]),
        "stock": st.sampled_from([0, (1, 5), 3]),
    },
)
SCHEMA = {
    "item_id": pl.String, "title": pl.String, "text": pl.String, "image": pl.String, "brand": pl.String,
    "category": pl.String, "colour": pl.List(pl.String), "price": pl.Float64, "stock": pl.Float64,
}  # fmt: skip


def table(given_rows: list[dict[str, Any]]) -> tuple[pl.DataFrame, np.ndarray]:
    made = [{**row, "item_id": str(at), "title": "t", "text": "", "image": None} for at, row in enumerate(given_rows)]
    return pl.DataFrame(made, schema=SCHEMA, strict=False), np.array([row["found"] for row in given_rows], bool)


@settings(max_examples=200)
@given(given_rows=st.lists(rows, min_size=1, max_size=25), where=conditions)
def test_a_count_is_what_the_filter_would_leave(given_rows: list[dict[str, Any]], where: dict[str, Any]) -> None:
    items, found = table(given_rows)
    told = {facet.column: facet for facet in Facets(items).count(found, where, n=1000)}
    for column in ("brand", "category", "colour", "price", "stock"):
        others = {name: wanted for name, wanted in where.items() if name != column}
        left = found & mask(items, others)
        values = told[column].values if column in told else []
        for one in values:
            assert one.items == (left & mask(items, {column: one.value})).sum()
            assert one.items > 0 or one.chosen
        there = items.filter(pl.Series(left))[column].drop_nulls()
        if column in ("price", "stock"):
            assert sum(one.items for one in values) == len(there)  # the ranges do not overlap, and leave nothing out
        else:
            cells = there.explode().drop_nulls() if column == "colour" else there
            assert set(cells) <= {one.value for one in values}


def test_the_counts_of_a_search(small_artefact: Path) -> None:
    engine = Engine.load(small_artefact)
    where = {"brand": ["Nike", "Adidas"], "price": (None, 600)}
    size = engine.catalogue.items.height
    for facet in engine.facets("white sneakers", where):
        others = {name: wanted for name, wanted in where.items() if name != facet.column}
        for one in facet.values[:4]:
            found = engine.search("white sneakers", n=size, where={**others, facet.column: one.value})
            assert one.items == len(found)
    brand = next(facet for facet in engine.facets("white sneakers", where, n=1) if facet.column == "brand")
    assert {one.value for one in brand.values if one.chosen} <= {"Nike", "Adidas"}
    assert brand.others > 0


def test_facets_of_the_whole_catalogue(eight: Engine) -> None:
    told = {facet.column: {one.value: one.items for one in facet.values} for facet in eight.facets()}
    assert told["brand"] == {"Nike": 4, "adidas": 2}
    assert told["category"] == {"Shoes": 3, "Bags": 2, "Shoes > Sport": 2, "Socks": 2, "Shoes > Leather": 1}
    assert told["stock"] == {(0.0, 0.0): 2, (5.0, 5.0): 6}
    assert list(told["price"].values()) == [2, 1, 1, 1, 2] or sum(told["price"].values()) == 7


def test_mistakes_are_told(eight: Engine) -> None:
    with pytest.raises(DataError, match="no column 'weight'"):
        eight.facets(where={"weight": 1})
    with pytest.raises(DataError, match="no letter or digit"):
        eight.facets("😀")
    with pytest.raises(DataError, match="n must be at least 1"):
        eight.facets(n=0)


@given(query=st.text(max_size=40))
def test_any_query_has_an_answer(eight: Engine, query: str) -> None:
    if any(map(str.isalnum, query)):
        assert all(facet.values for facet in eight.facets(query))
    else:
        with pytest.raises(DataError):
            eight.facets(query)


@pytest.mark.parametrize(
    ("where", "dropped"),
    [
        ({"brand": "Nike", "price": (None, 5)}, ["price"]),  # a number before the brand
        ({"brand": "Puma", "price": (None, 500)}, ["brand"]),  # the price would not help
        ({"collection": "Sun", "brand": "adidas"}, ["collection"]),  # an attribute before the brand
        ({"brand": "adidas", "category": "Bags"}, ["brand"]),  # the brand before the category
        ({"brand": "Puma", "price": (None, 5)}, ["price", "brand"]),
        ({"brand": "Puma", "category": "Hats", "price": (100, 200)}, ["brand", "category"]),  # the price is put back
        ({"brand": "Nike"}, []),
        (None, []),
    ],
)
def test_what_costs_least_goes_first(eight: Engine, where: dict[str, Any] | None, dropped: list[str]) -> None:
    assert eight.relax("nike adidas sun star bags", where) == dropped


def test_where_nothing_helps_nothing_is_dropped(eight: Engine) -> None:
    assert eight.relax("xyzzyqq", {"brand": "Puma"}) == []


@given(given_rows=st.lists(rows, min_size=1, max_size=20), where=conditions)
def test_no_condition_is_dropped_in_vain(given_rows: list[dict[str, Any]], where: dict[str, Any]) -> None:
    items, found = table(given_rows)
    dropped = to_drop(items, found.astype(float), where, Data(brand="brand", category="category"))
    left = {name: wanted for name, wanted in where.items() if name not in dropped}
    if found.any():
        assert (found & mask(items, left)).any()
    for name in dropped:
        assert not (found & mask(items, {**left, name: where[name]})).any()
