"""Explaining paths: how quick they are, and whether they tell the truth about a score.

    python scripts/bench/explanations.py speed      # a graph like a shop's, 25,000 items
    python scripts/bench/explanations.py fidelity   # films that nobody has touched, split by the judge

Fidelity: an item is shown anew without the edge that its best path ends with, and without an edge drawn by chance. If
paths tell what a score rests on, the first costs more. Nothing is trained again; the item is placed by what is left.
Wanted: paths within 10 ms (median).
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from graph_load import shop
from movielens import movielens, split_by_judge
from numpy.typing import NDArray
from scipy import sparse

from engine import benchmark, memory
from engine.benchmark import Question
from engine.candidates import Features
from engine.describe import describe
from engine.evaluation import bootstrap, splits
from engine.growth import grown
from engine.ranker import Ranker
from graph.facts import facts, tfidf
from graph.paths import Pathfinder

DRAWS = 5
"""Edges cut by chance, one at a time, for each that a path names."""


def speed(choice: argparse.Namespace) -> None:
    tables = shop(choice.items * 10 // 9)
    ids = tables.nodes.filter(pl.col("label") == "Item")["id"].str.strip_prefix("item:").to_list()
    start = time.perf_counter()
    finder = Pathfinder(tables, facts(tables, ids), ids)
    finder.find([1, 2], 3, 5)
    print(f"{len(ids):,} items, {tables.edges.height:,} edges; first answer after {time.perf_counter() - start:.1f} s")
    rng = np.random.default_rng(0)
    for liked in (10, 50):
        times, found = [], 0
        for _ in range(500):
            some = rng.integers(0, len(ids), liked + 1).tolist()
            start = time.perf_counter()
            found += len(finder.find(some[1:], some[0], 5))
            times.append(1e3 * (time.perf_counter() - start))
        p50, p95 = np.quantile(times, [0.5, 0.95])
        print(f"{liked} liked items: p50 {p50:.2f} ms, p95 {p95:.2f} ms, {found / 500:.1f} paths")


def fidelity(choice: argparse.Namespace) -> None:
    rng = np.random.default_rng(0)
    tables, settings = movielens(choice.shared / "data" / "movielens-100k", choice.work / "movielens")
    folder = choice.work / "graph-0"
    split_by_judge(choice.shared, "cold", 0, folder / "split")
    described = describe(tables, settings)
    asked = benchmark.question(tables, splits.read_folder(folder / "split", tables.interactions))
    ranker, _ = benchmark.trained_ranker(asked, described.features, settings, print)
    finder = Pathfinder(described.graph, described.facts, asked.items)
    users = np.sort(rng.permutation(len(asked.users))[: choice.users])
    shown, _ = benchmark.ranked(ranker, replace(asked, asked=asked.asked.take(users)), 3)
    cuts = chosen_cuts(finder, asked, users, shown, rng)
    print(f"{len(cuts)} items shown to {len(users)} users, each with a path")
    drops = dropped(ranker, described.features, described.facts.matrix, described.facts.idf, asked, cuts)
    for name, values in {"its best path": drops[:, 0], "a fact by chance": drops[:, 1:].mean(1)}.items():
        low, high = bootstrap.interval(values, 1000, 0)
        print(f"score lost without the edge of {name:18} {values.mean():+.4f}  ({low:+.4f} to {high:+.4f})")
    lead = drops[:, 0] - drops[:, 1:].mean(1)
    low, high = bootstrap.interval(lead, 1000, 0)
    print(f"difference {lead.mean():+.4f} ({low:+.4f} to {high:+.4f}); larger for {np.mean(lead > 0):.0%} of the items")


def chosen_cuts(
    finder: Pathfinder, asked: Question, users: NDArray[np.int64], shown: NDArray[np.int64], rng: np.random.Generator
) -> list[tuple[int, int, list[int]]]:
    """User, item, and the columns of facts to take away: that of the best path, then some by chance."""
    matrix, ids = finder.facts.matrix, finder.facts.entities["id"].to_list()
    cuts = []
    for place, user in enumerate(users):
        past = asked.asked.take(np.array([user]))
        liked = past.items[::-1][:50].tolist()
        for item in shown[place][shown[place] >= 0]:
            paths = [path for path in finder.find(liked, int(item), 5) if len(path.edges) == 2]
            own = matrix.indices[matrix.indptr[item] : matrix.indptr[item + 1]]
            if not paths or len(own) < 2:
                continue
            best = next(int(column) for column in own if ids[column] == paths[0].entity)
            rest = own[own != best]
            cuts.append((int(user), int(item), [best, *rng.choice(rest, DRAWS).tolist()]))
    return cuts


def dropped(
    ranker: Ranker,
    features: Features,
    matrix: "sparse.csr_array[np.float32]",
    idf: NDArray[np.float32],
    asked: Question,
    cuts: list[tuple[int, int, list[int]]],
) -> NDArray[np.float64]:
    """(cuts, 1 + DRAWS) what the score loses by each cut."""
    rows = np.array([item for _, item, columns in cuts for _ in range(len(columns) + 1)])
    less = matrix[rows].tolil()
    width = 1 + len(cuts[0][2])
    for place, (_, _, columns) in enumerate(cuts):
        for at, column in enumerate(columns, start=1):
            less[place * width + at, column] = 0
    weighted, _ = tfidf(sparse.csr_array(less.tocsr()), idf)
    fresh = replace(features.take(rows), facts=weighted)
    wider = grown(ranker, fresh)
    lost = np.zeros((len(cuts), width - 1))
    n = len(features)
    for place, (user, _, _) in enumerate(cuts):
        some = replace(asked.asked.take(np.array([user])), n_items=n + len(rows))
        allowed = np.zeros((1, n + len(rows)), bool)
        variants = np.arange(n + place * width, n + (place + 1) * width)
        allowed[0, variants] = True
        ranked = wider.rank(some, allowed, width, explain=False)
        score = dict(zip(ranked.candidates.item.tolist(), ranked.scores.tolist(), strict=True))
        lost[place] = [score[variants[0]] - score[at] for at in variants[1:]]
    return lost


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "fidelity"])
    parser.add_argument("--items", type=int, default=25_000)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/ and judge/")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    choice = parser.parse_args()
    {"speed": speed, "fidelity": fidelity}[choice.what](choice)


if __name__ == "__main__":
    main()
