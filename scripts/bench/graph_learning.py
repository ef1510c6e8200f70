"""The graph network beside closed forms, on films that nobody has touched, split and scored by the judge.

    python scripts/bench/graph_learning.py table               # every ranker, by facts alone and with text and pictures
    python scripts/bench/graph_learning.py table --weft        # also the engine by facts alone, a minute more a set
    python scripts/bench/graph_learning.py choose              # what was tried, on items hidden inside train
    python scripts/bench/graph_learning.py broken --plot docs/broken.svg   # edges deleted or rewired
    python scripts/bench/graph_learning.py relations           # how far each relation moves the items that have it

Wanted, mean of five sets, recall@20 / NDCG@20: by facts alone .31 / .36, with text and pictures .335 / .385.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from movielens import judge, movielens, split_by_judge
from numpy.typing import NDArray
from scipy import sparse

from engine import ablation, benchmark, memory
from engine.benchmark import Question
from engine.candidates import Features, content, gnn
from engine.candidates.amount import binary
from engine.config import Config, Gnn
from engine.describe import describe
from engine.evaluation import metrics, runs, splits
from engine.tables.catalogue import Catalogue
from graph.facts import tfidf

KINDS = ("relational", "propagation", "attention")
SHARES = (0.0, 0.1, 0.3, 0.5)
METRICS = ("recall@20", "ndcg@20")
Scores = NDArray[np.float32]


def facts_only(features: Features) -> Features:
    for name in ("words", "text", "image"):
        features = ablation.without(features, name)
    return features


def pagerank(asked: Question, features: Features, damping: float = 0.85, steps: int = 8) -> Scores:
    """(users, items) personalised PageRank (Haveliwala 2002) from a history, over items and entities."""
    walk = binary(features)
    to_entity = sparse.diags_array(1 / np.maximum(walk.sum(1), 1)) @ walk
    to_item = (walk @ sparse.diags_array(1 / np.maximum(walk.sum(0), 1))).T
    start = asked.asked.seen().astype(np.float32)
    start = sparse.csr_array(sparse.diags_array(1 / np.maximum(start.sum(1), 1)) @ start).toarray()
    reached = start
    for _ in range(steps):
        reached = (1 - damping) * start + damping * ((reached @ to_entity) @ to_item)
    return np.asarray(reached, np.float32)


def rankers(asked: Question, features: Features, config: Config) -> Iterator[tuple[str, Scores]]:
    """Each by facts alone, then with everything; the closed forms first."""
    found, candidates = facts_only(features), config.candidates
    yield "facts: personalised PageRank", pagerank(asked, found)
    for what, some in (("facts", found), ("everything", features)):
        yield f"{what}: kernel ridge", last(content.fit(asked.known, some, candidates.content), asked)
        for kind in KINDS:
            settings = candidates.gnn.model_copy(update={"kind": kind})
            yield f"{what}: network, {kind}", last(gnn.fit(asked.known, some, settings, config.seed), asked)


def last(generator: content.Factors, asked: Question) -> Scores:
    """(users, items) of the signal whose history does not fade."""
    return np.asarray(generator.score(asked.asked)[-1])


def lists(scores: Scores, asked: Question, depth: int = 100) -> tuple[NDArray[np.int64], Scores]:
    return metrics.rank(np.array(scores), depth, asked.asked.seen(), asked.allowed)


def each_set(choice: argparse.Namespace) -> Iterator[tuple[int, Path, Question, Features, Config]]:
    tables, settings = movielens(choice.shared / "data" / "movielens-100k", choice.work / "movielens")
    features = describe(tables, settings).features
    for seed in choice.sets:
        folder = choice.work / f"graph-{seed}"
        split_by_judge(choice.shared, "cold", seed, folder / "split")
        asked = benchmark.question(tables, splits.read_folder(folder / "split", tables.interactions))
        yield seed, folder, asked, features, settings


def table(choice: argparse.Namespace) -> None:
    scored: dict[str, list[list[float]]] = {}
    for seed, folder, asked, features, config in each_set(choice):
        made: list[tuple[str, tuple[NDArray[np.int64], Scores]]] = []
        for engine_seed in choice.engine_seeds:
            settings = config.model_copy(update={"seed": engine_seed})
            made += [
                (f"{name}|{engine_seed}", lists(scores, asked)) for name, scores in rankers(asked, features, settings)
            ]
        if choice.weft:
            ranker, _ = benchmark.trained_ranker(asked, facts_only(features), config, lambda stage: None)
            made.append(("facts: weft|0", benchmark.ranked(ranker, asked, 100)))
        for name, (ranked, scores) in made:
            runs.write(run_of(folder, name), asked.users, asked.items, ranked, scores)
        for name, _ in made:
            rival = f"{name.split(':')[0]}: kernel ridge|{choice.engine_seeds[0]}"
            scored.setdefault(name.split("|")[0], []).append(by_judge(choice.shared, folder, name, rival))
        print(f"set {seed} done", flush=True)
    print(f"\n{'ranker':34}{'recall@20':>10}{'ndcg@20':>10}   over the ridge in NDCG, 95% interval")
    for name, values in scored.items():
        recall, ndcg, lead, low, high = np.mean(values, axis=0)
        print(f"{name:34}{recall:10.4f}{ndcg:10.4f}   {lead:+.4f} ({low:+.4f} to {high:+.4f})")


CHOICES: dict[str, dict[str, float | str]] = {
    "as it is": {},
    "no contrast": {"contrast": 0.0},
    "contrast .1": {"contrast": 0.1},
    "contrast .4": {"contrast": 0.4},
    "temperature .1": {"temperature": 0.1},
    "calm 0": {"calm": 0.0},
    "calm .01": {"calm": 0.01},
    "links .1": {"link": 0.1},
    "links .02": {"link": 0.02},
    "a tenth held cold": {"held": 0.1},
    "attention": {"kind": "attention"},
    "propagation": {"kind": "propagation"},
    "dim 128": {"dim": 128},
}
"""Settings of the network that were weighed, beside what is the default now."""


def choose(choice: argparse.Namespace) -> None:
    """The network with other settings, on a fifth of the items of each train, hidden; the test is not looked at."""
    tables, settings = movielens(choice.shared / "data" / "movielens-100k", choice.work / "movielens")
    features = describe(tables, settings).features
    asked = [hidden(tables, choice, seed) for seed in choice.sets]
    for name, change in CHOICES.items():
        weigh(name, features, settings.candidates.gnn.model_copy(update=change), asked)
    linked = settings.model_copy(update={"graph": settings.graph.model_copy(update={"link": True})})
    weigh("texts linked", describe(tables, linked).features, settings.candidates.gnn, asked)


def weigh(name: str, features: Features, config: Gnn, asked: list[Question]) -> None:
    """Print the mean NDCG of the network on some sets, with everything and by facts alone."""
    start, means = time.perf_counter(), []
    for some in (features, facts_only(features)):
        quality = []
        for one in asked:
            ranked, _ = lists(last(gnn.fit(one.known, some, config, 0), one), one, 20)
            quality.append(metrics.list_metrics(ranked, one.relevant, 20)["ndcg@20"].mean())
        means.append(np.mean(quality))
    took = (time.perf_counter() - start) / 2 / len(asked)
    print(f"{name:20} everything {means[0]:.4f}   facts {means[1]:.4f}   {took:.1f} s a fit", flush=True)


def hidden(tables: Catalogue, choice: argparse.Namespace, seed: int) -> Question:
    """A fifth of the items that have history in the train of a cold set, as items to place."""
    folder = choice.work / f"graph-{seed}" / "split"
    split_by_judge(choice.shared, "cold", seed, folder)
    train = splits.read_folder(folder, tables.interactions).train
    items = np.array(sorted(train["item_id"].unique()))
    drawn = np.random.default_rng(100 + seed).permutation(items)[: len(items) // 5].tolist()
    cold = train["item_id"].is_in(drawn)
    made = splits.Split(train.filter(~cold), train.clear(), train.filter(cold), sorted(drawn), "cold-item", seed)
    return benchmark.question(tables, made)


def run_of(folder: Path, name: str) -> Path:
    return folder / (name.replace(": ", "-").replace(", ", "-").replace(" ", "-").replace("|", "-") + ".tsv")


def by_judge(shared: Path, folder: Path, name: str, rival: str) -> list[float]:
    """Recall, NDCG, and the paired gain in NDCG over a rival with its interval."""
    said = judge(
        shared, "score", "--split", folder / "split", "--run", run_of(folder, name), "--against", run_of(folder, rival)
    )
    rows = {line.split("\t")[0]: line.split("\t") for line in said.splitlines()}
    gain = next(row for key, row in rows.items() if key.startswith("gain in ndcg"))
    return [*(float(rows[m][1]) for m in METRICS), float(gain[1]), *(float(x) for x in gain[2].strip("[]").split(","))]


def deleted(features: Features, share: float, rng: np.random.Generator) -> Features:
    """The same items with a share of the edges gone."""
    cells = features.facts.tocoo()
    kept = rng.random(len(cells.data)) >= share
    return with_cells(features, cells.data[kept], cells.row[kept], cells.col[kept])


def rewired(features: Features, share: float, rng: np.random.Generator) -> Features:
    """The same items with the entities of a share of the edges dealt out anew within each relation."""
    cells = features.facts.tocoo()
    columns = cells.col.copy()
    drawn = rng.random(len(columns)) < share
    for relation in np.unique(features.relations):
        some = np.flatnonzero(drawn & (features.relations[cells.col] == relation))
        columns[some] = columns[rng.permutation(some)]
    return with_cells(features, cells.data, cells.row, columns)


def with_cells(features: Features, data: Scores, rows: NDArray[np.int32], columns: NDArray[np.int32]) -> Features:
    changed = sparse.csr_array(sparse.coo_array((data, (rows, columns)), shape=features.facts.shape))
    return replace(features, facts=tfidf(changed, np.ones(changed.shape[1], np.float32))[0])


def broken(choice: argparse.Namespace) -> None:
    """NDCG of the network and the ridge, by facts alone, on graphs with broken edges; the same breaks for both."""
    harms: dict[str, Callable[[Features, float, np.random.Generator], Features]] = {
        "deleted": deleted, "rewired": rewired
    }  # fmt: skip
    found: dict[tuple[str, str], list[list[float]]] = {}
    for seed, _, asked, features, config in each_set(choice):
        for how, harm in harms.items():
            rows: dict[str, list[float]] = {"network": [], "kernel ridge": []}
            for share in SHARES:
                some = harm(facts_only(features), share, np.random.default_rng(seed))
                fitted = {
                    "network": gnn.fit(asked.known, some, config.candidates.gnn, config.seed),
                    "kernel ridge": content.fit(asked.known, some, config.candidates.content),
                }
                for name, generator in fitted.items():
                    ranked, _ = lists(last(generator, asked), asked, 20)
                    rows[name].append(float(metrics.list_metrics(ranked, asked.relevant, 20)["ndcg@20"].mean()))
            for name, values in rows.items():
                found.setdefault((name, how), []).append(values)
        print(f"set {seed} done", flush=True)
    print("\nNDCG@20, share of edges broken: " + "  ".join(f"{share:.0%}" for share in SHARES))
    for (name, how), values in found.items():
        print(f"{name:14}{how:9}" + "  ".join(f"{value:.4f}" for value in np.mean(values, axis=0)))
    if choice.plot:
        draw({key: np.mean(values, axis=0) for key, values in found.items()}, choice.plot)


def draw(means: dict[tuple[str, str], NDArray[np.float64]], to: Path) -> None:
    figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
    for (name, how), values in means.items():
        colour, style = ("#1f6feb" if name == "network" else "#c2410c"), ("-" if how == "deleted" else "--")
        axes.plot([100 * share for share in SHARES], values, style, color=colour, marker="o", label=f"{name}, {how}")
    axes.set(xlabel="edges broken, %", ylabel="NDCG@20 on films nobody touched", ylim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(to, metadata={"Date": None})
    print(f"plot: {to}")


def relations(choice: argparse.Namespace) -> None:
    """How far each relation moves the items that have it, where 1 is all that an item hears."""
    _, _, asked, features, config = next(each_set(choice))
    fitted = gnn.fit(asked.known, features, config.candidates.gnn, config.seed)
    moved = fitted.placer.placer.relation_weights(gnn.graph_of(features, fitted.placer.amount))
    tables, settings = movielens(choice.shared / "data" / "movielens-100k", choice.work / "movielens")
    names = describe(tables, settings).vocabulary.entities["relation"].unique().sort().to_list()
    edges = np.bincount(features.relations[features.facts.indices], minlength=len(names))
    print(f"{'relation':18}{'edges':>8}{'moves':>8}")
    for number in np.argsort(-moved):
        print(f"{names[number]:18}{edges[number]:8}{moved[number]:8.2f}")


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["table", "choose", "broken", "relations"])
    parser.add_argument("--sets", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="of cold items")
    parser.add_argument("--engine-seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--weft", action="store_true")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/ and judge/")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    choice = parser.parse_args()
    torch.set_num_threads(1)  # the networks are small: on a busy machine two threads wait for each other
    {"table": table, "choose": choose, "broken": broken, "relations": relations}[choice.what](choice)


if __name__ == "__main__":
    main()
