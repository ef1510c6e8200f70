"""A small shop whose graph can be checked by eye."""

import polars as pl
import pytest

from graph.build import GraphTables, build


@pytest.fixture(scope="session")
def shop() -> GraphTables:
    items = pl.DataFrame(
        {
            "item_id": ["1", "2", "3", "4"],
            "title": ["Air Max 270", "Superstar", "Brogue", ""],
            "brand": ["Nike", " adidas", "ＮＩＫＥ ", None],
            "category": ["Shoes > Sport shoes", "shoes >Sport  Shoes", "Shoes > Leather", " > "],
            "colour": [["white", "red"], ["White"], [], [" "]],
            "company": [["Nike"], ["Adidas AG"], ["nike"], []],
        }
    )
    triples = pl.DataFrame(
        {
            "head": ["1", "brand:nike", "3", "x", "", "1"],
            "relation": ["goes.with", "owned by", "品牌", "goes.with", "a", "1"],
            "tail": ["2", "Phil", "2", "y", "b", "Phil"],
        }
    )
    users = pl.DataFrame({"user_id": ["u", "v"], "country": [["CN"], []]})
    return build(
        items,
        attributes=["colour", "company"],
        brand="brand",
        category="category",
        triples=triples,
        users=users,
        user_attributes=["country"],
    )
