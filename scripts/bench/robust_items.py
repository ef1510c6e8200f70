"""How search and ranking stand items that are made to be found: python scripts/bench/robust_items.py [--split dev].

Into movielens-100k go, all made of one film that hardly anybody chose: its text with the 300 most common words of the
catalogue once, with 30 of them 20 times, its facts with every genre, country, language and decade, and a copy of the
most chosen film's text and facts. Told is, for the judged queries over films, how often each stands among the first ten
(counted against real films only), and NDCG@10 of the real ones, with and without what `Named` does against facts
without end. Then the copy as a new item, beside a fifth of the films hidden from learning: how many people get it among
ten new films by `content`, and its place by `prior`, with and without `engine.copies`.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import film_queries
import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import config, copies, history
from engine.candidates import Features, content, prior
from engine.config import Config
from engine.describe import describe
from engine.evaluation import attacks, bootstrap, metrics
from engine.importers import movielens
from engine.search.asking import ask
from engine.search.hybrid import Searcher
from engine.search.vectors import QueryEncoders
from engine.tables import catalogue
from engine.tables.catalogue import Catalogue

STUFFED = ("genre", "country", "language", "decade")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=["dev", "test"], default="dev")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/movielens-100k"))
    parser.add_argument("--work", type=Path, default=Path("runs"), help="where films and vectors are kept")
    parser.add_argument("--seeds", type=int, default=3, help="of hidden films")
    parser.add_argument("--no-search", action="store_true", help="only the copy among new films")
    choice = parser.parse_args()
    movielens.convert(choice.data, choice.work / "movielens")
    settings = config.load(choice.work / "movielens" / "weft.toml")
    settings = settings.model_copy(update={"encoders": settings.encoders.model_copy(update={"image": ""})})
    real = catalogue.read(settings)
    poisoned, names = attacked(real)
    described = describe(poisoned, settings)
    searcher = Searcher(poisoned.items, described.graph, described.features, QueryEncoders(settings.encoders))
    if not choice.no_search:
        search(searcher, real, names, choice.split)
    for seed in range(choice.seeds):
        cold(real, described.features, settings, seed)


def attacked(tables: Catalogue) -> tuple[Catalogue, list[str]]:
    """The catalogue with the made items behind the real ones, and their names."""
    items = tables.items
    chosen = tables.interactions["item_id"].value_counts(sort=True)
    popular, rare = (items.row(by_predicate=pl.col("item_id") == one, named=True)
                     for one in (chosen["item_id"][0], chosen["item_id"][-1]))  # fmt: skip
    texts = items["text"].to_list()
    every = {name: items[name].explode().drop_nulls().unique().sort().to_list() for name in STUFFED}
    made = {
        "300 words once": rare | {"text": attacks.stuffed(rare["text"], texts, 300, 1)},
        "30 words 20 times": rare | {"text": attacks.stuffed(rare["text"], texts, 30, 20)},
        "all facts": rare | every,
        "copy": popular | {"title": "Another", "text": popular["text"].replace(popular["title"], "Another")},
    }
    rows = [row | {"item_id": f"made-{at}"} for at, row in enumerate(made.values())]
    return replace(tables, items=pl.concat([items, pl.DataFrame(rows, schema=items.schema)])), list(made)


def search(searcher: Searcher, real: Catalogue, names: list[str], split: str) -> None:
    queries, n = film_queries.read(split, real.items), real.items.height
    everything = np.ones(searcher.items.height, bool)
    plain = searcher.named.plain
    found: dict[str, list[NDArray[np.float64]]] = {}
    ndcg: dict[str, list[float]] = {}
    for query in queries:
        signals, _ = searcher.signals(query.text)
        scores = {name: signals[name] for name in ("words", "meaning")}
        for label, held in (("undefended", np.ones_like(plain)), ("defended", plain)):
            searcher.named.__dict__["plain"] = held
            scores[f"named, {label}"] = searcher.signals(query.text)[0]["named"]
            scores[f"search, {label}"] = ask(searcher, query.text, everything).total
        for name, one in scores.items():
            ahead = (one[:n, None] >= one[None, n:]).sum(axis=0)
            found.setdefault(name, []).append((ahead < 10) & (one[n:] > 0))
            ndcg.setdefault(name, []).append(of_ten(one[:n], query.right))
    print(f"| {len(queries)} queries of {split}, share with it among ten | {' | '.join(names)} | ndcg@10 of the real |")
    for name, rows in found.items():
        low, high = bootstrap.interval(np.array(ndcg[name]))
        cells = [f"{share:.3f}" for share in np.mean(rows, axis=0)]
        print(f"| {name} | {' | '.join(cells)} | {np.mean(ndcg[name]):.4f} ({low:.3f} to {high:.3f}) |", flush=True)


def of_ten(scores: NDArray[np.float64], right: tuple[int, ...]) -> float:
    ranked, values = metrics.rank(scores[None], 10)
    gains = 1 / np.log2(np.arange(10) + 2)
    hit = np.isin(ranked[0], right) & (values[0] > 0)
    return float(gains[hit].sum() / gains[: min(10, len(right))].sum())


def cold(real: Catalogue, features: Features, settings: Config, seed: int) -> None:
    """A fifth of the films hidden; the last of the features is the copy."""
    n = real.items.height
    hidden = np.random.default_rng(seed).permutation(n)[: n // 5]
    at = {item: row for row, item in enumerate(real.items["item_id"])}
    users = real.interactions["user_id"].unique(maintain_order=True).to_list()
    everybody = history.from_frame(real.interactions, users, at, n + 1)
    given = features.take(np.append(np.arange(n), len(features) - 1))
    known = np.ones(n + 1, bool)
    known[np.append(hidden, n)] = False
    learned = everybody.select(known[everybody.items])
    later = everybody.select(~known[everybody.items])
    asked = np.flatnonzero(later.lengths)
    right, people = later.take(asked).seen(), learned.take(asked)
    unlent = copies.unlent(given, known)
    copied = np.flatnonzero(given.text.any(axis=1) & ~unlent.text.any(axis=1))
    print(f"seed {seed}: {len(copied)} of {len(hidden) + 1} new items are copies, the made one {n in copied}")
    values = {}
    for label, seen in (("undefended", given), ("defended", unlent)):
        places = prior.fit(learned, seen, settings.candidates.prior, settings.candidates.content, 0).expected
        scores = content.fit(learned, seen, settings.candidates.content).score(people)[0]
        ranked, _ = metrics.rank(scores + 1e-9 * places, 10, None, ~known)
        values[label] = metrics.list_metrics(ranked, right, 10)["ndcg@10"]
        real_only, _ = metrics.rank(scores[:, :n] + 1e-9 * places[:n], 10, None, ~known[:n])
        values[f"{label}, no attack"] = metrics.list_metrics(real_only, right, 10)["ndcg@10"]
        place = int((places[~known] > places[n]).sum()) + 1
        print(f"  {label}: content shows it to {(ranked == n).any(axis=1).mean():.4f}, place {place} by prior")
    for case in ("", ", no attack"):
        before = values[f"undefended{case}"]
        gain = bootstrap.gain(values[f"defended{case}"], before)
        told = f"{before.mean():.4f}, defended {gain.mean:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})"
        print(f"  ndcg@10{case} {told}", flush=True)


if __name__ == "__main__":
    main()
