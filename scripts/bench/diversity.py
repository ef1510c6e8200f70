"""What diversity costs and gives: python scripts/bench/diversity.py movielens|shop [--part valid] [--draw docs].

Lists of ten with MMR, DPP and calibration at several weights, beside the list without. An engine is built from the
events before the held-out part and kept in --work; lists come from `Engine.recommend`. movielens is split by the judge
beside the data (warm: each user's last tenth), the generated shop of seed 0 by time. --part valid asks for the part
before the test, to choose by. With --draw the curves are written to that folder as diversity-NAME.png.

distance    mean of 1 - likeness over the pairs of a list (facts, words, text, picture: `Varied` knows the same)
coverage    share of the catalogue that some list shows
KL          of the kinds of a list from those of the history (movielens: genre, shop: category), nats
entropy     of the kinds of a list, nats
ms          median of the processor's time for a list, asked for one at a time on one thread, with what it explains
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib import pyplot
from movielens import movielens, split_by_judge
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine import Engine, config, history, memory
from engine.asking import Recommendation
from engine.candidates.base import dense
from engine.config import Config, Diversity
from engine.demo.shop import generate
from engine.diversity import kinds
from engine.diversity.calibrated import divergence
from engine.diversity.varied import likeness
from engine.evaluation import bootstrap, metrics, splits
from engine.history import Histories, Matrix
from engine.tables import catalogue
from engine.tables.catalogue import Catalogue

N = 10
COLUMN = {"movielens": "genre", "shop": "category"}
WEIGHTS = {
    "dpp": (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
    "mmr": (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
    "calibrated": (0.1, 0.25, 0.5, 1.0, 2.0, 4.0),
}
TIMED = 200


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=list(COLUMN))
    parser.add_argument("--part", choices=["valid", "test"], default="test")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/ and judge/")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--draw", type=Path, help="folder of the picture")
    choice = parser.parse_args()
    engine, asked = prepared(choice.data, choice.part, choice.shared, choice.work)
    column = COLUMN[choice.data]
    settings = [Diversity()]
    settings += [
        Diversity.model_validate({"weight": weight, "by": by, "column": column})
        for by, weights in WEIGHTS.items()
        for weight in weights
    ]
    judge = Judge(engine, asked, column)
    rows = [measured(engine, asked, judge, each) for each in settings]
    show(rows, f"{choice.data}, {choice.part}, {len(asked.users)} users")
    if choice.draw:
        draw(rows, choice.draw / f"diversity-{choice.data}.png")


class Asked(NamedTuple):
    """Who is asked, and what is right: (users, items)."""

    users: list[str]
    histories: Histories
    relevant: Matrix


def prepared(data: str, part: str, shared: Path, work: Path) -> tuple[Engine, Asked]:
    """An engine of the events before the part, from --work if it is there, and the questions of that part."""
    tables, settings, split = movielens_split(shared, work) if data == "movielens" else shop_split(work)
    known = split.train if part == "valid" else pl.concat([split.train, split.valid])
    known = known.sort("user_id", "time", maintain_order=True)
    held = split.valid if part == "valid" else split.test
    folder = work / "diversity" / f"{data}-{part}"
    if not folder.exists():
        Engine.build(replace(tables, interactions=known), settings, print).save(folder)
    engine = Engine.load(folder)
    users = held["user_id"].unique(maintain_order=True).to_list()
    index = {item: row for row, item in enumerate(engine.state.lookup.ids)}
    relevant = history.from_frame(held, users, index, len(index)).seen()
    return engine, Asked(users, engine.state.lookup.histories(users), relevant)


def movielens_split(shared: Path, work: Path) -> tuple[Catalogue, Config, splits.Split]:
    tables, settings = movielens(shared / "data" / "movielens-100k", work / "movielens")
    folder = work / "warm-0" / "split"
    split_by_judge(shared, "warm", 0, folder)
    return tables, settings, splits.read_folder(folder, tables.interactions)


def shop_split(work: Path) -> tuple[Catalogue, Config, splits.Split]:
    folder = work / "planted" / "shop-0"
    if not (folder / "weft.toml").exists():
        generate(folder, seed=0)
    settings = config.load(folder / "weft.toml")
    tables = catalogue.read(settings)
    return tables, settings, splits.split(tables.interactions, "time", seed=0)


class Judge:
    """Measures of lists by what items are: distance, kinds beside those of the history, entropy."""

    def __init__(self, engine: Engine, asked: Asked, column: str) -> None:
        self.features = engine.ranker.features
        self.shares = engine.state.kinds(column)
        self.wanted = kinds.wanted(self.shares, asked.histories)

    def distance(self, items: NDArray[np.int64]) -> float:
        """Mean over the pairs of a list."""
        alike = likeness(self.features.take(items))
        return float(1 - alike[np.triu_indices(len(items), 1)].mean())

    def divergence(self, user: int, items: NDArray[np.int64]) -> float:
        asked = self.wanted[user] > 0
        given = dense(self.shares[items]).mean(0)[asked]
        return float(divergence(self.wanted[user][asked], given)) if asked.any() else float("nan")

    def entropy(self, items: NDArray[np.int64]) -> float:
        given = dense(self.shares[items]).mean(0)
        given = given[given > 0] / max(given.sum(), 1e-9)
        return float(-(given * np.log(given)).sum())


@dataclass(frozen=True)
class Row:
    """What one setting gives, a value a user: (users,) each."""

    settings: Diversity
    recall: NDArray[np.float64]
    ndcg: NDArray[np.float64]
    distance: NDArray[np.float64]
    divergence: NDArray[np.float64]
    entropy: NDArray[np.float64]
    coverage: float
    milliseconds: float


def measured(engine: Engine, asked: Asked, judge: Judge, settings: Diversity) -> Row:
    index = {item: row for row, item in enumerate(engine.state.lookup.ids)}
    found = engine.recommend_batch(asked.users, N, diversity=settings)
    ranked = np.array([rows_of(index, each) for each in found])
    lists = [each[each >= 0] for each in ranked]
    scored = metrics.list_metrics(ranked, asked.relevant, N)
    return Row(
        settings,
        scored[f"recall@{N}"],
        scored[f"ndcg@{N}"],
        np.array([judge.distance(each) for each in lists]),
        np.array([judge.divergence(user, each) for user, each in enumerate(lists)]),
        np.array([judge.entropy(each) for each in lists]),
        metrics.coverage(ranked, len(index)),
        1000 * seconds(engine, asked.users[:TIMED], settings),
    )


def rows_of(index: dict[str, int], found: Sequence[Recommendation]) -> list[int]:
    """Rows of the items, padded with -1."""
    return [index[one.item_id] for one in found] + [-1] * (N - len(found))


def seconds(engine: Engine, users: Sequence[str], settings: Diversity) -> float:
    """Median of the processor's time for a list."""
    took = []
    with threadpool_limits(1):
        for user in users:
            start = time.thread_time()
            engine.recommend(user, n=N, diversity=settings)
            took.append(time.thread_time() - start)
    return float(np.median(took))


def show(rows: Sequence[Row], title: str) -> None:
    """A line a setting; the change in NDCG beside the list without, with its 95% interval over users."""
    print(f"\n| {title} | weight | recall@{N} | NDCG@{N} | change | distance | coverage | KL | entropy | ms |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        name = row.settings.by if row.settings.weight else "without"
        gain = bootstrap.gain(row.ndcg, rows[0].ndcg)
        print(
            f"| {name} | {row.settings.weight:g} | {row.recall.mean():.4f} | {row.ndcg.mean():.4f} "
            f"| {gain.mean:+.4f} ({gain.low:+.4f} to {gain.high:+.4f}) | {row.distance.mean():.3f} "
            f"| {row.coverage:.3f} | {np.nanmean(row.divergence):.3f} | {row.entropy.mean():.2f} "
            f"| {row.milliseconds:.1f} |"
        )


def draw(rows: Sequence[Row], path: Path) -> None:
    """NDCG over distance, and over KL: a curve a method, from the list without."""
    mpl.use("agg")
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    labels = {"distance": "distance within a list", "divergence": "KL from the history's kinds, nats"}
    for axis, (name, label) in zip(axes, labels.items(), strict=True):
        for by in WEIGHTS:
            curve = [rows[0], *(row for row in rows[1:] if row.settings.by == by)]
            at = [float(np.nanmean(getattr(row, name))) for row in curve]
            axis.plot(at, [row.ndcg.mean() for row in curve], marker="o", markersize=3.5, label=by)
        axis.set_xlabel(label)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel(f"NDCG@{N}")
    axes[0].legend(frameon=False)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
