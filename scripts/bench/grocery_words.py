"""How well words find photographs taken in a shop: python scripts/bench/grocery_words.py [--seeds 3] [--work FOLDER].

On grocery-store, asked are the names of its 81 products and their descriptions in English, and the names in Chinese
(tests/data/grocery/names.csv, translated by hand). Two figures, both means over the 81 texts:

- photographs: of the ten nearest of the 2,485 test photographs, how many show the product, of what ten places can hold.
- products: whether the clean picture of the product is among the ten nearest of 81.

weft-small as it comes was trained on drawings of a generated shop and has seen no photograph (zero-shot). `trained` are
heads of its own that `encoders.tune` made of the training photographs with the English names and descriptions; so the
names are known, the photographs are new. Chinese goes by the head for many languages: fitted on the same English texts,
or on the Chinese names as well. Nothing was chosen on the test part. Intervals of 95 % are a bootstrap over the texts.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import polars as pl
import torch
from grocery import DRAWS, Shop, encoded, read
from numpy.typing import NDArray

import encoders
from encoders import Vectors
from encoders.heads import SmallHeads
from encoders.tune import K, Pairs, Settings, found, tune
from engine import memory

NAMES = Path(__file__).parents[2] / "tests" / "data" / "grocery" / "names.csv"
SETTINGS = {"epochs": 15, "batch": 128, "valid_share": 0.05, "test_share": 0.01, "patience": 15}
"""The photographs of a product share its texts, so the recall that ends a training says little: it runs through."""
Said = dict[str, Vectors]
"""By sort, the vectors of a text for each product (81, dim)."""


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/grocery-store"))
    parser.add_argument("--work", type=Path, default=Path("artefacts/grocery"), help="keeps vectors")
    parser.add_argument("--seeds", type=int, default=3)
    choice = parser.parse_args()
    torch.set_num_threads(1)
    shop, store = read(choice.data), encoders.EmbeddingStore(choice.work)
    trunk = encoders.open_image("efficientnet-lite0")
    train, test, clean = (encoded(store, trunk, part.paths) for part in (shop.train, shop.test, shop.clean))
    texts = said(choice.data, shop)
    english, other = ({name: encoders.open_text(of).encode(some) for name, some in texts.items()} for of in ENCODERS)
    print("| | photographs, recall@10 | products, recall@10 |\n|---|---|---|")
    counts = np.bincount(shop.test.product, minlength=len(shop.names))
    by_chance = (K * counts / counts.sum() / np.minimum(K, counts)).mean()
    print(f"| by chance | {by_chance:.3f} | {K / len(shop.names):.3f} |")
    zero = encoders.weft_small_heads()
    rows = [
        (f"zero-shot, {name}", [figures(zero, queries, test, clean, shop)])
        for name, queries in asked(zero, english, other)
    ]
    made: dict[str, list[Vectors]] = {}
    for seed in range(choice.seeds):
        for sort, heads in trained(train, shop, english, other, seed).items():
            for name, queries in asked(heads, english, other):
                if sort == "English" or not name.startswith("English by MiniLM"):
                    made.setdefault(f"trained on {sort}, {name}", []).append(figures(heads, queries, test, clean, shop))
    for name, some in rows + list(made.items()):
        line(name, np.mean(some, axis=0))


ENCODERS = ("minilm", "multilingual")


def said(folder: Path, shop: Shop) -> dict[str, list[str]]:
    """By sort, a text for each product."""
    classes = pl.read_csv(folder / "classes.csv").sort("Class ID (int)")
    paths = [folder / path.lstrip("/") for path in classes["Product Description Path (str)"]]
    with NAMES.open(encoding="utf-8") as file:
        chinese = {row["name"]: row["zh"] for row in csv.DictReader(file)}
    return {
        "names": [name.replace("-", " ") for name in shop.names],
        "descriptions": [path.read_text(encoding="utf-8").strip() for path in paths],
        "Chinese names": [chinese[name] for name in shop.names],
    }


def asked(heads: SmallHeads, english: Said, other: Said) -> list[tuple[str, Vectors]]:
    """Each sort of query in the space of the heads."""
    rows = [(f"English by MiniLM, {name}", heads.text(english[name])) for name in ("names", "descriptions")]
    if heads.reads_many_languages:
        rows += [
            (f"by the multilingual encoder, {name}", heads.multilingual(vectors)) for name, vectors in other.items()
        ]
    return rows


def trained(train: Vectors, shop: Shop, english: Said, other: Said, seed: int) -> dict[str, SmallHeads]:
    """Heads by what the one for many languages was fitted on."""

    def pairs(vectors: Said, sorts: tuple[str, ...]) -> Pairs:
        rows = np.concatenate([vectors[sort][shop.train.product] for sort in sorts])
        return Pairs(train, rows, np.tile(np.arange(len(train)), len(sorts)))

    both = ("names", "descriptions")
    tuned = tune(pairs(english, both), Settings(seed=seed, **SETTINGS))
    return {
        "English": tuned.reading(pairs(other, both)).ready(),
        "English and Chinese": tuned.reading(pairs(other, (*both, "Chinese names"))).ready(),
    }


def figures(heads: SmallHeads, queries: Vectors, test: Vectors, clean: Vectors, shop: Shop) -> NDArray[np.float64]:
    """(2, 81) recall among the photographs and among the clean pictures, by product; both as Lite0 gives them."""
    return measured(queries, heads.image(test), heads.image(clean), shop)


def measured(queries: Vectors, test: Vectors, clean: Vectors, shop: Shop) -> NDArray[np.float64]:
    """(2, 81) as `figures`, of vectors that all lie in one space."""
    nearest = np.argsort(-(queries @ test.T), axis=1, kind="stable")[:, :K]
    products = np.arange(len(queries))
    hits = (shop.test.product[nearest] == products[:, None]).sum(axis=1)
    possible = np.minimum(K, np.bincount(shop.test.product, minlength=len(queries)))
    return np.stack([hits / possible, found(queries, clean, products)])


def line(name: str, values: NDArray[np.float64]) -> None:
    draws = np.random.default_rng(0).integers(values.shape[1], size=(DRAWS, values.shape[1]))
    cells = []
    for row in values:
        low, high = np.quantile(row[draws].mean(axis=1), (0.025, 0.975))
        cells.append(f"{row.mean():.3f} ({low:.3f} to {high:.3f})")
    print(f"| {name} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
