"""What is true of the generated shop and the engine never reads: for tests and benchmarks only."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from engine.demo.choices import utility
from engine.demo.people import F32, I64, SESSION, People, World
from engine.demo.products import NAMES, Products

TRUTH = "truth"


def write(
    out: Path, products: Products, extra: Products, world: World, people: People, new_choices: pl.DataFrame
) -> None:
    """Write `out`/truth: the tensors of the utility, what pictures and descriptions alone tell, and every mention."""
    folder = out / TRUTH
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(a) for name, a in asdict(world).items()}, folder / "world.safetensors")
    save_file({name: np.ascontiguousarray(a) for name, a in asdict(people).items()}, folder / "people.safetensors")
    pl.concat([_hidden(products), _hidden(extra)]).write_parquet(folder / "items.parquet")
    new_choices.write_parquet(folder / "new_choices.parquet")
    pl.concat([products.mentions, extra.mentions]).write_parquet(folder / "mentions.parquet")


def _hidden(products: Products) -> pl.DataFrame:
    facets = {name: [NAMES[name][code] for code in products.codes[name]] for name in ("pattern", "style")}
    return pl.DataFrame({"item_id": products.ids, **facets})


def hidden(folder: Path) -> pl.DataFrame:
    """item_id, pattern (pictures alone show it), style (descriptions alone tell it), of every item, new ones too."""
    return pl.read_parquet(folder / TRUTH / "items.parquet")


def mentions(folder: Path) -> pl.DataFrame:
    """item_id, column, language, node, surface: every fact that a text tells, the words it is told with, and its node.

    A fact may be told and yet be missing in items.parquet, and then its node may be missing in the graph.
    """
    return pl.read_parquet(folder / TRUTH / "mentions.parquet")


def new_choices(folder: Path) -> pl.DataFrame:
    """user_id, item_id: what each user would choose first of the items that have no interactions yet."""
    return pl.read_parquet(folder / TRUTH / "new_choices.parquet")


def oracle_scores(folder: Path, users: Sequence[str], known: Sequence[int] | None = None) -> F32:
    """The true utility of every item for `users`, (len(users), items) in the order of items.parquet.

    Each user is taken after their first `known` events and at the time of the next; by default the last tenth of the
    events is unknown (at least one), as in the time split of the evaluation. What a user has chosen by then, or is not
    yet released, is -inf. No ranker can expect more than what these scores reach.

    Raises KeyError for an unknown user, ValueError where no event is known or none comes after.
    """
    world = World(**load_file(folder / TRUTH / "world.safetensors"))
    people = People(**load_file(folder / TRUTH / "people.safetensors"))
    item_ids = pl.read_parquet(folder / "items.parquet", columns=["item_id"])["item_id"]
    position = {item: i for i, item in enumerate(item_ids)}
    histories = _histories(folder, set(users))
    lengths = [len(histories[user][0]) for user in users]
    cuts = known if known is not None else [length - max(1, round(0.1 * length)) for length in lengths]
    times, previous, same = np.zeros(len(users), np.int64), np.full(len(users), -1), np.zeros(len(users), bool)
    seen: list[NDArray[np.int64]] = []
    for row, (user, cut) in enumerate(zip(users, cuts, strict=True)):
        items, at = histories[user]
        if not 0 < cut < len(items):
            raise ValueError(f"{user} has {len(items)} events: known must be from 1 to {len(items) - 1}, not {cut}")
        seen.append(np.array([position[item] for item in items[:cut]]))
        times[row], previous[row], same[row] = at[cut], seen[-1][-1], at[cut] - at[cut - 1] < SESSION
    rows = np.array([int(user[1:]) - 1 for user in users])
    scores = utility(world, people, rows, times, previous, same)
    for row, items_seen in enumerate(seen):
        scores[row, items_seen] = -np.inf
    return scores


def _histories(folder: Path, users: set[str]) -> dict[str, tuple[list[str], I64]]:
    """Items and times of each user, oldest first, those of the new users too."""
    tables = [pl.read_parquet(folder / name) for name in ("interactions.parquet", "new_events.parquet")]
    events = pl.concat(tables).filter(pl.col("user_id").is_in(list(users))).sort("user_id", "time", maintain_order=True)
    groups = events.partition_by("user_id", as_dict=True, maintain_order=True)
    return {str(key[0]): (rows["item_id"].to_list(), rows["time"].to_numpy()) for key, rows in groups.items()}
