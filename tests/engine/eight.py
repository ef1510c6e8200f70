"""Eight items in order of popularity, on which rules can be checked by eye, and rules in few words."""

from functools import partial

import polars as pl

from engine import Engine
from engine.config import Candidates, Config
from engine.tables.catalogue import from_tables
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
KINDS = ("boost", "bury", "exclude", "require", "at_most", "pin", "sponsored", "age_limit", "sensitive")
boost, bury, exclude, require, at_most, pin, sponsored, age_limit, sensitive = (
    partial(dict, kind=kind) for kind in KINDS
)
COLUMNS = ["item_id", "collection", "brand", "category", "price", "stock"]


def build() -> Engine:
    config = Config.model_validate(
        {
            "data": {
                "attributes": ["collection"],
                "brand": "brand",
                "category": "category",
                "numeric": ["price", "stock"],
                "user_attributes": ["age_group"],
            },
            "encoders": {"text": "", "image": ""},
            "graph": {"store": "none"},
            "tracking": {"to": ""},
            "fusion": {"gate": False, "rerank": False},
            "candidates": {name: {"enabled": False} for name in Candidates.model_fields if name != "popularity"},
        }
    )
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
        items,
        events,
        config,
        pl.DataFrame(triples, schema=["head", "relation", "tail"], orient="row"),
        [{"user_id": "young", "age_group": ["18-24"]}, {"user_id": "old", "age_group": ["50+"]}],
    )
    return Engine.build(tables, config)


def rules(*given: dict) -> Rules:
    return Rules.model_validate({"rule": [{"name": f"r{at}", **rule} for at, rule in enumerate(given)]})


def shown(engine: Engine, user: str = "young", n: int = 8, **asked: object) -> str:
    return "".join(one.item_id for one in engine.recommend(user, n=n, **asked))
