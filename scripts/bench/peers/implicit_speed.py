"""How fast implicit's ALS answers, for recommend.py: one user at a time and all at once. Run by its own Python.

The matrix is an npz of indptr, items, n and asked, as recommend.py writes it; the figures go to stdout as JSON.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import implicit
import numpy as np
from scipy import sparse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("matrix")
    parser.add_argument("--n", type=int, default=10)
    choice = parser.parse_args()
    kept = np.load(choice.matrix, allow_pickle=False)
    shape = (len(kept["indptr"]) - 1, int(kept["n"]))
    chosen = sparse.csr_matrix((np.ones(len(kept["items"]), np.float32), kept["items"], kept["indptr"]), shape)
    model = implicit.als.AlternatingLeastSquares(factors=64, iterations=15, num_threads=1, random_state=0)
    model.fit(chosen, show_progress=False)
    found: dict[str, Any] = {"version": implicit.__version__, "factors": 64}
    users = kept["asked"]
    # With `recalculate_user` a history is folded in, as Weft always does; without, the user's row is looked up.
    for name, fold in (("looked up", False), ("folded in", True)):
        ask = partial(model.recommend, N=choice.n, recalculate_user=fold)
        ask(users[0], chosen[users[0]])
        times = [seconds(partial(ask, user, chosen[user])) for user in users]
        wall, processor = 1e3 * np.array(times).T
        batch, _ = seconds(partial(ask, users, chosen[users]))
        found[name] = {
            "one ms": quantiles(wall),
            "one ms of the processor": quantiles(processor),
            "users a second in batch": len(users) / batch,
        }
    print(json.dumps(found))


def quantiles(times: Any) -> dict[str, float]:
    return {f"p{q}": float(np.percentile(times, q)) for q in (50, 95, 99)}


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """By the clock, and of the processor."""
    start, spent = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - spent


if __name__ == "__main__":
    main()
