"""How the nearest of many vectors are found: python scripts/bench/dense_index.py [--items 1000000] [--indices ...].

Generated unit vectors of the width of the multilingual encoder (512). `clustered`: a thousand centres by chance, a
hundred kinds around each, and items around those, every step along directions whose spread falls as i^-.5, as that of
embeddings does; queries are further items. `uniform`: directions by chance, where every item is about as far as any
other and no index has anything to go by. Told are recall@10 against the exact ten, milliseconds a query one at a time
on one thread, seconds to build on one thread and MiB of the index, from 10,000 items to --items.

Each index is made in a process of its own and noted in --work/dense/, so a run that was cut goes on; at last a table
and a picture are made of all that is there. Wanted at a million: recall@10 of .97 or more, p50 under 3 ms.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

DIM, K, ASKED = 512, 10, 500
CENTRES, KINDS = 1000, 100
STEP, NEAR_STEP = 0.9, 0.6
"""How far kinds are from their centre and items from their kind; a centre has length 1."""
SIZES = (10_000, 100_000, 1_000_000)
BLOCK = 50_000

Vectors = np.ndarray
Search = Callable[[Vectors], Vectors]
"""One query, (dim,), to the rows of its ten."""


class Made(NamedTuple):
    """An index: a search for each of its settings, and its size in bytes."""

    searches: dict[str, Search]
    size: int


def clustered(rows: range, n: int) -> Vectors:
    """(rows, dim) unit vectors; the same rows whatever is asked for beside them. `n` is only for the other kind."""
    fall = np.arange(1, DIM + 1) ** -0.5
    fall /= np.linalg.norm(fall)
    frame = np.linalg.qr(np.random.default_rng(7).normal(size=(DIM, DIM)))[0].astype(np.float32)
    spread = (fall[:, None] * frame).astype(np.float32)
    fixed = np.random.default_rng(8)
    centres = unit(fixed.normal(size=(CENTRES, DIM)).astype(np.float32))
    kinds = centres.repeat(KINDS, 0) + STEP * fixed.standard_normal((CENTRES * KINDS, DIM), np.float32) @ spread
    rng = np.random.default_rng([9, rows.start])
    kind = rng.integers(0, len(kinds), len(rows))
    return unit(kinds[kind] + NEAR_STEP * rng.standard_normal((len(rows), DIM), np.float32) @ spread)


def uniform(rows: range, n: int) -> Vectors:
    return unit(np.random.default_rng([10, rows.start]).standard_normal((len(rows), DIM), np.float32))


DATA = {"clustered": clustered, "uniform": uniform}


def unit(vectors: Vectors) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def data(kind: str, n: int, work: Path) -> Vectors:
    """(n, dim) mapped from disk, made at the first call."""
    path = work / f"{kind}-{n}.npy"
    if not path.exists():
        aside = path.with_suffix(".part.npy")
        out = np.lib.format.open_memmap(aside, "w+", np.float32, (n, DIM))
        for start in range(0, n, BLOCK):
            rows = range(start, min(start + BLOCK, n))
            out[rows.start : rows.stop] = DATA[kind](rows, n)
        out.flush()
        aside.rename(path)
    return np.load(path, mmap_mode="r", allow_pickle=False)


def queries(kind: str) -> Vectors:
    return DATA[kind](range(1 << 40, (1 << 40) + ASKED), 0)


def truth(kind: str, n: int, work: Path) -> Vectors:
    """(asked, 10) rows of the exact ten."""
    path = work / f"{kind}-{n}-truth.npy"
    if not path.exists():
        vectors, asked = data(kind, n, work), queries(kind)
        best = np.full((ASKED, K), -2.0, np.float32)
        rows = np.zeros((ASKED, K), np.int64)
        for start in range(0, n, BLOCK):
            scores = np.hstack([best, asked @ vectors[start : start + BLOCK].T])
            at = np.argpartition(-scores, K, axis=1)[:, :K]
            here = np.hstack(
                [rows, np.broadcast_to(np.arange(start, start + scores.shape[1] - K), (ASKED, scores.shape[1] - K))]
            )
            best, rows = np.take_along_axis(scores, at, 1), np.take_along_axis(here, at, 1)
        np.save(path, rows, allow_pickle=False)
    return np.load(path, allow_pickle=False)


def exact(vectors: Vectors) -> Made:
    held = np.array(vectors)

    def search(query: Vectors) -> Vectors:
        return np.argpartition(-(held @ query), K)[:K]

    return Made({"": search}, held.nbytes)


def rescored(vectors: Vectors, query: Vectors, rows: Vectors) -> Vectors:
    """The best of some rows by the whole vectors, which the catalogue holds anyway."""
    return rows[np.argsort(-(vectors[rows] @ query))[:K]]


def hnsw(
    dtype: str, looked_at: tuple[int, ...], rescored_of: tuple[int, ...], links: int = 16, width: int = 128
) -> Callable[[Vectors], Made]:
    """usearch, vectors kept as `dtype`; of coarse ones the best so many are compared again by whole vectors."""

    def make(vectors: Vectors) -> Made:
        from usearch.index import Index

        held, bits = np.array(vectors), dtype == "b1"
        metric = "hamming" if bits else "ip"
        index = Index(ndim=DIM, metric=metric, dtype=dtype, connectivity=links, expansion_add=width)
        for start in range(0, len(held), BLOCK):
            some = held[start : start + BLOCK]
            index.add(np.arange(start, start + len(some)), packed(some) if bits else some, threads=1)

        def at(expansion: int, of: int) -> Search:
            def search(query: Vectors) -> Vectors:
                index.expansion_search = expansion
                found = index.search(packed(query[None])[0] if bits else query, of, threads=1)
                rows = found.keys.astype(np.int64)
                return rows if of == K else rescored(held, query, rows)

            return search

        each = [(one, of) for of in rescored_of for one in looked_at]
        named = {f"ef {one}" if of == K else f"ef {one}, {of} rescored": at(one, of) for one, of in each}
        return Made(named, index.memory_usage)

    return make


def packed(vectors: Vectors) -> Vectors:
    """The sign of every number, as bits."""
    return np.packbits(vectors > 0, axis=1)


def inverted(codec: str, looked_at: tuple[int, ...], of: int = K) -> Callable[[Vectors], Made]:
    """faiss: lists around 4 sqrt(n) centres, of whole vectors or of a byte a number."""

    def make(vectors: Vectors) -> Made:
        import faiss

        faiss.omp_set_num_threads(1)
        held = np.array(vectors)
        lists = int(4 * len(held) ** 0.5)
        index = faiss.index_factory(DIM, f"IVF{lists},{codec}", faiss.METRIC_INNER_PRODUCT)
        sample = np.random.default_rng(0).choice(len(held), min(len(held), 40 * lists), replace=False)
        index.train(held[np.sort(sample)])
        index.add(held)

        def at(probes: int) -> Search:
            def search(query: Vectors) -> Vectors:
                index.nprobe = probes
                rows = index.search(query[None], of)[1][0]
                return rows if of == K else rescored(held, query, rows[rows >= 0])

            return search

        return Made({f"probes {one}": at(one) for one in looked_at}, faiss.serialize_index(index).nbytes)

    return make


EXPANSIONS, PROBES = (64, 128, 256, 512), (4, 16, 32, 64, 128)
INDICES: dict[str, Callable[[Vectors], Made]] = {
    "exact": exact,
    "usearch i8": hnsw("i8", EXPANSIONS, (K, 50)),
    "usearch i8, 32 links": hnsw("i8", EXPANSIONS, (K, 50), 32, 200),
    "usearch f16": hnsw("f16", EXPANSIONS, (K,)),
    "usearch b1": hnsw("b1", (400, 800, 1600), (400,)),
    "faiss IVF": inverted("Flat", PROBES),
    "faiss IVF SQ8, 50 rescored": inverted("SQ8", PROBES, 50),
    "usearch f32": hnsw("f32", EXPANSIONS, (K,)),
}


def measure(kind: str, n: int, name: str, work: Path) -> list[dict[str, Any]]:
    vectors, asked, right = data(kind, n, work), queries(kind), truth(kind, n, work)
    start = time.process_time()
    made = INDICES[name](vectors)
    built = time.process_time() - start
    found = []
    for setting, search in made.searches.items():
        for query in asked[:20]:
            search(query)
        wall, spent, hits = [], [], 0
        for query, rows in zip(asked, right, strict=True):
            began, used = time.perf_counter(), time.thread_time()
            got = search(query)
            wall.append(1e3 * (time.perf_counter() - began))
            spent.append(1e3 * (time.thread_time() - used))
            hits += len(np.intersect1d(got, rows))
        p50, p99 = np.percentile(wall, [50, 99])
        cpu50, cpu99 = np.percentile(spent, [50, 99])
        row = {
            "data": kind,
            "items": n,
            "index": name,
            "setting": setting,
            "recall@10": hits / right.size,
            "p50 ms": p50,
        }
        row |= {"p99 ms": p99, "p50 ms of the processor": cpu50, "p99 ms of the processor": cpu99, "build s": built}
        found.append(
            row | {"MiB": made.size / 2**20, "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
        )
    return found


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Cost of a query as items grow: of each index its cheapest setting with recall of .97, on clustered vectors."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name in INDICES:
        chosen = sorted(good_enough([row for row in rows if row["index"] == name and row["data"] == "clustered"]))
        for axis, column in zip(axes, (1, 2), strict=True):
            axis.plot([one[0] for one in chosen], [one[column] for one in chosen], marker="o", label=name)
    for axis, label in zip(axes, ("ms of the processor a query, p50", "s of the processor to build"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel="items", ylabel=label)
    axes[0].axhline(3, color="grey", linestyle=":")
    axes[1].legend(fontsize=7)
    figure.savefig(path, dpi=120)


def good_enough(rows: list[dict[str, Any]]) -> list[tuple[int, float, float]]:
    """Items, p50 and build time of the cheapest setting of each size with recall of .97."""
    best: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row["recall@10"] >= 0.97 and row["p50 ms"] < best.get(row["items"], {"p50 ms": np.inf})["p50 ms"]:
            best[row["items"]] = row
    return [(n, row["p50 ms of the processor"], max(row["build s"], 1e-3)) for n, row in best.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--indices", nargs="+", default=list(INDICES), choices=list(INDICES), metavar="INDEX")
    parser.add_argument("--data", nargs="+", default=list(DATA), choices=list(DATA))
    parser.add_argument("--work", type=Path, default=Path("runs/search"))
    parser.add_argument("--one", nargs=3, metavar=("DATA", "ITEMS", "INDEX"), help="measure one, and nothing else")
    choice = parser.parse_args()
    work = choice.work / "dense"
    work.mkdir(parents=True, exist_ok=True)
    if choice.one:
        kind, n, name = choice.one
        with threadpool_limits(1):
            found = measure(kind, int(n), name, work)
        (work / f"{kind}-{n}-{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return
    for n in [size for size in SIZES if size <= choice.items]:
        for kind in choice.data:
            for name in choice.indices:
                if not (work / f"{kind}-{n}-{name}.json").exists():
                    again = [sys.executable, __file__, "--work", str(choice.work), "--one", kind, str(n), name]
                    subprocess.run(again, check=False)  # one that does not fit in memory must not end the others
    rows = [row for path in sorted(work.glob("*.json")) for row in json.loads(path.read_text(encoding="utf-8"))]
    print("| data | items | index | setting | recall@10 | p50 ms | p99 | of the processor: p50 | p99 | build s | MiB |")
    print("|---" * 11 + "|")
    for row in sorted(rows, key=lambda row: (row["data"], row["items"], list(INDICES).index(row["index"]))):
        cells = [row["data"], f"{row['items']:,}", row["index"], row["setting"], f"{row['recall@10']:.3f}"]
        times = [
            f"{row[name]:.2f}" for name in ("p50 ms", "p99 ms", "p50 ms of the processor", "p99 ms of the processor")
        ]
        print("|", " | ".join([*cells, *times, f"{row['build s']:.0f}", f"{row['MiB']:,.0f}"]), "|")
    draw(rows, work / "dense.png")


if __name__ == "__main__":
    main()
