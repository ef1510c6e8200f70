"""What movielens-100k costs: python scripts/bench/movielens_cost.py [--shared ../shared].

Builds from nothing and once more (wanted: under 4 minutes, and under 40 seconds for the vectors that are there already
and everything learned anew), with peak memory, size of the artefact, time to load it, and the time of `recommend` for
one user (wanted: median under 5 ms).
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from engine import Engine
from engine.importers import IMPORTERS

WEFT = "from engine.cli import app; app()"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/")
    parser.add_argument("--users", type=int, default=300)
    choice = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        IMPORTERS["movielens"](choice.shared / "data" / "movielens-100k", folder / "ml")
        for what in ("build from nothing", "second build"):
            start = time.perf_counter()
            command = [sys.executable, "-c", WEFT, "build", folder / "ml" / "weft.toml", "--out", folder / "artefact"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            print(f"{what}: {time.perf_counter() - start:.0f} s", flush=True)
        print(f"peak memory: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20:.1f} GiB")
        size = sum(path.stat().st_size for path in (folder / "artefact").rglob("*") if path.is_file())
        print(f"artefact: {size / 2**20:.0f} MiB")
        start = time.perf_counter()
        engine = Engine.load(folder / "artefact")
        print(f"load: {time.perf_counter() - start:.1f} s")
        users = engine.catalogue.interactions["user_id"].unique(maintain_order=True).to_list()[: choice.users]
        engine.recommend(user=users[0])
        times = []
        for user in users:
            start = time.perf_counter()
            engine.recommend(user=user)
            times.append(1e3 * (time.perf_counter() - start))
        p50, p95 = np.percentile(times, [50, 95])
        print(f"recommend for one user, top 10 with contributions: p50 {p50:.1f} ms, p95 {p95:.1f} ms")
        start = time.perf_counter()
        engine.recommend_batch(users)
        print(f"recommend_batch: {1e3 * (time.perf_counter() - start) / len(users):.1f} ms a user")


if __name__ == "__main__":
    main()
