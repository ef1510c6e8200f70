"""How well search finds films: python scripts/bench/films_search.py [--split dev] [--no-databases].

Judged queries (tests/data/films): films remembered by their plot, and films of certain facts, in English and Chinese.
Beside the whole search stand its signals added without obeying what a query limits, each signal alone, each pair with
the hybrid's own weights, and peers on the same texts: bm25s and rank-bm25 with bm25s' own words, the encoder's bare
cosine, semantic_search of sentence-transformers with its MiniLM, and the hybrid searches of LanceDB and Qdrant with the
vectors of the first, in an environment of their own. Intervals are of 95%, by drawing queries again. Weights were
chosen on `dev`, the default, and on a shop.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path

import bm25s
import numpy as np
from film_queries import Query, read
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi
from scipy import sparse

from encoders.text import minilm_folder
from engine import config
from engine.describe import describe
from engine.evaluation import bootstrap, metrics
from engine.importers import movielens
from engine.search.asking import ask
from engine.search.hybrid import DESCRIBED, Searcher, weighed
from engine.search.vectors import QueryEncoders
from engine.tables import catalogue

PEERS = Path(__file__).parent / "peers"
sys.path.append(str(PEERS))
import environments  # noqa: E402

DEPTH = 100
HYBRID, SIGNALS, FIXED = "hybrid", "hybrid, signals only", "hybrid, fixed weights"
BEFORE = {"words": 0.3, "graph": 0.4, "meaning": 0.1, "picture": 0.2}
"""What every query was weighed by before there was a signal of what it names."""
FIGURES = (("ndcg", 10), ("mrr", 10), ("recall", 100))
SEGMENTS = ("known en", "known zh", "attribute en", "attribute zh")
Lists = dict[str, NDArray[np.int64]]
"""By name of the system, (queries, DEPTH) rows of films, best first; -1 where nothing more is found"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=["dev", "test"], default="dev")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/movielens-100k"))
    parser.add_argument("--work", type=Path, default=Path("runs"), help="where films and vectors are kept")
    parser.add_argument("--no-databases", action="store_true", help="without LanceDB and Qdrant")
    parser.add_argument("--queries", default="", help="a head for queries (encoders.queries), or its directory")
    choice = parser.parse_args()
    searcher = films(choice.data, choice.work / "movielens", choice.queries)
    queries = read(choice.split, searcher.items)
    lists = own(searcher, queries) | libraries(searcher, queries) | sentences(searcher, queries)
    if not choice.no_databases:
        lists |= databases(searcher, queries, choice.work / "films-search")
    found = {name: judged(ranked, queries, searcher.items.height) for name, ranked in lists.items()}
    show(found, queries, choice.split)
    gains(found, queries)


def films(data: Path, out: Path, queries: str = "") -> Searcher:
    """A search over movielens-100k; nothing is learned, for nobody asks."""
    movielens.convert(data, out)
    settings = config.load(out / "weft.toml")
    # Pictures say nothing of a film here: without `clip` no query is compared with them.
    encoders = settings.encoders.model_copy(update={"image": "", "queries": queries})
    settings = settings.model_copy(update={"encoders": encoders})
    tables = catalogue.read(settings)
    described = describe(tables, settings)
    return Searcher(tables.items, described.graph, described.features, QueryEncoders(settings.encoders))


def own(searcher: Searcher, queries: list[Query]) -> Lists:
    """The whole search; each signal, each pair of signals as the hybrid weighs them, and all."""
    answered = [searcher.signals(query.text) for query in queries]
    weights = [weighed(share) for _, share in answered]
    names = [name for name in DESCRIBED if any(given[name].any() for given, _ in answered)]
    made = {name: [given[name] for given, _ in answered] for name in names}
    for pair in [*combinations(names, 2), tuple(DESCRIBED)]:
        name = SIGNALS if len(pair) == len(DESCRIBED) else " + ".join(pair)
        made[name] = [
            sum(weight[signal] * given[signal] for signal in pair)
            for (given, _), weight in zip(answered, weights, strict=True)
        ]
    made[FIXED] = [sum(weight * given[name] for name, weight in BEFORE.items()) for given, _ in answered]
    everything = np.ones(searcher.items.height, bool)
    made[HYBRID] = [ask(searcher, query.text, everything).total for query in queries]
    return {name: best(np.stack(scores)) for name, scores in made.items()}


def libraries(searcher: Searcher, queries: Iterable[Query]) -> Lists:
    """BM25 of two libraries over the texts, cut by bm25s, and the cosine of the encoder's vectors."""
    texts, asked = searcher.items["text"].fill_null("").to_list(), [query.text for query in queries]
    cut = [bm25s.tokenize(some, stopwords="en", return_ids=False, show_progress=False) for some in (texts, asked)]
    index = bm25s.BM25()
    index.index(cut[0], show_progress=False)
    okapi = BM25Okapi(cut[0])
    known = set(index.vocab_dict)
    words = [[word for word in each if word in known] for each in cut[1]]
    nothing = np.zeros(len(texts))
    return {
        "bm25s": best(np.stack([index.get_scores(each) if each else nothing for each in words])),
        "rank-bm25": best(np.stack([okapi.get_scores(each) for each in words])),
        "cosine": best(2 + vectors(searcher, asked) @ searcher.features.text.T),
    }


def sentences(searcher: Searcher, queries: list[Query]) -> Lists:
    """The semantic search of sentence-transformers with the MiniLM that it was written for, over the same texts."""
    from sentence_transformers import SentenceTransformer, util

    model = SentenceTransformer(str(minilm_folder()), device="cpu")
    texts, asked = searcher.items["text"].fill_null("").to_list(), [query.text for query in queries]
    vectors = [model.encode(some, convert_to_tensor=True) for some in (texts, asked)]
    found = util.semantic_search(vectors[1], vectors[0], top_k=DEPTH)
    return {"sentence-transformers": np.array([[hit["corpus_id"] for hit in hits] for hits in found])}


def databases(searcher: Searcher, queries: list[Query], folder: Path) -> Lists:
    """The hybrid searches of LanceDB and Qdrant; what cannot run says why and is left out."""
    environment = environments.ready("databases")
    if environment.error:
        print(f"databases: {environment.error}")
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    asked = [query.text for query in queries]
    np.save(folder / "items.npy", searcher.features.text, allow_pickle=False)
    np.save(folder / "queries.npy", vectors(searcher, asked), allow_pickle=False)
    given = {"items": searcher.items["text"].fill_null("").to_list(), "queries": asked}
    (folder / "texts.json").write_text(json.dumps(given), encoding="utf-8")
    command = [str(environment.python), str(PEERS / "databases_peer.py"), str(folder), str(DEPTH)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"databases: {environments.last_lines(done.stderr)}")
        return {}
    lists = json.loads((folder / "lists.json").read_text(encoding="utf-8"))
    return {name: np.array([each + [-1] * (DEPTH - len(each)) for each in found]) for name, found in lists.items()}


def vectors(searcher: Searcher, texts: Iterable[str]) -> NDArray[np.float32]:
    return np.stack([searcher.queries.by_meaning(text) for text in texts])


def best(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """(queries, DEPTH) of scores (queries, items); an item without a score above 0 is not found."""
    ranked, values = metrics.rank(scores, DEPTH)
    return np.where(values > 0, ranked, -1)


def judged(ranked: NDArray[np.int64], queries: list[Query], items: int) -> dict[str, NDArray[np.float64]]:
    """By name of the figure, (queries,)."""
    ends = np.cumsum([0, *(len(query.right) for query in queries)])
    right = np.concatenate([query.right for query in queries])
    relevant = sparse.csr_array((np.ones(len(right), bool), right, ends), shape=(len(queries), items))
    return {f"{name}@{k}": metrics.list_metrics(ranked, relevant, k)[f"{name}@{k}"] for name, k in FIGURES}


def rows(queries: list[Query], segment: str) -> NDArray[np.int64]:
    return np.flatnonzero([segment in ("all", query.segment) for query in queries])


def show(found: Mapping[str, Mapping[str, NDArray[np.float64]]], queries: list[Query], split: str) -> None:
    names = [f"{name}@{k}" for name, k in FIGURES]
    for segment in (*SEGMENTS, "all"):
        of = rows(queries, segment)
        lead = "lead of the hybrid in ndcg@10"
        print(f"\n| {segment}, {split}, {len(of)} queries | {' | '.join(names)} | {lead} |")
        print(f"|---{'|---' * (len(names) + 1)}|")
        for system, values in sorted(found.items(), key=lambda pair: -pair[1]["ndcg@10"][of].mean()):
            cells = [f"{values[name][of].mean():.3f} ({low:.3f} to {high:.3f})" for name in names
                     for low, high in [bootstrap.interval(values[name][of])]]  # fmt: skip
            gain = bootstrap.gain(found[HYBRID]["ndcg@10"][of], values["ndcg@10"][of])
            cells.append("" if system == HYBRID else f"{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})")
            print(f"| {system} | {' | '.join(cells)} |")


def gains(found: Mapping[str, Mapping[str, NDArray[np.float64]]], queries: list[Query]) -> None:
    """The hybrid's paired gain in NDCG over the signal that is best in the segment, and over the best peer."""
    peers = [name for name in found if not name.startswith(HYBRID) and " + " not in name and name not in DESCRIBED]
    print(f"\n| {HYBRID} over | the best signal | gain in ndcg@10 | the best peer | gain in ndcg@10 |")
    print("|---|---|---|---|---|")
    for segment in (*SEGMENTS, "all"):
        of, cells = rows(queries, segment), []
        for rivals in ([name for name in found if name in DESCRIBED], peers):
            mean, other = max((found[name]["ndcg@10"][of].mean(), name) for name in rivals)
            gain = bootstrap.gain(found[HYBRID]["ndcg@10"][of], found[other]["ndcg@10"][of])
            cells += [other, f"{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}), {gain.mean / mean:+.0%}"]
        print(f"| {segment} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
