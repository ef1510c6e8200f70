"""How much of what a generated shop holds is found: Weft between popularity and the truth, with and without order.

    python scripts/bench/shop.py [--seeds 0 1 2]

Each seed makes a shop of its own (`weft demo` makes the first). The last tenth of each history is asked for. The truth
knows every taste, the season, and when the next event comes: no ranker can expect more. Of the way from popularity to
the truth a ranker comes as far as (NDCG - popularity) / (truth - popularity). Nobody can know tastes, though: beside it
stands who knows all rules of the shop and learns tastes from histories (informed.py), of the first --informed users.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from informed import scores
from numpy.typing import NDArray

from engine import ablation, benchmark, config, memory
from engine.benchmark import Question, Row
from engine.demo import truth
from engine.demo.shop import generate
from engine.describe import describe
from engine.evaluation import bootstrap, metrics, splits
from engine.tables import catalogue

WEFT, TRUTH, POPULAR = "weft", "the truth", "popularity"
INFORMED = "all rules known, tastes learned"
UNORDERED = "weft, without order"
DEPTH = 20


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--cache", type=Path, default=Path("runs/planted"), help="where the shops are kept")
    parser.add_argument("--informed", type=int, default=500, help="users whose tastes are learned by all rules")
    choice = parser.parse_args()
    found: list[dict[str, Row]] = []
    informed: list[dict[str, Row]] = []
    for seed in choice.seeds:
        folder = choice.cache / f"shop-{seed}"
        if not (folder / "weft.toml").exists():
            generate(folder, seed=seed)
        made = {row.name: row for row in rows(folder, seed, choice.informed)}
        informed.append(
            {INFORMED: made.pop(INFORMED)} | {name: first(row, choice.informed) for name, row in made.items()}
        )
        found.append(made)
        show(found[-1:], f"seed {seed}")
    for title, each in (("all users", found), (f"the first {choice.informed} users", informed)):
        show(each, f"seeds {', '.join(map(str, choice.seeds))}, {title}")
    means = [{name: means_of(row) for name, row in one.items()} for one in found]
    (choice.cache / "shop.json").write_text(json.dumps(dict(zip(choice.seeds, means, strict=True)), indent=1) + "\n")


def first(row: Row, n: int) -> Row:
    """The row of the first `n` users."""
    values = {name: each[:n] for name, each in row.metrics.items()}
    return Row(row.name, values, row.ranked[:n], row.scores[:n])


def rows(folder: Path, seed: int, informed: int) -> list[Row]:
    """The truth, who is informed (of the first users), Weft, its rivals, and Weft where order says nothing."""
    settings = config.load(folder / "weft.toml").model_copy(update={"seed": seed})
    tables = catalogue.read(settings)
    split = splits.split(tables.interactions, "time", seed=seed)
    asked, features = benchmark.question(tables, split), describe(tables, settings).features
    made, trained, _ = benchmark.compare(tables, split, features, settings, print, DEPTH)
    for gate in trained.gates:
        kept = "kept" if gate.kept else "off"
        print(f"  {gate.part:>12} {gate.kind:<6} {gate.gain:+.4f} ({gate.low:+.4f} to {gate.high:+.4f}) {kept}")
    ranker, _ = benchmark.trained_ranker(asked, features, ablation.unordered(settings), print)
    less = benchmark.row_of(UNORDERED, asked, settings, *benchmark.ranked(ranker, asked, DEPTH))
    true = truth.oracle_scores(folder, asked.users, asked.asked.lengths.tolist())
    some = few(asked, informed)
    return [row(TRUTH, true, asked, settings), row(INFORMED, scores(folder, some), some, settings), *made, less]


def few(asked: Question, n: int) -> Question:
    """The same question of the first `n` users."""
    at = np.arange(min(n, len(asked.users)))
    return replace(asked, users=asked.users[:n], asked=asked.asked.take(at), relevant=asked.relevant[at])


def row(name: str, utility: NDArray[np.float32], asked: Question, settings: config.Config) -> Row:
    """The row of some utilities, (users, items); what is not out yet comes last."""
    utility = np.maximum(utility, np.float32(-1e6))
    return benchmark.row_of(name, asked, settings, *metrics.rank(utility, DEPTH, asked.asked.seen(), asked.allowed))


def means_of(row: Row) -> dict[str, float]:
    return {name: float(values.mean()) for name, values in row.metrics.items()}


def show(found: list[dict[str, Row]], title: str) -> None:
    """Means over the seeds; how far from popularity to the truth, and Weft's lead in NDCG, with 95% intervals."""
    recall, ndcg = (name for kind in ("recall", "ndcg") for name in found[0][WEFT].metrics if name.startswith(kind))
    print(f"\n| {title} | {recall} | {ndcg} | of the way to the truth | Weft's lead |\n|---|---|---|---|---|")
    values = {
        name: np.concatenate([one[name].metrics[ndcg] for one in found]) for name in set.intersection(*map(set, found))
    }
    for name in sorted(values, key=lambda name: -values[name].mean()):
        way = share(values[name], values[POPULAR], values[TRUTH])
        lead = values[WEFT] - values[name]
        low, high = bootstrap.interval(lead, 1000, 0)
        hits = np.mean([one[name].metrics[recall].mean() for one in found])
        ours = f"{lead.mean():+.4f} ({low:+.4f} to {high:+.4f})"
        print(f"| {name} | {hits:.4f} | {values[name].mean():.4f} | {way} | {ours} |")


def share(values: NDArray[np.float64], least: NDArray[np.float64], most: NDArray[np.float64]) -> str:
    """How far between two others a ranker is, with the interval of drawing the same users for all three."""
    drawn = [bootstrap.resampled_means(each, 1000, 0) for each in (values, least, most)]
    ways = (drawn[0] - drawn[1]) / (drawn[2] - drawn[1])
    low, high = np.quantile(ways, (0.025, 0.975))
    return f"{(values.mean() - least.mean()) / (most.mean() - least.mean()):.0%} ({low:.0%} to {high:.0%})"


if __name__ == "__main__":
    main()
