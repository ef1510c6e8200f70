"""How a build grows with the data: time, memory and the exponent of each, every build in a process of its own.

    python scripts/bench/growth.py                    # amazon-book: a quarter, half and all of its users
    python scripts/bench/growth.py --items 300000     # a generated catalogue of so many items, once
    python scripts/bench/growth.py --items 30000 --times 1 2 4    # ... with once, twice and four times the users

Twice the users are twice the interactions. An exponent of 1 is growth in proportion. Writes growth-NAME.json and
growth-NAME.png into --work.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from amazon_book import chosen

from engine import Engine, ablation, config, memory
from engine.config import Config, Data, Encoders, Tracking
from engine.importers import IMPORTERS
from engine.tables import catalogue
from engine.tables.catalogue import Catalogue

EVENTS = 12
"""Mean events of a generated user."""
ASKED = 50
"""Users whose lists are timed after a build."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, help="of a generated catalogue; amazon-book without it")
    parser.add_argument("--users", type=int, help="of a generated catalogue at 1x; two thirds of the items without it")
    parser.add_argument("--times", type=int, nargs="+", help="1 2 4 of amazon-book, 1 of a generated catalogue")
    parser.add_argument("--without", nargs="*", default=[], help="generators to leave out")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)  # a child process: build once, print the figures
    choice = parser.parse_args()
    if choice.one:
        memory.keep_freed()
        print(json.dumps(build(*tables(choice, choice.one))))
        return
    times = choice.times or ([1] if choice.items else [1, 2, 4])
    rows = []
    for n in times:
        rows.append({"times": n, **child(n)})
        print(f"{n}x: {rows[-1]}", flush=True)
    name = f"{choice.items}-items" if choice.items else "amazon-book"
    choice.work.mkdir(parents=True, exist_ok=True)
    report = {"data": name, "builds": rows, "exponents": exponents(rows)}
    (choice.work / f"growth-{name}.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    show(rows, report["exponents"])
    draw(rows, name, choice.work / f"growth-{name}.png")


def child(times: int) -> dict[str, Any]:
    """The figures of one build, made by a process of its own so that its peak of memory is its own."""
    command = [sys.executable, __file__, *sys.argv[1:], "--one", str(times)]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def build(source: Catalogue, settings: Config) -> dict[str, Any]:
    """Build once, ask some users."""
    start, processor = time.perf_counter(), time.process_time()
    engine = Engine.build(source, settings, stage=lambda what: print(what, file=sys.stderr, flush=True))
    wall, processor = time.perf_counter() - start, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    users = source.interactions["user_id"].unique(maintain_order=True).to_list()[:ASKED]
    engine.recommend(user=users[0])
    took = []
    for user in users:
        start = time.perf_counter()
        engine.recommend(user=user)
        took.append(1e3 * (time.perf_counter() - start))
    return {
        "users": source.interactions["user_id"].n_unique(),
        "items": source.items.height,
        "interactions": source.interactions.height,
        "wall_s": round(wall, 1),
        "cpu_s": round(processor, 1),
        "peak_gib": round(peak, 2),
        "recommend_ms_p50": round(float(np.median(took)), 1),
        "stages_s": {name: round(seconds, 1) for name, seconds in engine.timings.items()},
        "kept": sorted({gate.part for gate in engine.gates if gate.kept}),
    }


def tables(choice: argparse.Namespace, times: int) -> tuple[Catalogue, Config]:
    """The tables of the build that is `times` as large as the first."""
    if choice.items:
        source, settings = generated(choice.items, times * (choice.users or choice.items * 2 // 3))
    else:
        source, settings = amazon_book(choice, times / max(choice.times or [4]))
    for name in choice.without:
        settings = ablation.switched(settings, name, {"enabled": False})
    return source, settings.model_copy(update={"tracking": Tracking(to="")})


def amazon_book(choice: argparse.Namespace, share: float) -> tuple[Catalogue, Config]:
    """Every item, and a share of the users, drawn evenly."""
    folder = choice.work / "kgat" / "tables"
    IMPORTERS["kgat"](choice.shared / "data" / "amazon-book", folder)
    settings = chosen(config.load(folder / "weft.toml"))
    source = catalogue.read(settings)
    users = source.interactions["user_id"].unique(maintain_order=True)
    some = users.sample(fraction=share, seed=0)
    kept = source.interactions.filter(pl.col("user_id").is_in(some.implode()))
    return replace(source, interactions=kept), settings


def generated(items: int, users: int, seed: int = 0) -> tuple[Catalogue, Config]:
    """A shop whose people like a few kinds of things, and of them what is popular; two thirds choose by kind.

    Kinds of 50 items on average; popularity within a kind falls by a power law. A session stays with its kind.
    """
    rng = np.random.default_rng(seed)
    kinds = max(2, items // 50)
    kind = np.sort(rng.integers(0, kinds, items))
    first, size = np.searchsorted(kind, np.arange(kinds)), np.bincount(kind, minlength=kinds)
    lengths = 2 + rng.geometric(1 / (EVENTS - 2), users)
    user = np.repeat(np.arange(users), lengths)
    liked = rng.integers(0, kinds, (users, 3))
    session = np.cumsum(rng.random(len(user)) < 0.3) % 3
    of_kind = liked[user, session]
    chance = rng.random(len(user))
    place = (size[of_kind] * chance**2).astype(np.int64)
    anything = np.minimum((items * chance**3).astype(np.int64), items - 1)
    popular = rng.permutation(items)
    by_kind = (rng.random(len(user)) < 0.7) & (size[of_kind] > 0)
    item = np.where(by_kind, first[of_kind] + place, popular[anything])
    brand = np.where(rng.random(items) < 0.5, kind % (items // 20), rng.integers(0, items // 20, items))
    described = pl.DataFrame({"item_id": np.arange(items), "kind": kind, "brand": brand}).select(
        pl.col("item_id").cast(pl.String),
        title="thing " + pl.col("item_id").cast(pl.String) + " of kind " + pl.col("kind").cast(pl.String),
        kind="kind " + pl.col("kind").cast(pl.String),
        brand="brand " + pl.col("brand").cast(pl.String),
    )
    events = pl.DataFrame({"user_id": user, "item_id": item, "time": np.arange(len(user))})
    events = events.with_columns(pl.col("user_id", "item_id").cast(pl.String))
    data = Data(attributes=("kind",), brand="brand", image=None)
    settings = Config(data=data, encoders=Encoders(text="", image=""))
    return catalogue.from_tables(described, events, settings), settings


def exponents(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Slope of the logarithm of each figure over that of the interactions; 1 is growth in proportion."""
    if len(rows) < 2:
        return {}
    x = np.log([row["interactions"] for row in rows])
    figures = ("wall_s", "cpu_s", "peak_gib")
    return {name: round(float(np.polyfit(x, np.log([row[name] for row in rows]), 1)[0]), 2) for name in figures}


def show(rows: list[dict[str, Any]], growth: dict[str, float]) -> None:
    columns = ("times", "users", "items", "interactions", "wall_s", "cpu_s", "peak_gib", "recommend_ms_p50")
    print("\n" + "".join(f"{name:>17}" for name in columns))
    for row in rows:
        print("".join(f"{row[name]:>17}" for name in columns))
    for name, exponent in growth.items():
        print(f"{name} grows with interactions to the power {exponent}")


def draw(rows: list[dict[str, Any]], name: str, to: Path) -> None:
    """Time and memory over interactions, both from zero."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    x = [row["interactions"] / 1e6 for row in rows]
    for axis, (label, keys) in zip(
        figure.subplots(1, 2), (("seconds", ("wall_s", "cpu_s")), ("GiB at the peak", ("peak_gib",))), strict=True
    ):
        for key in keys:
            axis.plot(x, [row[key] for row in rows], "o-", label=key)
        axis.set(xlabel="million interactions", ylabel=label, xlim=(0, None), ylim=(0, None))
        axis.legend(frameon=False)
    figure.suptitle(f"Building on {name}")
    figure.savefig(to, dpi=150)


if __name__ == "__main__":
    main()
