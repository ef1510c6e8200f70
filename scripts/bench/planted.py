"""Is what was planted in the generated shop found again? Its new items, ranked with and without one source at a time.

    python scripts/bench/planted.py

People of the shop choose by facts of the graph (kind, brand, colour and so on), by a style that only texts tell and by
a pattern that only pictures show, and the generator keeps the true tastes aside. For items that nobody has chosen yet,
each source is taken from the truth (what it is worth at most) and from Weft (what Weft found of it).
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors.numpy import load_file

from engine import benchmark, config, memory
from engine.demo import truth
from engine.demo.people import BLOCKS
from engine.demo.shop import generate
from engine.describe import describe
from engine.evaluation import bootstrap, metrics
from engine.evaluation.splits import Split
from engine.tables import catalogue

SOURCES = {
    "facts": ("kind", "group", "brand", "collection", "colour", "material", "own", "gender", "price"),
    "text": ("style",),
    "image": ("pattern",),
}
"""What each source alone tells. Words and text vectors both tell the style, so Weft goes without both."""
K = 20


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path("runs/planted"), help="where the shop is kept")
    choice = parser.parse_args()
    folder = choice.cache / f"shop-{choice.seed}"
    if not (folder / "weft.toml").exists():
        generate(folder, seed=choice.seed)
    settings = config.load(folder / "weft.toml")
    tables = catalogue.read(settings)
    asked = new_items(folder, tables)
    features = describe(tables, settings).features
    rows = {"everything": (oracle(folder, asked, ()), weft(asked, features, settings))}
    for source, facets in SOURCES.items():
        less = features
        for name in {"text": ("words", "text")}.get(source, (source,)):
            less = benchmark.without(less, name)
        rows[f"without {source}"] = (oracle(folder, asked, facets), weft(asked, less, settings))
    show(rows)


def new_items(folder: Path, tables: catalogue.Catalogue) -> benchmark.Question:
    """What each user would choose first of the items that nobody has chosen."""
    wanted = truth.new_choices(folder)
    known = set(tables.interactions["user_id"])
    test = wanted.filter(pl.col("user_id").is_in(list(known))).with_columns(value=pl.lit(1.0), time=pl.lit(0))
    touched = set(tables.interactions["item_id"])
    candidates = [item for item in tables.items["item_id"] if item not in touched]
    valid = tables.interactions.clear()
    return benchmark.question(tables, Split(tables.interactions, valid, test, candidates, "cold-item", 0))


def oracle(folder: Path, asked: benchmark.Question, blind_to: tuple[str, ...]) -> NDArray[np.float64]:
    """(users,) NDCG of the true tastes at the end of the year, but for some facets."""
    late = load_file(folder / truth.TRUTH / "people.safetensors")["late"].copy()
    items = load_file(folder / truth.TRUTH / "world.safetensors")
    for facet in blind_to:
        late[:, BLOCKS[facet]] = 0
    rows = np.array([int(user[1:]) - 1 for user in asked.users])
    scores = late[rows] @ items["features"].T + items["exposure"][-1]
    return ndcg(scores.astype(np.float32), asked)


def weft(asked: benchmark.Question, features: benchmark.Features, settings: config.Config) -> NDArray[np.float64]:
    ranker, _ = benchmark.trained_ranker(asked, features, settings, lambda stage: None)
    found, _ = benchmark.ranked(ranker, asked, K)
    return metrics.list_metrics(found, asked.relevant, K)[f"ndcg@{K}"]


def ndcg(scores: NDArray[np.float32], asked: benchmark.Question) -> NDArray[np.float64]:
    found, _ = metrics.rank(scores, K, asked.asked.seen(), asked.allowed)
    return metrics.list_metrics(found, asked.relevant, K)[f"ndcg@{K}"]


def show(rows: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> None:
    print(f"{'':18}{'truth':>8}{'weft':>8}   what the source is worth: to the truth, to weft (95% interval)")
    whole = rows["everything"]
    for name, (best, found) in rows.items():
        worth = ""
        if name != "everything":
            low, high = bootstrap.interval(whole[1] - found, 1000, 0)
            lost = float((whole[1] - found).mean())
            worth = f"{float((whole[0] - best).mean()):+.4f}   {lost:+.4f} ({low:+.4f} to {high:+.4f})"
        print(f"{name:18}{best.mean():8.4f}{found.mean():8.4f}   {worth}")


if __name__ == "__main__":
    main()
