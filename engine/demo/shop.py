"""A bilingual shop, generated from a seed: products with words, pictures and relations, and people who choose."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.demo import choices, pictures, truth
from engine.demo.kinds import ACCESSORY_OF, GOES_WITH, GROUPS, KINDS
from engine.demo.people import World, make_people, make_world
from engine.demo.products import ALL_BRANDS, WORDS, Products, make
from engine.demo.vocabulary import AGE_GROUPS, REGIONS

NEW_ITEMS, NEW_USERS = 0.05, 0.03
"""Shares of items that nobody has chosen yet, and of users without history."""
LATE_ITEMS = 20
"""Items that are not in items.parquet at all, to be added to a built engine."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Summary:
    """What was generated."""

    items: int
    new_items: int
    """Items of items.parquet without interactions."""
    late_items: int
    """Items of new_items.parquet."""
    users: int
    new_users: int
    """Users of users.parquet whose events are in new_events.parquet only."""
    interactions: int
    triples: int
    images: int


def generate(
    out: Path, seed: int = 0, products: int = 2000, users: int = 3000, progress: Progress | None = None
) -> Summary:
    """Write a shop into `out`: tables, pictures, weft.toml, SIMULATION.md, and truth/, which the engine never reads.

    The same seed and sizes give the same tables. Raises ValueError below 100 products or 20 users.
    """
    if products < 100 or users < 20:
        raise ValueError("a shop needs 100 products and 20 users, or some category or taste would be empty")
    out.mkdir(parents=True, exist_ok=True)
    shop, late = make(products, seed), make(LATE_ITEMS, seed, prefix="n")
    rng = np.random.default_rng([seed, 4])
    new = _choose_new(shop, rng)
    world, people = make_world(shop, new, seed), make_people(users, seed)
    events = choices.simulate(world, people, choices.lengths(users, rng), rng)
    user_ids = [f"u{u + 1:04d}" for u in range(users)]
    newcomers = np.zeros(users, bool)
    newcomers[rng.permutation(users)[: max(1, round(NEW_USERS * users))]] = True
    table = _event_table(events, shop.ids, user_ids)
    is_new = np.repeat(newcomers, np.diff(events.indptr))
    interactions, new_events = table.filter(~is_new), table.filter(is_new)
    relations = _triples(shop, world)
    tables = {
        "items": shop.table,
        "new_items": late.table,
        "interactions": interactions.sort("time", "user_id"),
        "new_events": new_events.sort("time", "user_id"),
        "users": _user_table(people.age, people.gender, people.region, user_ids),
        "triples": relations,
    }
    for name, frame in tables.items():
        frame.write_parquet(out / f"{name}.parquet")
    wanted = choices.first_choices(world, people, new, rng)
    new_choices = pl.DataFrame(
        {"user_id": np.repeat(user_ids, wanted.shape[1]), "item_id": np.array(shop.ids)[wanted.ravel()]}
    )
    truth.write(out, shop, late, world, people, new_choices)
    for name in ("weft.toml", "SIMULATION.md"):
        (out / name).write_text(files("engine.demo").joinpath(name).read_text(encoding="utf-8"), encoding="utf-8")
    images = pictures.draw_all(shop, out, seed, progress) + pictures.draw_all(late, out, seed)
    return Summary(
        len(shop), int(new.sum()), len(late), users, int(newcomers.sum()), len(interactions), len(relations), images
    )


def _choose_new(shop: Products, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(n,) which items come out last; never the worked example, which stands at the first sport shoe."""
    pool = np.setdiff1d(np.arange(len(shop)), [np.argmax(shop.codes["kind"] == 0)])
    new = np.zeros(len(shop), bool)
    new[rng.permutation(pool)[: round(NEW_ITEMS * len(shop))]] = True
    return new


def _event_table(events: choices.Events, item_ids: list[str], user_ids: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user_id": np.repeat(user_ids, np.diff(events.indptr)),
            "item_id": np.array(item_ids)[events.items],
            "value": events.values,
            "time": events.times,
        }
    )


def _user_table(
    age: NDArray[np.int64], gender: NDArray[np.int64], region: NDArray[np.int64], user_ids: list[str]
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user_id": user_ids,
            "age_group": [AGE_GROUPS[a] for a in age],
            "sex": [("female", "male")[g] for g in gender],
            "area": [REGIONS[r] for r in region],
        }
    )


def _triples(shop: Products, world: World) -> pl.DataFrame:
    """Chinese aliases of brands, categories and attributes, where brands are from, and what goes with what."""
    path = {kind.name: f"category:{kind.path.lower()}" for kind in KINDS}
    made = set(shop.table["brand"].drop_nulls())
    brands = [brand for brand in ALL_BRANDS if brand.en in made]
    rows = [(f"brand:{brand.en.lower()}", "alias", brand.zh) for brand in brands]
    rows += [(f"brand:{brand.en.lower()}", "country", brand.country) for brand in brands]
    rows += [(f"category:{group.lower()}", "alias", zh) for group, zh in GROUPS.items()]
    rows += [(path[kind.name], "alias", kind.zh) for kind in KINDS]
    rows += [(f"{facet}:{word.en}", "alias", word.zh) for facet, words in WORDS.items() for word in words]
    rows += [(path[a], "accessory_of", path[b]) for a, b in ACCESSORY_OF]
    rows += [(path[a], "goes_with", path[b]) for a, b in GOES_WITH]
    rows += [(shop.ids[a], "accessory_of", shop.ids[b]) for a, b in world.links]
    return pl.DataFrame(rows, schema=["head", "relation", "tail"], orient="row")
