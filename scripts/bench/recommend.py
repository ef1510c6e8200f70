"""How fast lists are made: python scripts/bench/recommend.py [--items 25000] [--users 10000].

A generated shop (facts of a graph and words; no pictures, and no text vectors, which no request looks at) is made once
and kept in --work. The fusion, with what its gates keep, is that of a small shop of the same kind, and the generators
that it keeps are fitted on the large one; with --everything nothing is gated, and every generator and the reranker take
part: all that training could ever keep. The artefact is loaded, and 1,000 users with histories of every length are
asked for one at a time and in batches, top 10 with contributions, on one thread. The `implicit` library's ALS answers
for the same users from the same matrix in the same run, in an environment of its own. Wanted: p50 under 2 ms, p99
under 10 ms.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from peers import environments
from threadpoolctl import threadpool_limits

from engine import Engine, history, memory
from engine.candidates import fit_all
from engine.config import Config
from engine.demo import choices, relations
from engine.demo.people import I64, People, make_people, make_world
from engine.demo.products import make
from engine.describe import describe
from engine.ranker import Ranker
from engine.state import State
from engine.tables.catalogue import Catalogue, from_tables

SMALL = (1000, 1000)
"""Items and users of the shop that the fusion and the reranker come from."""
BLOCK = 1000
"""People who choose at once, so that a large shop fits in memory."""
NEW_ITEMS = 0.05
N = 10


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=25_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--asked", type=int, default=1_000)
    parser.add_argument("--everything", action="store_true", help="with all generators and the reranker, ungated")
    parser.add_argument("--build", action="store_true", help="make the artefact and stop")
    parser.add_argument("--work", type=Path, default=Path("runs/recommend"))
    choice = parser.parse_args()
    artefact = choice.work / f"{choice.items}-{choice.users}{'-everything' if choice.everything else ''}"
    if choice.build:
        build(choice.items, choice.users, choice.work, configuration(not choice.everything)).save(artefact)
        return
    if not artefact.exists():  # in a process of its own, or its memory would be told as that of the lists
        again = [sys.executable, __file__, "--build", "--work", str(choice.work)]
        again += ["--items", str(choice.items), "--users", str(choice.users)]
        subprocess.run(again + ["--everything"] * choice.everything, check=True)
    with threadpool_limits(1):
        found = measure(artefact, choice.asked) | {"implicit": peer(artefact)}
    artefact.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    show(found)


def configuration(gate: bool) -> Config:
    own = ["collection", "colour", "material", "gender", "season", "room", "use", "connection", "age", "genre", "level"]
    data = {
        "text": ["title", "title_zh", "description", "description_zh"], "image": "", "brand": "brand",
        "category": "category", "attributes": own, "numeric": ["price"],
    }  # fmt: skip
    # What is learned by fewer steps or from fewer items is as large, and takes as long to ask.
    quick = {"attention": {"epochs": 2}, "gnn": {"epochs": 8}, "content": {"max_items": 4000}}
    return Config.model_validate(
        {
            "data": data,
            "encoders": {"text": "", "image": ""},
            "fusion": {"gate": gate},
            "candidates": quick,
            "tracking": {"to": ""},
            "graph": {"store": "none"},
        }
    )


def build(items: int, users: int, work: Path, settings: Config) -> Engine:
    """An engine of a shop: generators of its own, and the fusion and reranker of a small one."""
    learned = Engine.build(shop(*SMALL, settings, work), settings, print).ranker
    tables = shop(items, users, settings, work)
    print("generators of the large shop", flush=True)
    described = describe(tables, settings)
    index = {item: row for row, item in enumerate(tables.items["item_id"])}
    people = tables.interactions["user_id"].unique(maintain_order=True).to_list()
    past = history.from_frame(tables.interactions, people, index)
    with threadpool_limits(1):
        generators = fit_all(past, described.features, settings, [one.name for one in learned.generators])
    known = np.bincount(past.items, minlength=items) > 0
    ranker = Ranker(generators, learned.fusion, learned.reranker, described.features, known)
    return Engine(State(settings, tables, ranker, described.vocabulary, described.graph))


def shop(items: int, users: int, settings: Config, work: Path) -> Catalogue:
    """The tables of `shopped`, read again where they were made before."""
    folder = work / f"shop-{items}-{users}"
    if not folder.exists():
        made = shopped(items, users)
        folder.mkdir(parents=True)
        for name, table in made.items():
            table.write_parquet(folder / f"{name}.parquet")
    tables = [pl.read_parquet(folder / f"{name}.parquet") for name in ("items", "interactions", "triples")]
    return from_tables(tables[0], tables[1], settings, tables[2])


def shopped(items: int, users: int, seed: int = 0) -> dict[str, pl.DataFrame]:
    """Tables as of `weft demo`, of many people and without pictures."""
    rng = np.random.default_rng([seed, 4])
    products = make(items, seed)
    new = np.zeros(items, bool)
    new[rng.permutation(np.setdiff1d(np.arange(items), [products.hero]))[: round(NEW_ITEMS * items)]] = True
    world, people = make_world(products, new, seed), make_people(users, seed)
    counts = choices.lengths(users, items // 4, rng)
    events = []
    for start in range(0, users, BLOCK):
        some = slice(start, start + BLOCK)
        made = choices.simulate(world, part(people, some), counts[some], rng)
        events.append(
            pl.DataFrame(
                {
                    "user_id": [f"u{user}" for user in np.repeat(np.arange(users)[some], counts[some])],
                    "item_id": np.array(products.ids)[made.items],
                    "value": made.values,
                    "time": made.times,
                }
            )
        )
    table = products.table.drop("image", strict=False)
    triples = relations.triples(products, world.links)
    return {"items": table, "interactions": pl.concat(events), "triples": triples}


def part(people: People, some: slice) -> People:
    age, gender, region = (getattr(people, name)[some] for name in ("age", "gender", "region"))
    return People(people.early[some], people.late[some], age, gender, region)


def asked_for(lengths: I64, n: int) -> I64:
    """(n,) users of every length of history, in an order by chance."""
    by_length = np.argsort(lengths, kind="stable")
    some = by_length[np.linspace(0, len(lengths) - 1, min(n, len(lengths))).astype(int)]
    return np.random.default_rng(0).permutation(some)


def measure(artefact: Path, n: int) -> dict[str, Any]:
    start = time.perf_counter()
    engine = Engine.load(artefact)
    found: dict[str, Any] = {"load s": time.perf_counter() - start}
    names = engine.catalogue.interactions["user_id"].unique(maintain_order=True).to_list()
    matrix = engine.state.lookup.histories(names).seen()
    rows = asked_for(np.diff(matrix.indptr), n)
    arrays = {"indptr": matrix.indptr, "items": matrix.indices, "n": matrix.shape[1], "asked": rows}
    np.savez(artefact.with_suffix(".npz"), allow_pickle=False, **arrays)
    users = [names[row] for row in rows]
    found["first answer s"] = seconds(lambda: engine.recommend(user=users[0], n=N))
    found["signals"] = list(engine.ranker.fusion.names)
    found["reranker"] = engine.ranker.reranker is not None
    found["MiB"] = {"resident, loaded": resident()}
    wall, processor = 1e3 * np.array([both(partial(engine.recommend, user=user, n=N)) for user in users]).T
    found["one ms"] = quantiles(wall)
    found["one ms of the processor"] = quantiles(processor)
    found["MiB"]["peak after single requests"] = peak()
    batch, of_processor = both(lambda: engine.recommend_batch(users, n=N))
    found["users a second in batch"] = len(users) / batch
    found["users a second of the processor in batch"] = len(users) / of_processor
    found["MiB"]["peak after a batch"] = peak()
    return found


def peer(artefact: Path) -> dict[str, Any]:
    """What the implicit library takes on the same matrix, or why there is none of it."""
    ready = environments.ready("implicit")
    if ready.error:
        return {"error": ready.error}
    script = Path(environments.__file__).parent / "implicit_speed.py"
    command = [str(ready.python), str(script), str(artefact.with_suffix(".npz")), "--n", str(N)]
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=threads)
    return json.loads(done.stdout) if done.returncode == 0 else {"error": environments.last_lines(done.stderr)}


def quantiles(times: Any) -> dict[str, float]:
    return {f"p{q}": float(np.percentile(times, q)) for q in (50, 95, 99)}


def both(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor: on a busy machine the clock also tells of others."""
    start, spent = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - spent


def seconds(work: Callable[[], object]) -> float:
    return both(work)[0]


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def show(found: dict[str, Any]) -> None:
    """The table, and below it what else was noted."""
    peers = found.pop("implicit")
    rows = {"weft": found} | {f"implicit ALS, {name}": peers.get(name, {}) for name in ("looked up", "folded in")}
    print("| | p50 | p95 | p99 ms | of the processor: p50 | p95 | p99 ms | users a second in batch |")
    print("|---|---|---|---|---|---|---|---|")
    for name, row in rows.items():
        kinds = ("one ms", "one ms of the processor")
        times = [f"{value:.2f}" for kind in kinds for value in row.get(kind, {}).values()] or [""] * 6
        batch = row.get("users a second in batch")
        print(f"| {name} |", " | ".join([*times, f"{batch:,.0f}" if batch else str(peers.get("error", ""))]), "|")
    print(json.dumps({name: value for name, value in found.items() if name not in kinds}))


if __name__ == "__main__":
    main()
