"""A bilingual shop, generated from a seed: products with words, pictures and relations, and people who choose."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.demo import choices, pictures, relations, truth
from engine.demo.people import I64, People, make_people, make_world
from engine.demo.products import Products, make
from engine.demo.vocabulary import AGE_GROUPS, REGIONS
from engine.errors import WeftError

NEW_ITEMS, NEW_USERS = 0.05, 0.03
"""Shares of items that nobody has chosen yet, and of users without history."""
LATE_ITEMS = 20
"""Items that are not in items.parquet at all, to be added to a built engine."""
FEWEST_PRODUCTS, FEWEST_USERS = 100, 20


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
    out: Path,
    seed: int = 0,
    products: int = 2000,
    users: int = 3000,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Write a shop into `out`: tables, pictures, weft.toml, rules.toml, SIMULATION.md, and truth/.

    The engine never reads the last. The same seed and sizes give the same tables. What a folder holds under the same
    names is replaced. `progress` is told of the pictures, which take most of the time. Raises WeftError below 100
    products or 20 users.
    """
    if products < FEWEST_PRODUCTS or users < FEWEST_USERS:
        raise WeftError(
            f"{products} products and {users} users: a shop needs {FEWEST_PRODUCTS} and {FEWEST_USERS}, "
            "or some categories would be empty"
        )
    shop, late = make(products, seed), make(LATE_ITEMS, seed, prefix="n")
    rng = np.random.default_rng([seed, 4])
    new = _new_items(shop, rng)
    world, people = make_world(shop, new, seed), make_people(users, seed)
    user_ids = [f"u{u + 1:0{max(4, len(str(users)))}}" for u in range(users)]
    newcomers = rng.permutation(users)[: max(1, round(NEW_USERS * users))]
    events = choices.simulate(world, people, choices.lengths(users, products // 4, rng), rng)
    events_of_new = np.isin(np.repeat(np.arange(users), np.diff(events.indptr)), newcomers)
    event_table = _events(events, shop.ids, user_ids)
    tables = {
        "items": shop.table,
        "new_items": late.table,
        "interactions": event_table.filter(~events_of_new).sort("time", "user_id"),
        "new_events": event_table.filter(events_of_new).sort("time", "user_id"),
        "users": _users(people, user_ids),
        "triples": relations.triples(shop, world.links),
    }
    wanted = choices.first_choices(world, people, new, rng)
    first = {"user_id": np.repeat(user_ids, wanted.shape[1]), "item_id": np.array(shop.ids)[wanted.ravel()]}
    out.mkdir(parents=True, exist_ok=True)
    truth.write(out, shop, late, world, people, pl.DataFrame(first))
    images = pictures.draw_all(shop, out, seed, progress) + pictures.draw_all(late, out, seed)
    for name in ("weft.toml", "rules.toml", "SIMULATION.md"):
        (out / name).write_bytes(files("engine.demo").joinpath(name).read_bytes())
    for name, table in tables.items():
        aside = out / f"{name}.parquet.part"
        table.write_parquet(aside)
        aside.replace(out / f"{name}.parquet")
    return Summary(
        items=len(shop),
        new_items=int(new.sum()),
        late_items=len(late),
        users=users,
        new_users=len(newcomers),
        interactions=len(tables["interactions"]),
        triples=len(tables["triples"]),
        images=images,
    )


def _new_items(shop: Products, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(n,) which items come out last; never the worked example."""
    pool = np.setdiff1d(np.arange(len(shop)), [shop.hero])
    new = np.zeros(len(shop), bool)
    new[rng.permutation(pool)[: round(NEW_ITEMS * len(shop))]] = True
    return new


def _events(events: choices.Events, item_ids: list[str], user_ids: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user_id": np.repeat(user_ids, np.diff(events.indptr)),
            "item_id": np.array(item_ids)[events.items],
            "value": events.values,
            "time": events.times,
        }
    )


def _users(people: People, user_ids: list[str]) -> pl.DataFrame:
    def named(values: tuple[str, ...], numbers: I64) -> list[str]:
        return [values[number] for number in numbers]

    return pl.DataFrame(
        {
            "user_id": user_ids,
            "age_group": named(AGE_GROUPS, people.age),
            "sex": named(("female", "male"), people.gender),
            "area": named(REGIONS, people.region),
        }
    )
