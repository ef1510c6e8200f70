"""How fast each store loads, merges and answers: python scripts/bench/graph_load.py [--nodes 1000000] [--store both].

The graph is like a shop's: nine in ten nodes are items, each with a category, a brand and a colour, popular ones far
more often (Pareto), and a third of the items go with another one; three edges a node in all. Wanted at a million
nodes: in the embedded store loaded in under 30 s, and the two-hop neighbourhood of an item within 5 ms (median); in
Neo4j 20,000 edges a second. The Neo4j is a throw-away one of this machine, and shares its cores with this program.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import polars as pl

import graph
from graph.build import GraphTables
from graph.store import GraphStore
from graph.stores import server


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


def measure(store: GraphStore, tables: GraphTables) -> Iterator[tuple[str, str]]:
    """What was done, and what it took, line by line."""
    rng = np.random.default_rng(1)
    items = tables.nodes.filter(pl.col("label") == "Item")["id"]
    some = [items[int(i)] for i in rng.integers(0, len(items), 300)]
    marks: list[tuple[float, int]] = []
    start = time.perf_counter()
    store.load(tables, lambda done, _: marks.append((time.perf_counter() - start, done)))
    yield "load", f"{time.perf_counter() - start:.1f} s"
    yield "edges a second", f"{edge_rate(marks, tables.nodes.height):,.0f}"
    for hops in (1, 2):
        store.neighbours(some[0], hops)
        times = 1e3 * np.array([seconds(partial(store.neighbours, item, hops)) for item in some])
        yield f"{hops}-hop neighbourhood, p50 / p95", f"{np.median(times):.2f} / {np.quantile(times, 0.95):.2f} ms"
    fresh = shop(1000, seed=2)
    renamed = {c: pl.col(c).str.replace("item:", "item:new") for c in ("id", "head", "tail")}
    change = GraphTables(
        fresh.nodes.with_columns(renamed["id"]), fresh.edges.with_columns(renamed["head"], renamed["tail"])
    )
    for again in ("", " again"):
        yield f"merge 3,000 edges{again}", f"{seconds(lambda: store.merge(change)):.2f} s"
    yield "delete 100 items", f"{seconds(lambda: store.delete(some[:100])):.2f} s"
    yield "export", f"{seconds(store.export):.1f} s"
    yield "load again", f"{seconds(lambda: store.load(tables)):.1f} s"


def edge_rate(marks: list[tuple[float, int]], nodes: int) -> float:
    """Edges a second from the first mark at which all nodes are there to the last one."""
    begun = next(mark for mark in marks if mark[1] >= nodes)
    return (marks[-1][1] - begun[1]) / max(marks[-1][0] - begun[0], 1e-9)


@contextlib.contextmanager
def opened(kind: str, uri: str | None) -> Iterator[GraphStore]:
    """An empty store: a directory that goes again, and a server that does unless `uri` names one."""
    with contextlib.ExitStack() as stack:
        if kind == "ladybug":
            place = stack.enter_context(tempfile.TemporaryDirectory())
        else:
            place = uri or stack.enter_context(server.serve(heap="2g", pages="2g")).uri
        yield stack.enter_context(graph.open(place))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--store", choices=("ladybug", "neo4j", "both"), default="both")
    parser.add_argument("--uri", help="of a Neo4j whose graph may be lost; otherwise one is started")
    arguments = parser.parse_args()
    tables = shop(arguments.nodes)
    kinds = ("ladybug", "neo4j") if arguments.store == "both" else (arguments.store,)
    figures: dict[str, dict[str, str]] = {}
    for kind in kinds:
        with opened(kind, arguments.uri) as store:
            for what, took in measure(store, tables):
                print(f"{kind}: {what}: {took}", file=sys.stderr, flush=True)
                figures.setdefault(what, {})[kind] = took
    print(f"{tables.nodes.height:,} nodes, {tables.edges.height:,} edges\n")
    print("| |", " | ".join(kinds), "|\n|---|", "---|" * len(kinds), sep="")
    for what, by_kind in figures.items():
        print(f"| {what} |", " | ".join(by_kind.get(kind, "") for kind in kinds), "|")


if __name__ == "__main__":
    main()
