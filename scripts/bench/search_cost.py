"""What a text query costs: python scripts/bench/search_cost.py [--sizes 25000] [--queries 300].

A generated shop (that of scripts/bench/recommend.py, without pictures, whose texts the multilingual encoder has read;
both are kept in --work). Queries are those of scripts/bench/search.py, in English and Chinese: titles, colours, brands
and kinds; each is asked once, encoding and all, of all items at once, for 200 items: the signals alone, and with what
the query limits and wants, as `Engine.search` asks. Told are milliseconds by the clock and of the processor, on one
thread, of all of it and of each part alone. Wanted for 25,000 items: p50 under 10 ms, p99 under 30.

With several sizes, such as --sizes 10000 100000 300000, the costs are drawn as well, and how much of the first ten is
there that comparing every item gives. Beyond 25,000 items the shop is repeated under other ids, and vectors have a
little noise, so that no two are alike. With --pictures every item has a picture vector as well, drawn at random: what
is found means nothing, and a query is read by the models of words and pictures too (MiniLM for English).
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import recommend
from recommend import quantiles
from search import questions
from threadpoolctl import threadpool_limits

from engine import memory
from engine.candidates import Features
from engine.config import Encoders
from engine.describe import describe
from engine.knowledge import graph_of
from engine.search import dense
from engine.search.asking import ask
from engine.search.hybrid import Searcher
from engine.search.vectors import SMALL, TRUNK, QueryEncoders
from engine.tables.catalogue import Catalogue

READ = 25_000
"""Items whose texts are encoded."""
NOISE = 0.3
PICTURE = 1280
"""Numbers of a picture vector."""
N, DEEP = 10, 200


def searcher(n: int, work: Path, pictures: bool) -> tuple[Searcher, list[str]]:
    """A searcher over `n` items, and queries to it."""
    settings = recommend.configuration(gate=False)
    encoders = Encoders(text="multilingual", image="", cache=work / "cache")
    settings = settings.model_copy(update={"encoders": encoders})
    tables = recommend.shop(min(n, READ), 10_000, settings, work)
    features = describe(tables, settings).features
    if n > READ:
        tables, text = repeated(tables, n), noisy(features.text, n)
        features = Features(features.facts, features.words, text, np.zeros((n, 1), np.float32), features.relations)
    if pictures:
        encoders = encoders.model_copy(update={"image": TRUNK, "clip": SMALL})
        features = replace(features, image=drawn(n))
    raw = pl.read_parquet(work / f"shop-{min(n, READ)}-10000" / "items.parquet")
    asked = [question.query for several in questions(raw, 60, 1).values() for question in several]
    np.random.default_rng(0).shuffle(asked)
    return Searcher(tables.items, graph_of(tables, settings), features, QueryEncoders(encoders)), asked


def repeated(tables: Catalogue, n: int) -> Catalogue:
    """The items again and again, under ids of their own."""
    copies = [tables.items.with_columns(pl.col("item_id") + f"-{copy}") for copy in range(-(-n // tables.items.height))]
    return replace(tables, items=pl.concat([tables.items, *copies[1:]])[:n])


def drawn(n: int) -> np.ndarray:
    vectors = np.random.default_rng(1).standard_normal((n, PICTURE), np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def noisy(vectors: np.ndarray, n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    again = vectors[np.arange(n) % len(vectors)]
    again += NOISE / vectors.shape[1] ** 0.5 * rng.standard_normal(again.shape, np.float32)
    return again / np.linalg.norm(again, axis=1, keepdims=True)


def measure(n: int, queries: int, work: Path, pictures: bool) -> dict[str, Any]:
    made, asked = searcher(n, work, pictures)
    everything = np.ones(n, bool)
    start = time.process_time()
    for query in asked[:20]:
        ask(made, query, everything).best(DEEP)
    found: dict[str, Any] = {
        "items": n,
        "first queries and all indices, s": time.process_time() - start,
    }
    asked = asked[20 : 20 + queries]
    parts: dict[str, Callable[[str], object]] = {
        "all": lambda query: made.search(query, everything, DEEP),
        "all, and what it limits and wants": lambda query: ask(made, query, everything).best(DEEP),
        "encoding": made.queries.by_meaning,
        "encoding for pictures": made.queries.by_look,
        "reading and facts": made.named.read,
        "words": made.words.scores,
        "names": made.called.scores,
    }
    for name, work_of in parts.items():
        found[name] = times(work_of, asked)
    vectors = [made.queries.by_meaning(query) for query in asked]
    found["vectors"] = times(made.meaning.near, vectors)
    if n > dense.EXACT:
        found["of the exact ten"] = agreement(made, asked[:40])
    return found


def times(work: Callable[[Any], object], asked: list[Any]) -> dict[str, Any]:
    wall, spent = [], []
    for one in asked:
        began, used = time.perf_counter(), time.thread_time()
        work(one)
        wall.append(1e3 * (time.perf_counter() - began))
        spent.append(1e3 * (time.thread_time() - used))
    return {"ms": quantiles(wall), "ms of the processor": quantiles(spent)}


def agreement(made: Searcher, asked: list[str]) -> float:
    """The share of the ten best by comparing every item that the candidates hold."""
    everything = np.ones(made.items.height, bool)
    shares = []
    for query in asked:
        short = {match.item for match in made.search(query, everything, DEEP)[:N]}
        whole = {match.item for match in made.search(query, everything, made.items.height)[:N]}
        shares.append(len(short & whole) / max(len(whole), 1))
    return float(np.mean(shares))


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(6, 4), layout="constrained")
    sizes = [row["items"] for row in rows]
    for name in ("all", "encoding", "reading and facts", "words", "names", "vectors"):
        axis.plot(sizes, [row[name]["ms of the processor"]["p50"] for row in rows], marker="o", label=name)
    axis.set(xscale="log", yscale="log", xlabel="items", ylabel="ms of the processor a query, p50")
    axis.legend(fontsize=8)
    figure.savefig(path, dpi=120)


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[READ])
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--work", type=Path, default=Path("runs/recommend"))
    parser.add_argument("--pictures", action="store_true", help="items have picture vectors as well")
    choice = parser.parse_args()
    rows = []
    print("| items | part | p50 ms | p95 | p99 | of the processor: p50 | p95 | p99 |")
    print("|---|---|---|---|---|---|---|---|")
    with threadpool_limits(1):
        for n in choice.sizes:
            rows.append(measure(n, choice.queries, choice.work, choice.pictures))
            for name, part in rows[-1].items():
                if isinstance(part, dict):
                    cells = [f"{value:.2f}" for kind in part.values() for value in kind.values()]
                    print(f"| {n:,} | {name} |", " | ".join(cells), "|", flush=True)
            print(json.dumps({name: value for name, value in rows[-1].items() if not isinstance(value, dict)}))
    name = "-".join(map(str, choice.sizes))
    (choice.work / f"search-cost-{name}.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if len(rows) > 1:
        draw(rows, choice.work / f"search-cost-{name}.png")


if __name__ == "__main__":
    main()
