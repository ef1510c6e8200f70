"""What rules add to the time of a recommendation, kind by kind: python scripts/bench/rules.py [--items 25000].

The catalogue is made up: brands of very unequal size, 200 categories, 40,000 accessory links. Each user is asked twice
in turn, without rules and with them, and the median of the differences is printed, so a busy machine counts little.
"""

import argparse
import time

import numpy as np
import polars as pl

from engine import Engine
from engine.config import Candidates, Config
from engine.tables.catalogue import from_tables
from graph.rules import Rules

USERS, EVENTS, LINKS, ASKED = 3_000, 120_000, 40_000, 300
RULES = {
    "boost over one step": {"kind": "boost", "walk": ["<ACCESSORY_OF"], "weight": 0.5},
    "boost over three steps": {
        "kind": "boost", "walk": [">MADE_BY", "<MADE_BY", "<ACCESSORY_OF"], "weight": 0.5,
    },
    "boost over half of all items": {"kind": "boost", "walk": [">HAS_GENDER", "<HAS_GENDER"], "weight": 0.5},
    "bury a brand": {"kind": "bury", "node": "brand:b1", "weight": 0.5},
    "exclude a category for a segment": {"kind": "exclude", "items": {"category": "C1"}, "users": {"age_group": "a"}},
    "require in stock": {"kind": "require", "items": {"stock": [1, None]}},
    "age limit on a category": {"kind": "age_limit", "items": {"category": "C1"}, "min_age": 18, "age": "age_group"},
    "sensitive category": {"kind": "sensitive", "items": {"category": "C2"}, "topic": "t"},
    "two pinned places": {"kind": "pin", "items": {"category": "C3"}, "places": [1, 4]},
    "a sponsored place, half of all items": {"kind": "sponsored", "items": {"stock": [5, None]}, "places": 3},
    "at most one of a collection": {"kind": "at_most", "relation": "HAS_COLLECTION"},
    "at most one of a brand in ten": {"kind": "at_most", "relation": "MADE_BY", "top": 10},
}  # fmt: skip


ON = ("transitions", "later", "popularity")


def made_up(items: int) -> Engine:
    """An engine of so many items, with transitions, popularity and a reranker."""
    rng = np.random.default_rng(0)
    category = rng.integers(0, 200, items)
    table = pl.DataFrame(
        {
            "item_id": [f"p{item}" for item in range(items)],
            "brand": [f"b{number}" for number in rng.zipf(1.3, items) % 400],
            "category": [f"C{number // 10} > c{number}" for number in category],
            "collection": [[f"s{number}"] for number in rng.integers(0, items // 8, items)],
            "gender": [["women" if odd else "men"] for odd in rng.integers(0, 2, items)],
            "stock": rng.integers(0, 10, items),
        }
    )
    chosen = np.minimum(rng.zipf(1.2, EVENTS), items) - 1
    events = {
        "user_id": [f"u{user}" for user in rng.integers(0, USERS, EVENTS)],
        "item_id": [f"p{item}" for item in chosen],
        "value": rng.integers(1, 4, EVENTS),
        "time": np.arange(EVENTS) + 1,
    }
    ends = rng.integers(0, items, (LINKS, 2))
    triples = {
        "head": [f"p{item}" for item in ends[:, 0]],
        "relation": ["accessory of"] * LINKS,
        "tail": [f"p{item}" for item in ends[:, 1]],
    }
    users = {"user_id": [f"u{user}" for user in range(USERS)], "age_group": [["a", "b"][u % 2] for u in range(USERS)]}
    config = Config.model_validate(
        {
            "data": {
                "attributes": ["collection", "gender"], "brand": "brand", "category": "category", "numeric": ["stock"],
                "user_attributes": ["age_group"],
            },
            "encoders": {"text": "", "image": ""},
            "fusion": {"gate": False, "users": 200, "rounds": 60},
            "candidates": {name: {"enabled": name in ON} for name in Candidates.model_fields},
        }
    )  # fmt: skip
    tables = from_tables(table, pl.DataFrame(events), config, pl.DataFrame(triples), pl.DataFrame(users))
    return Engine.build(tables, config)


def seconds(engine: Engine) -> tuple[float, float]:
    """Medians over users: of a list without rules, and of what the rules add to it."""
    plain, added = [], []
    for user in range(ASKED):
        start = time.perf_counter()
        engine.recommend(f"u{user}", rules=False)
        between = time.perf_counter()
        engine.recommend(f"u{user}")
        plain.append(between - start)
        added.append(time.perf_counter() - between - plain[-1])
    return float(np.median(plain)), float(np.median(added))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=25_000)
    items = parser.parse_args().items
    engine = made_up(items)
    print(f"{items} items, {engine.graph.edges.height} edges, {len(engine.ranker.fusion.names)} signals")
    rows = [(name, [{"name": name, **rule}]) for name, rule in RULES.items()]
    rows.append(("all of them", [{"name": name, **rule} for name, rule in RULES.items()]))
    for name, rules in rows:
        start = time.perf_counter()
        engine.use_rules(Rules.model_validate({"rule": rules}))
        bound = time.perf_counter() - start
        plain, added = seconds(engine)
        print(f"{name:34} {1000 * plain:6.1f} ms a list, {1000 * added:+5.1f} ms, {1000 * bound:4.0f} ms once")


if __name__ == "__main__":
    main()
