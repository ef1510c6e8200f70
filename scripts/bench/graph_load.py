"""How fast the embedded graph loads, merges and answers: python scripts/bench/graph_load.py [--nodes 1000000].

The graph is like a shop's: nine in ten nodes are items, each with a category, a brand and a colour, popular ones far
more often (Pareto), and a third of the items go with another one; three edges a node in all. Wanted at a million
nodes: loaded in under 30 s, and the two-hop neighbourhood of an item within 5 ms (median).
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

import graph
from graph.build import GraphTables


def shop(n: int, seed: int = 0) -> GraphTables:
    """`n` nodes and 3 n edges."""
    rng = np.random.default_rng(seed)
    items = n * 9 // 10
    kinds = {
        "Brand": ("MADE_BY", n // 50),
        "Attribute": ("HAS_COLOUR", n // 13),
        "Category": ("BELONGS_TO", n // 1000),
    }
    nodes, edges = [_nodes("Item", items)], []
    for label, (relation, count) in kinds.items():
        nodes.append(_nodes(label, count))
        popular = np.minimum((rng.pareto(1.0, items) * 3).astype(np.int64), count - 1)
        places = rng.integers(0, count, items) if label == "Category" else popular
        edges.append(_edges(np.arange(items), relation, label, places))
    rest = 3 * sum(part.height for part in nodes) - 3 * items
    edges.append(_edges(rng.integers(0, items, rest), "GOES_WITH", "Item", rng.integers(0, items, rest)))
    return GraphTables(pl.concat(nodes), pl.concat(edges).unique(maintain_order=True))


def _nodes(label: str, count: int) -> pl.DataFrame:
    number = pl.int_range(count, eager=True).cast(pl.String)
    return pl.select(id=f"{label.lower()}:" + number, label=pl.lit(label), name=f"{label} " + number)


def _edges(heads: np.ndarray, relation: str, label: str, tails: np.ndarray) -> pl.DataFrame:
    frame = pl.DataFrame({"head": heads, "tail": tails}).cast(pl.String)
    return frame.select(
        head="item:" + pl.col("head"), relation=pl.lit(relation), tail=f"{label.lower()}:" + pl.col("tail")
    )


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    tables = shop(parser.parse_args().nodes)
    print(f"{tables.nodes.height:,} nodes, {tables.edges.height:,} edges")
    rng = np.random.default_rng(1)
    items = tables.nodes.filter(pl.col("label") == "Item")["id"]
    some = [items[int(i)] for i in rng.integers(0, len(items), 300)]
    with tempfile.TemporaryDirectory() as folder, graph.open(folder) as store:
        print(f"load                   {seconds(lambda: store.load(tables)):8.2f} s")
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        print(f"size                   {size / 1e6:8.1f} MB")
        for hops in (1, 2):
            store.neighbours(some[0], hops)
            times = 1e3 * np.array([seconds(partial(store.neighbours, item, hops)) for item in some])
            print(
                f"{hops}-hop neighbourhood    p50 {np.median(times):6.2f} ms   p95 {np.quantile(times, 0.95):6.2f} ms"
            )
        fresh = shop(1000, seed=2)
        renamed = {c: pl.col(c).str.replace("item:", "item:new") for c in ("id", "head", "tail")}
        change = GraphTables(
            fresh.nodes.with_columns(renamed["id"]), fresh.edges.with_columns(renamed["head"], renamed["tail"])
        )
        for again in ("", " again"):
            print(f"merge 3,000 edges{again:6}{seconds(lambda: store.merge(change)):8.2f} s")
        print(f"delete 100 items       {seconds(lambda: store.delete(some[:100])):8.2f} s")
        print(f"export                 {seconds(store.export):8.2f} s")


if __name__ == "__main__":
    main()
