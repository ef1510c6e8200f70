"""Weft on amazon-book, the split of KGAT that many papers report on, scored by the judge beside the data.

    python scripts/bench/amazon_book.py [--seeds 0 1 2] [--rivals]

Wanted: recall@20 .182, NDCG@20 .106, in at most three times the time of our own EASE and under 16 GiB. Nothing in this
data has a time, so no generator looks at the order of events. Settings were chosen on a fifth of train, held out.
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from movielens import figures, judge
from peers.peer_table import PUBLISHED

from engine import ablation, benchmark, config, memory
from engine.candidates import Features
from engine.config import Config
from engine.describe import describe
from engine.evaluation import splits
from engine.importers import IMPORTERS
from engine.tables import catalogue
from engine.tables.catalogue import Catalogue

CHOSEN = {
    "ease": {"l2": 20.0, "power": 0.25, "max_items": 10_000, "near": 100},
    "als": {"dim": 256, "l2": 0.005, "rounds": 16},
}
USERS = 2000
"""Lists to learn the fusion from, a quarter of them: answers are few among so many items."""


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--rivals", action="store_true", help="also each generator alone, with the first seed")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/ and judge/")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    choice = parser.parse_args()
    data, folder = choice.shared / "data" / "amazon-book", choice.work / "kgat"
    judge(choice.shared, "split", "--data", data, "--protocol", "kgat", "--out", folder / "split")
    IMPORTERS["kgat"](data, folder / "tables")
    settings = chosen(config.load(folder / "tables" / "weft.toml"))
    tables = catalogue.read(settings)
    features = describe(tables, settings).features
    found: dict[str, list[tuple[float, ...]]] = {}
    for seed in choice.seeds:
        rank(
            tables,
            features,
            settings.model_copy(update={"seed": seed}),
            folder,
            choice.rivals and seed == choice.seeds[0],
        )
        for run in sorted(folder.glob(f"seed-{seed}/*.tsv")):
            found.setdefault(run.stem, []).append(figures(choice.shared, folder / "split", run))
    show(found)


def chosen(settings: Config) -> Config:
    """Without order, with what validation chose, and with a fifth of each history held out, as in this split."""
    settings = ablation.unordered(settings)
    evaluation = settings.evaluation.model_copy(update={"test_share": 0.2})
    fusion = settings.fusion.model_copy(update={"users": USERS})
    settings = settings.model_copy(update={"evaluation": evaluation, "fusion": fusion})
    for generator, change in CHOSEN.items():
        settings = ablation.switched(settings, generator, change)
    return settings


def rank(tables: Catalogue, features: Features, settings: Config, folder: Path, rivals: bool) -> None:
    """Run files of Weft and, with `rivals`, of each generator alone; time and memory."""
    seed = settings.seed
    asked = benchmark.question(tables, splits.read_folder(folder / "split", tables.interactions))
    start, processor = time.perf_counter(), time.process_time()
    ranker, trained = benchmark.trained_ranker(asked, features, settings, print)
    took, processor = time.perf_counter() - start, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"seed {seed}: trained in {took:.0f} s, {processor:.0f} s of the processor, peak {peak:.1f} GiB", flush=True)
    for gate in trained.gates:
        kept = "kept" if gate.kept else "off"
        print(f"  {gate.part:>12} {gate.kind:<6} {gate.gain:+.4f} ({gate.low:+.4f} to {gate.high:+.4f}) {kept}")
    rows = [benchmark.row_of("weft", asked, settings, *benchmark.ranked(ranker, asked, 20))]
    del ranker, trained
    if rivals:
        found, costs = benchmark.rivals(asked, features, settings, 20)
        rows += [benchmark.row_of(name, asked, settings, *best) for name, best in found]
        each = ", ".join(f"{name} {cost.seconds:.0f}" for name, cost in costs.items())
        print("  alone, seconds of the processor:", each, flush=True)
    benchmark.write_runs(rows, asked, folder / f"seed-{seed}")


def show(found: dict[str, list[tuple[float, ...]]]) -> None:
    """Means over the seeds, best NDCG first."""
    means = {name: np.mean(values, axis=0) for name, values in found.items()}
    print(f"\n{'ranker':28}{'recall@20':>10}{'ndcg@20':>10}   seeds")
    for name, (recall, ndcg) in sorted(means.items(), key=lambda pair: -pair[1][1]):
        print(f"{name:28}{recall:10.4f}{ndcg:10.4f}   {len(found[name])}")
    for name, recall, published in PUBLISHED["kgat"]:
        print(f"{name + ' (published)':28}{recall:10.4f}{published or float('nan'):10.4f}")


if __name__ == "__main__":
    main()
