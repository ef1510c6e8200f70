"""How search stands noise in queries: python scripts/bench/robust_queries.py [--split dev] [--shop].

Judged queries over films (tests/data/films), or queries of a generated shop, as they are and mistyped, with words in
another order, in capitals, in full-width letters, with emoji, and with what they name called otherwise, by another
name that the graph or the vocabulary has. NDCG@10 of BM25 over the texts alone (words), of vectors alone (meaning), of
the whole search, and of the whole search for what a speller makes of the query; paired with the same without noise.
95% intervals.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import film_queries
import numpy as np
import polars as pl
import search as shops
from films_search import films
from numpy.typing import NDArray
from scipy import sparse

from engine.config import Data
from engine.evaluation import bootstrap, metrics, plots
from engine.evaluation.noise import QUERY_NOISE
from engine.search.asking import ask
from engine.search.helps import Helps
from engine.search.hybrid import Searcher

PARAPHRASE = "another name"
SYSTEMS = ("words", "meaning", "hybrid", "hybrid, spelling")


class Asked(NamedTuple):
    text: str
    right: NDArray[np.int64]


Values = dict[str, NDArray[np.float64]]
"""By name of the system, (queries,) NDCG@10"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=["dev", "test"], default="dev")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/movielens-100k"))
    parser.add_argument("--work", type=Path, default=Path("runs"), help="where films and vectors are kept")
    parser.add_argument("--shop", action="store_true", help="a generated shop instead of films: seed 0 is dev, 1 test")
    parser.add_argument("--queries", type=int, default=40, help="of each sort, in the shop")
    parser.add_argument("--plot", type=Path, help="an SVG of what the whole search loses by each noise")
    choice = parser.parse_args()
    if choice.shop:
        with tempfile.TemporaryDirectory() as name:
            searcher = shops.shop(Path(name), 1000, int(choice.split == "test"))
            sorts = shops.questions(pl.read_parquet(Path(name) / "items.parquet"), choice.queries)
        queries = [Asked(one.query, one.right) for sort, some in sorts.items() for one in some if "kind" in sort]
    else:
        searcher = films(choice.data, choice.work / "movielens")
        queries = [Asked(one.text, np.array(one.right)) for one in film_queries.read(choice.split, searcher.items)]
    found = measure(searcher, queries)
    show(found, len(queries))
    if choice.plot:
        plot(found, choice.plot)


def measure(searcher: Searcher, queries: list[Asked]) -> dict[str, Values]:
    """By name of the noise."""
    noises: dict[str, Callable[[str, np.random.Generator], str]] = {"none": lambda query, rng: query}
    noises |= dict(QUERY_NOISE) | {PARAPHRASE: lambda query, rng: renamed(searcher, query, rng)}
    helps = Helps(searcher, Data())
    return {name: judged(searcher, helps, queries, make) for name, make in noises.items()}


def judged(
    searcher: Searcher, helps: Helps, queries: list[Asked], noise: Callable[[str, np.random.Generator], str]
) -> Values:
    everything = np.ones(searcher.items.height, bool)
    scores: dict[str, list[NDArray[np.float64]]] = {name: [] for name in SYSTEMS}
    for at, query in enumerate(queries):
        text = noise(query.text, np.random.default_rng(at))
        signals, _ = searcher.signals(text)
        asked = ask(searcher, text, everything)
        meant = helps.correct(text)
        scores["words"].append(signals["words"])
        scores["meaning"].append(signals["meaning"])
        scores["hybrid"].append(asked.total)
        scores["hybrid, spelling"].append(ask(searcher, meant.query, everything).total if meant else asked.total)
    ends = np.cumsum([0, *(len(query.right) for query in queries)])
    right = np.concatenate([query.right for query in queries])
    relevant = sparse.csr_array((np.ones(len(right), bool), right, ends), shape=(len(queries), searcher.items.height))
    found = {}
    for name, rows in scores.items():
        ranked, values = metrics.rank(np.stack(rows), 10)
        found[name] = metrics.list_metrics(np.where(values > 0, ranked, -1), relevant, 10)["ndcg@10"]
    return found


def renamed(searcher: Searcher, query: str, rng: np.random.Generator) -> str:
    """With each thing that it names called by another of its names, if it has one."""
    intent, names = searcher.named.parse(query), searcher.named.vocabulary.names
    for entity in sorted(intent.entities if intent else [], key=lambda one: -one.start):
        others = [form for form, several in names.by_key.items()
                  if several[0].node == entity.node and form != entity.surface.casefold()]  # fmt: skip
        if others:
            query = f"{query[: entity.start]}{rng.choice(sorted(others))}{query[entity.end :]}"
    return query


def show(found: dict[str, Values], n: int) -> None:
    print(f"\n| {n} queries, ndcg@10 | {' | '.join(SYSTEMS)} | lost by the hybrid | gain of spelling |")
    print(f"|---{'|---' * (len(SYSTEMS) + 2)}|")
    for noise, values in found.items():
        cells = [f"{values[name].mean():.3f} ({low:.3f} to {high:.3f})" for name in SYSTEMS
                 for low, high in [bootstrap.interval(values[name])]]  # fmt: skip
        for better, base in ((values["hybrid"], found["none"]["hybrid"]), (values[SYSTEMS[-1]], values["hybrid"])):
            gain = bootstrap.gain(better, base)
            cells.append(f"{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})")
        print(f"| {noise} | {' | '.join(cells)} |", flush=True)


def plot(found: dict[str, Values], file: Path) -> None:
    """What the whole search loses by each noise, and with the speller what it loses still (hollow)."""
    rows = []
    for noise, values in found.items():
        for system, solid in (("hybrid", True), (SYSTEMS[-1], False)):
            lost = bootstrap.gain(values[system], found["none"]["hybrid"])
            name = noise.removesuffix(" of the words")
            rows.append(plots.Span(name if solid else f"{name}, speller", *lost, solid))
    file.write_text(plots.page(plots.spans(rows[1:], "NDCG@10 beside clean queries")), encoding="utf-8")


if __name__ == "__main__":
    main()
