"""What EASE loses where each item is regressed on its nearest alone, on splits of the judge where the exact one fits.

    python scripts/bench/large_ease.py                     # amazon-book
    python scripts/bench/large_ease.py --data movielens    # movielens-100k, each user's last tenth

Exact EASE is the peer. The peak of memory is that of the process so far, so rows go from the smallest to the largest.
Writes large-ease-DATA.json into --work. Recall and NDCG are Weft's own, which agree with the judge's to 1e-6.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
from amazon_book import CHOSEN
from movielens import judge, movielens, split_by_judge

from engine import benchmark, config
from engine.benchmark import Question
from engine.candidates import ease
from engine.config import Config, Ease
from engine.evaluation import splits
from engine.importers import IMPORTERS
from engine.tables import catalogue

NEAR = (25, 50, 100, 200)
ALL = 10**9
"""More items than there are: the exact one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=["amazon-book", "movielens"], default="amazon-book")
    parser.add_argument("--near", type=int, nargs="+", default=NEAR)
    parser.add_argument("--without-exact", action="store_true", help="it takes minutes on amazon-book")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/ and judge/")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    choice = parser.parse_args()
    asked, base = amazon_book(choice) if choice.data == "amazon-book" else films(choice)
    rows = []
    for near in choice.near:
        rows += measured(asked, base.model_copy(update={"near": near, "max_items": 1}), f"{near} nearest")
    if not choice.without_exact:
        rows += measured(asked, base.model_copy(update={"max_items": ALL}), "exact")
    choice.work.mkdir(parents=True, exist_ok=True)
    (choice.work / f"large-ease-{choice.data}.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")


def measured(asked: Question, settings: Ease, name: str) -> list[dict[str, float | str]]:
    """A row for each half-life."""
    start, processor = time.perf_counter(), time.process_time()
    model = ease.fit(asked.known, settings)
    wall, processor = time.perf_counter() - start, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    size = sum(array.nbytes for array in model.tensors().values()) / 2**20
    rows = []
    for signal, best in benchmark.best_by(asked, model.signals, model.score, 20):
        row = benchmark.row_of(name, asked, Config(), *best)
        recall, ndcg = (float(np.mean(row.metrics[f"{metric}@20"])) for metric in ("recall", "ndcg"))
        print(
            f"{name:>12} {signal:>9}  recall@20 {recall:.4f}  NDCG@20 {ndcg:.4f}  fit {wall:.0f} s, "
            f"{processor:.1f} s of the processor, weights {size:.0f} MiB, peak {peak:.1f} GiB",
            flush=True,
        )
        rows.append(
            {
                "name": name,
                "signal": signal,
                "recall@20": recall,
                "ndcg@20": ndcg,
                "wall_s": wall,
                "cpu_s": processor,
                "weights_mib": size,
                "peak_gib": peak,
            }
        )
    return rows


def amazon_book(choice: argparse.Namespace) -> tuple[Question, Ease]:
    """As in amazon_book.py; histories do not fade."""
    data, folder = choice.shared / "data" / "amazon-book", choice.work / "kgat"
    judge(choice.shared, "split", "--data", data, "--protocol", "kgat", "--out", folder / "split")
    IMPORTERS["kgat"](data, folder / "tables")
    tables = catalogue.read(config.load(folder / "tables" / "weft.toml"))
    asked = benchmark.question(tables, splits.read_folder(folder / "split", tables.interactions))
    return asked, Ease.model_validate({**CHOSEN["ease"], "half_lives": [float("inf")]})


def films(choice: argparse.Namespace) -> tuple[Question, Ease]:
    """As in movielens.py warm."""
    tables, settings = movielens(choice.shared / "data" / "movielens-100k", choice.work / "movielens")
    folder = choice.work / "warm-0" / "split"
    split_by_judge(choice.shared, "warm", 0, folder)
    asked = benchmark.question(tables, splits.read_folder(folder, tables.interactions))
    return asked, settings.candidates.ease.model_copy(update={"half_lives": (10.0, float("inf"))})


if __name__ == "__main__":
    main()
