"""Filters: what passes, and what is refused in words."""

import polars as pl
import pytest

from engine.errors import DataError
from engine.where import mask, parse

ITEMS = pl.DataFrame(
    {
        "item_id": ["a", "b", "c"],
        "brand": ["Nike", "阿迪达斯", None],
        "category": ["Shoes > Sport shoes", "Shoes", "Shoestrings"],
        "price": [100.0, 900.0, None],
        "colour": [["red", "white"], ["black"], []],
    }
)


@pytest.mark.parametrize(
    ("conditions", "passes"),
    [
        ("", "abc"),
        ('{"brand": "Nike"}', "a"),
        ('{"brand": ["Nike", "阿迪达斯"]}', "ab"),
        ('{"category": "Shoes"}', "ab"),
        ('{"price": [null, 500]}', "a"),
        ('{"price": [500, null], "colour": "black"}', "b"),
        ('{"price": 900}', "b"),
        ('{"colour": ["white", "black"]}', "ab"),
        ('{"colour": []}', ""),
    ],
)
def test_what_passes(conditions: str, passes: str) -> None:
    assert "".join(ITEMS["item_id"].filter(pl.Series(mask(ITEMS, parse(conditions))))) == passes


@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        ('{"size": 1}', "no column 'size'"),
        ('{"price": "cheap"}', "holds numbers"),
        ('{"price": [null, "brand"]}', "holds numbers"),
        ('{"price": [1, 2, 3]}', "holds numbers"),
        ('{"price": true}', "holds numbers"),
        ('{"price": 1' + "0" * 400 + "}", "too large"),
        ('{"brand": {"is": "Nike"}}', "takes a text"),
        ('{"brand": null}', "takes a text"),
        ('{"brand": "\\ud800"}', "takes a text"),
        ("[1]", "an object is wanted"),
        ("brand=Nike", "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_refused(conditions: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        mask(ITEMS, parse(conditions))
