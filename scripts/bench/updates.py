"""What it costs to add, change and remove items: python scripts/bench/updates.py [--items 25000] [--users 10000].

The engine of scripts/bench/recommend.py --everything (every generator, no text vectors; made by it, if it is not there)
has been asked once. Then 1, 10 and 100 items are added, changed (another title, description and price) and removed
again, five times each, and after each change a search is asked for, which has to know. Told are medians in seconds of
the processor on one thread, of the change, of the search after it, and of what the same search takes when all indices
are made anew, as was done before.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from engine import Engine
from engine.demo.products import make
from engine.search.hybrid import Searcher

SIZES, TIMES = (1, 10, 100), 5
QUERY = "white sneakers"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=25_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--work", type=Path, default=Path("runs/recommend"))
    choice = parser.parse_args()
    artefact = choice.work / f"{choice.items}-{choice.users}-everything"
    if not artefact.exists():
        size = ["--items", str(choice.items), "--users", str(choice.users), "--work", str(choice.work)]
        beside = str(Path(__file__).with_name("recommend.py"))
        subprocess.run([sys.executable, beside, "--build", "--everything", *size], check=True)
    with threadpool_limits(1):
        found = measure(Engine.load(artefact))
    Path(choice.work / f"updates-{choice.items}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("| seconds of the processor | 1 item | the search after it | 10 | | 100 | |")
    print("|---|---|---|---|---|---|---|")
    for what in ("add", "change", "remove"):
        cells = [f"{seconds:.2f}" for size in SIZES for seconds in found[f"{what} {size}"]]
        print(f"| {what} |", " | ".join(cells), "|")
    print(f"all indices of search made anew: {found['anew']:.1f} s")


def measure(engine: Engine) -> dict[str, Any]:
    state = engine.state
    engine.search(QUERY)
    engine.recommend(user=state.catalogue.interactions["user_id"][0])
    features, items = state.ranker.features, state.catalogue.items
    fresh = Searcher(items, state.graph, features, state.queries, state.removed)
    found: dict[str, Any] = {"anew": spent(lambda: fresh.search(QUERY, ~state.removed, 10))}
    for size in SIZES:
        rows = make(size, 1, prefix="late").table.drop("image", strict=False)
        others = make(size, 2, prefix="late").table.drop("image", strict=False)
        ids = rows["item_id"].to_list()
        changes = {
            "add": lambda rows=rows: engine.add_items(rows),
            "change": lambda others=others: engine.change_items(others),
            "remove": lambda ids=ids: engine.remove_items(ids),
        }
        noted: dict[str, list[tuple[float, float]]] = {what: [] for what in changes}
        for turn in range(TIMES):
            for what, work in changes.items():
                noted[what].append((spent(work), spent(lambda: engine.search(QUERY))))
                print(size, turn, what, *(f"{each:.2f}" for each in noted[what][-1]), file=sys.stderr, flush=True)
        found |= {f"{what} {size}": np.median(pairs, axis=0).tolist() for what, pairs in noted.items()}
    return found


def spent(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
