"""Weft, its ablations and its rivals on movielens-100k, split and scored by the judge beside the data.

    python scripts/bench/movielens.py warm                   # each user's last tenth
    python scripts/bench/movielens.py cold --seeds 0 1 2 3 4   # a fifth of the items never seen, five times
    python scripts/bench/movielens.py cold --ablations       # also without each modality, and without sequence

Wanted: warm recall@20 .2768, NDCG@20 .2238; cold .324, .371 (see docs/benchmarks.md for what came out). The judge
shares no code with Weft: it makes the splits, fits an EASE of its own, and scores the run files. Splits, runs and
vectors are kept in --work and used again.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from engine import ablation, benchmark, config, memory
from engine.config import Config
from engine.describe import describe
from engine.evaluation import splits
from engine.importers import IMPORTERS
from engine.tables import catalogue
from engine.tables.catalogue import Catalogue

METRICS = ("recall@20", "ndcg@20")


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("protocol", choices=["warm", "cold"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="of the cold items")
    parser.add_argument("--engine-seed", type=int, default=0)
    parser.add_argument("--ablations", action="store_true")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/ and judge/")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    choice = parser.parse_args()
    tables, settings = movielens(choice.shared / "data" / "movielens-100k", choice.work / "movielens")
    settings = settings.model_copy(update={"seed": choice.engine_seed})
    scored: dict[str, list[list[float]]] = {}
    for seed in choice.seeds if choice.protocol == "cold" else [0]:
        start = time.perf_counter()
        folder = choice.work / f"{choice.protocol}-{seed}"
        split_by_judge(choice.shared, choice.protocol, seed, folder / "split")
        rank(tables, settings, folder, choice.ablations)
        judge(choice.shared, "fit", "--split", folder / "split", "--method", "ease", "--out", folder / "judge-ease.tsv")
        for run in sorted(folder.glob("*.tsv")):
            values = score(choice.shared, folder / "split", run, folder / "weft.tsv")
            scored.setdefault(run.stem, []).append(values)
        print(f"set {seed}: {time.perf_counter() - start:.0f} s", flush=True)
    show(scored)


def movielens(data: Path, out: Path) -> tuple[Catalogue, Config]:
    IMPORTERS["movielens"](data, out)
    settings = config.load(out / "weft.toml")
    return catalogue.read(settings), settings


def split_by_judge(shared: Path, protocol: str, seed: int, out: Path) -> None:
    data = shared / "data" / "movielens-100k"
    judge(shared, "split", "--data", data, "--protocol", protocol, "--seed", seed, "--out", out)


def rank(tables: Catalogue, settings: Config, folder: Path, ablations: bool) -> None:
    """Run files of Weft and everything beside it."""
    split = splits.read_folder(folder / "split", tables.interactions)
    features = describe(tables, settings).features
    rows, trained, _ = benchmark.compare(tables, split, features, settings, print)
    if ablations:
        rows += ablation.modalities(benchmark.question(tables, split), features, settings, print)
    for old in folder.glob("*.tsv"):
        old.unlink()
    benchmark.write_runs(rows, benchmark.question(tables, split), folder)
    for gate in trained.gates:
        print(f"  {gate.part:>12} {gate.kind:<6} {gate.gain:+.4f} {'kept' if gate.kept else 'off'}")


def score(shared: Path, split: Path, run: Path, best: Path) -> list[float]:
    """Recall, NDCG, and Weft's paired lead in NDCG with its interval, by the judge."""
    said = judge(shared, "score", "--split", split, "--run", best, "--against", run)
    lead = next(line.split("\t") for line in said.splitlines() if line.startswith("gain in ndcg"))
    low, high = lead[2].strip("[]").split(",")
    return [*figures(shared, split, run), float(lead[1]), float(low), float(high)]


def figures(shared: Path, split: Path, run: Path) -> tuple[float, ...]:
    """Recall and NDCG by the judge."""
    said = judge(shared, "score", "--split", split, "--run", run)
    own = dict(line.split("\t")[:2] for line in said.splitlines()[1:])
    return tuple(float(own[name]) for name in METRICS)


def judge(shared: Path, *arguments: object) -> str:
    command = [sys.executable, str(shared / "judge" / "judge.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def show(scored: dict[str, list[list[float]]]) -> None:
    """Means over the sets, best NDCG first; intervals are the judge's, averaged over the sets."""
    print(f"\n{'ranker':28}{'recall@20':>10}{'ndcg@20':>10}{'lead':>10}   95% interval")
    means = {name: np.mean(values, axis=0) for name, values in scored.items()}
    for name, (recall, ndcg, lead, low, high) in sorted(means.items(), key=lambda pair: -pair[1][1]):
        print(f"{name:28}{recall:10.4f}{ndcg:10.4f}{lead:+10.4f}   {low:+.4f} to {high:+.4f}")


if __name__ == "__main__":
    main()
