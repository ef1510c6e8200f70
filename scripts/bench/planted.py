"""Is what was planted in the generated shop found again? Its new items, ranked with and without one source at a time.

    python scripts/bench/planted.py

People of the shop choose by facts of the graph (kind, brand, colour and so on), by a style that only texts tell and by
a pattern that only pictures show, and the generator keeps the true tastes aside. For items that nobody has chosen yet,
each source is taken from the truth (what it is worth at most), and from the kernel ridge, the graph network and all of
Weft (what each found of it). Texts repeat most facts, so without the facts much is still told. The truth also knows how
often each item will be shown, which nobody else can.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors.numpy import load_file

from engine import ablation, benchmark, config, memory
from engine.candidates import Features, content, gnn
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
    found = {"everything": scores(folder, asked, features, settings, ())}
    for source, facets in SOURCES.items():
        less = features
        for name in {"text": ("words", "text")}.get(source, (source,)):
            less = ablation.without(less, name)
        found[f"without {source}"] = scores(folder, asked, less, settings, facets)
    show(found)


def scores(
    folder: Path, asked: benchmark.Question, features: Features, settings: config.Config, blind_to: tuple[str, ...]
) -> dict[str, NDArray[np.float64]]:
    """(users,) NDCG of the truth that is blind to some facets, and of rankers with these features."""
    candidates = settings.candidates
    ridge = content.fit(asked.known, features, candidates.content)
    network = gnn.fit(asked.known, features, candidates.gnn, settings.seed)
    return {
        "truth": oracle(folder, asked, blind_to),
        "ridge": ndcg(ridge.score(asked.asked)[-1].copy(), asked),
        "network": ndcg(network.score(asked.asked)[-1].copy(), asked),
        "weft": weft(asked, features, settings),
    }


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


def weft(asked: benchmark.Question, features: Features, settings: config.Config) -> NDArray[np.float64]:
    ranker, _ = benchmark.trained_ranker(asked, features, settings, lambda stage: None)
    found, _ = benchmark.ranked(ranker, asked, K)
    return metrics.list_metrics(found, asked.relevant, K)[f"ndcg@{K}"]


def ndcg(scores: NDArray[np.float32], asked: benchmark.Question) -> NDArray[np.float64]:
    found, _ = metrics.rank(scores, K, asked.asked.seen(), asked.allowed)
    return metrics.list_metrics(found, asked.relevant, K)[f"ndcg@{K}"]


def show(found: dict[str, dict[str, NDArray[np.float64]]]) -> None:
    """NDCG of each, and what it loses without a source, with a 95% interval over users."""
    whole = found["everything"]
    for name, row in found.items():
        print(f"{name:16}" + "".join(f"{ranker:>10} {each.mean():.4f}" for ranker, each in row.items()))
        for ranker, each in row.items() if name != "everything" else ():
            low, high = bootstrap.interval(whole[ranker] - each, 1000, 0)
            print(f"{'':16}{ranker:>10} loses {(whole[ranker] - each).mean():+.4f} ({low:+.4f} to {high:+.4f})")


if __name__ == "__main__":
    main()
