"""What taste adds to search: python scripts/bench/personal.py [--products 1000] [--users 1500].

On generated shops each user's last tenth is hidden. For a hidden item that a user chose, the shop is asked, in their
name, for its kind, and for its kind with its colour or brand, in English or Chinese; right is what they really chose of
that. And it is asked for the title of an item that they did not choose: whoever knows what they want must get it,
whatever they like. Without taste all users get one list for a query. Taste is the score of a recommendation, the
interest weight (engine/candidates/interest.py), or both, at several strengths: s * (1 + strength * t), or
s * w ** strength for the interest weight as it is. The best by NDCG@10 on the shop of seed 0 is reported on the shops
of seeds 1 and 2, with 95% intervals of the paired gain, by drawing queries again.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from search import CHINESE, KIND

from engine import benchmark, config
from engine.candidates import interest
from engine.demo.shop import generate
from engine.describe import describe
from engine.evaluation import bootstrap, splits
from engine.history import Histories
from engine.ranker import Ranker
from engine.search.hybrid import DEPTH, Match, Searcher
from engine.search.query import PERSONAL
from engine.search.taste import by_ranker, scaled
from engine.search.vectors import QueryEncoders
from engine.tables import catalogue

STRENGTHS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 4.0)
TITLE = "a title"
SORTS = ("kind", "colour and kind", "brand and kind", TITLE)
NONE = "no taste"
Tastes = dict[str, NDArray[np.float64]]
"""By name, (found,) what taste says of the items that a query found"""


class Asked(NamedTuple):
    """A query in a user's name: the row of the user, its sort, and the rows of the items that they chose of it."""

    user: int
    sort: str
    query: str
    right: NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=1000)
    parser.add_argument("--users", type=int, default=1500)
    parser.add_argument("--work", type=Path, default=Path("runs/personal"), help="where the shops are kept")
    choice = parser.parse_args()
    made = {
        seed: shop(choice.work / f"{choice.products}-{choice.users}-{seed}", choice.products, choice.users, seed)
        for seed in (0, 1, 2)
    }
    forms = dict.fromkeys(name.rpartition(" ")[0] for name in made[0] if name != NONE)
    print(f"\n| chosen on seed 0 | {' | '.join(map(str, STRENGTHS))} |\n|---{'|---' * len(STRENGTHS)}|")
    for form in forms:
        means = [mean(made[0][f"{form} {each:g}"]) for each in STRENGTHS]
        print(f"| {form} | {' | '.join(f'{value:.4f}' for value in means)} |")
    for sort in SORTS:
        cells = [f"{made[0][f'ranker {each:g}'][sort].mean():.4f}" for each in STRENGTHS]
        print(f"| ranker, {sort} | {' | '.join(cells)} |")
    print(f"| {NONE} | {mean(made[0][NONE]):.4f} |")
    best = [max((f"{form} {each:g}" for each in STRENGTHS), key=lambda name: mean(made[0][name])) for form in forms]
    print(f"\n| seeds 1 and 2 | {' | '.join(SORTS)} | all | gain over {NONE} |\n|---{'|---' * (len(SORTS) + 2)}|")
    for name in dict.fromkeys([NONE, *best, f"ranker {PERSONAL:g}", "ranker 1"]):
        by_sort, plain = ({sort: np.concatenate([made[seed][one][sort] for seed in (1, 2)]) for sort in SORTS}
                          for one in (name, NONE))  # fmt: skip
        gain = bootstrap.gain(np.concatenate(list(by_sort.values())), np.concatenate(list(plain.values())))
        told = f"{gain.mean:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})"
        cells = [f"{values.mean():.4f}" for values in by_sort.values()]
        print(f"| {name} | {' | '.join(cells)} | {mean(by_sort):.4f} | {told} |")


def mean(by_sort: dict[str, NDArray[np.float64]]) -> float:
    """Of the sorts, each as much as another."""
    return float(np.mean([values.mean() for values in by_sort.values()]))


def shop(folder: Path, products: int, users: int, seed: int) -> dict[str, dict[str, NDArray[np.float64]]]:
    """NDCG@10 by form of taste and by sort of query, (queries,) of one shop."""
    if not (folder / "weft.toml").exists():
        generate(folder, seed, products, users)
    settings = config.load(folder / "weft.toml")
    # Without pictures, which take most of the time and tell nothing of taste that is asked for here.
    settings = settings.model_copy(
        update={"seed": seed, "encoders": settings.encoders.model_copy(update={"image": "", "clip": ""})}
    )
    tables = catalogue.read(settings)
    split = splits.split(tables.interactions, "time", seed=seed)
    question = benchmark.question(tables, split)
    described = describe(tables, settings)
    ranker, _ = benchmark.trained_ranker(question, described.features, settings, print)
    model = interest.fit(described.features, settings.candidates.interest, settings.candidates.content)
    searcher = Searcher(tables.items, described.graph, described.features, QueryEncoders(settings.encoders))
    everything = np.ones(tables.items.height, bool)
    lists: dict[str, list[Match]] = {}
    found: dict[str, dict[str, list[float]]] = {}
    for asked in queries(pl.read_parquet(folder / "items.parquet"), question, seed):
        if asked.query not in lists:
            lists[asked.query] = searcher.search(asked.query, everything, DEPTH)
        past = question.asked.take(np.array([asked.user]))
        for name, value in judged(lists[asked.query], asked.right, past, ranker, model).items():
            found.setdefault(name, {}).setdefault(asked.sort, []).append(value)
    return {name: {sort: np.array(values) for sort, values in of.items()} for name, of in found.items()}


def queries(items: pl.DataFrame, question: benchmark.Question, seed: int) -> list[Asked]:
    """For one hidden item of each user, a query of each sort."""
    random, made = Random(seed), []
    rows = items.select("category", "colour", "brand").rows(named=True)
    titles = items.select(pl.coalesce("title", "title_zh")).to_series().to_list()
    for user in range(len(question.users)):
        hidden = question.relevant[[user]].indices
        if not len(hidden):
            continue
        item = rows[random.choice(hidden.tolist())]
        chinese = random.random() < 0.5
        kind = KIND[item["category"]]
        noun = random.choice(kind.nouns_zh if chinese else kind.nouns)
        for sort in SORTS[:-1]:
            column = sort.partition(" ")[0]
            value = None if column == "kind" else item[column]
            if value is None and column != "kind":
                continue
            said = "" if value is None else CHINESE[column][value] if chinese else f"{value} "
            same = [row for row in hidden.tolist() if rows[row]["category"] == item["category"]
                    and (value is None or rows[row][column] == value)]  # fmt: skip
            made.append(Asked(user, sort, said + noun, np.array(same)))
        other = random.randrange(items.height)
        if other not in hidden and titles[other] is not None:
            made.append(Asked(user, TITLE, titles[other], np.array([other])))
    return made


def judged(
    found: list[Match], right: NDArray[np.int64], past: Histories, ranker: Ranker, model: interest.Interest
) -> dict[str, float]:
    """NDCG@10 of the list in every form of taste and strength."""
    rows = np.array([match.item for match in found])
    scores = np.array([match.score for match in found])
    made = {NONE: ndcg(rows, right)}
    if not len(rows):
        return made | {f"{form} {strength:g}": 0.0 for form in FORMS for strength in STRENGTHS}
    raw = {"ranker": by_ranker(ranker, past, rows), "interest": model.factors(past, rows)[1].astype(np.float64)}
    for form, weigh in FORMS.items():
        for strength in STRENGTHS:
            order = np.argsort(-scores * weigh(raw, strength), kind="stable")
            made[f"{form} {strength:g}"] = ndcg(rows[order], right)
    return made


FORMS: dict[str, Callable[[Tastes, float], NDArray[np.float64]]] = {
    "ranker": lambda raw, strength: 1 + strength * scaled(raw["ranker"]),
    "interest": lambda raw, strength: 1 + strength * scaled(raw["interest"]),
    "interest, w ** strength": lambda raw, strength: raw["interest"] ** strength,
    "both": lambda raw, strength: 1 + strength * (scaled(raw["ranker"]) + scaled(raw["interest"])) / 2,
}


def ndcg(rows: NDArray[np.int64], right: NDArray[np.int64], k: int = 10) -> float:
    gains = 1 / np.log2(np.arange(k) + 2)
    hits = np.isin(rows[:k], right)
    return float(gains[: len(hits)][hits].sum() / gains[: min(k, len(right))].sum())


if __name__ == "__main__":
    main()
