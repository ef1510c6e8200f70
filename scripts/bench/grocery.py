"""How well a photograph taken in a shop finds its product: python scripts/bench/grocery.py [--seeds 3] [--work FOLDER].

On grocery-store: 81 products, of each a clean picture from the shop's pages and photographs, 2,640 to learn from and
2,485 to test on. A product is found by the mean of its photographs, by a logistic regression over them, by what
`encoders.tune_images` learned of them, or by its clean picture alone, which is all that a catalogue has. The tuned
encoder learns from the training photographs and the clean pictures; its settings were chosen on the validation part.

Top-1 and top-5, over products and over the 43 coarse classes (a class is as near as its nearest product). Intervals
are of 95 %, by a bootstrap over the test photographs, tuned against the others paired, hits averaged over seeds.
"""

import argparse
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression

import encoders
from encoders import Vectors, pictures
from encoders.tune_images import Labelled, Settings, tune_images
from encoders.tuned import TunedEncoder
from encoders.weights import unit
from engine import memory

BINS = 8
"""Of each of three colours in a histogram."""
DRAWS = 2000


class Part(NamedTuple):
    """Photographs and the numbers of their products."""

    paths: list[Path]
    product: NDArray[np.int64]


class Shop(NamedTuple):
    train: Part
    valid: Part
    test: Part
    clean: Part
    """One picture of each product, in the order of their numbers."""
    names: list[str]
    coarse: NDArray[np.int64]
    """(products,) the number of the class of each."""


def read(folder: Path) -> Shop:
    parts = []
    for name in ("train", "val", "test"):
        lines = [line.split(",") for line in (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines() if line]
        parts.append(Part([folder / path.strip() for path, *_ in lines], np.array([int(fine) for _, fine, _ in lines])))
    classes = pl.read_csv(folder / "classes.csv").sort("Class ID (int)")
    clean = [folder / path.lstrip("/") for path in classes["Iconic Image Path (str)"]]
    names, coarse = classes["Class Name (str)"].to_list(), classes["Coarse Class ID (int)"].to_numpy()
    return Shop(*parts, Part(clean, np.arange(len(clean))), names, coarse)


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/grocery-store"))
    parser.add_argument("--work", type=Path, default=Path("artefacts/grocery"), help="keeps vectors and tuned encoders")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    choice = parser.parse_args()
    torch.set_num_threads(choice.threads)
    shop = read(choice.data)
    store = encoders.EmbeddingStore(choice.work)
    hits = {"colour histogram, means": found(shop, *by_colour(shop))} | frozen(shop, store)
    seeds = []
    for seed in range(choice.seeds):
        folder, began = choice.work / f"tuned-{seed}", time.process_time()
        if not encoders.tuned_images(str(folder)):
            tune(shop, folder, seed)
            print(f"seed {seed}: tuned in {time.process_time() - began:.0f} s of the processor", flush=True)
        seeds.append(tuned(shop, store, folder))
        for name, one in seeds[-1].items():
            print(f"seed {seed}: {name}:", " ".join(f"{what} {one[what].mean():.4f}" for what in one), flush=True)
    hits |= {
        name: {what: np.mean([one[name][what] for one in seeds], axis=0) for what in seeds[0][name]}
        for name in seeds[0]
    }
    table(hits)


def by_colour(shop: Shop) -> tuple[Vectors, Vectors]:
    def histogram(path: Path) -> Vectors:
        pixels = np.asarray(pictures.load(path)).reshape(-1, 3) // (256 // BINS)
        counts = np.bincount(pixels @ [BINS * BINS, BINS, 1], minlength=BINS**3)
        return np.sqrt(counts / counts.sum())  # so that a product of two is the overlap (Bhattacharyya)

    train, test = (unit(np.stack([histogram(path) for path in part.paths])) for part in (shop.train, shop.test))
    return means(train, shop.train.product), test


def means(rows: Vectors, product: NDArray[np.int64]) -> Vectors:
    """(products, dim) the mean direction of each."""
    return unit(np.stack([rows[product == one].mean(axis=0) for one in range(product.max() + 1)]))


def frozen(shop: Shop, store: encoders.EmbeddingStore) -> dict[str, dict[str, NDArray[np.float64]]]:
    encode = partial(encoded, store, encoders.open_image("efficientnet-lite0"))
    train, test, clean = encode(shop.train.paths), encode(shop.test.paths), encode(shop.clean.paths)
    model = LogisticRegression(C=30, max_iter=1000).fit(train, shop.train.product)
    return {
        "frozen, clean picture": found(shop, clean, test),
        "frozen, means": found(shop, means(train, shop.train.product), test),
        "frozen, logistic regression": measured(shop, model.decision_function(test)),
    }


def encoded(store: encoders.EmbeddingStore, encoder: encoders.Encoder[Image.Image], paths: Sequence[Path]) -> Vectors:
    return store.images(encoder, paths).vectors


def tune(shop: Shop, folder: Path, seed: int) -> None:
    paths = shop.train.paths + shop.clean.paths
    labels = [shop.names[one] for one in np.concatenate([shop.train.product, shop.clean.product])]
    valid = Labelled(shop.valid.paths, [shop.names[one] for one in shop.valid.product])
    made = tune_images(Labelled(paths, labels), Settings(seed=seed), valid, folder / ".training.safetensors")
    print(f"seed {seed}: validation top-1 by epoch {made.figures['valid top-1 by epoch']}", flush=True)
    made.save(folder, {"data": "grocery-store, train.txt and clean pictures"})


def tuned(shop: Shop, store: encoders.EmbeddingStore, folder: Path) -> dict[str, dict[str, NDArray[np.float64]]]:
    encoder = TunedEncoder(folder)
    test, clean = (encoded(store, encoder, part.paths) for part in (shop.test, shop.clean))
    centres = encoder.centres[[encoder.labels.index(name) for name in shop.names]]
    return {"tuned, clean picture": found(shop, clean, test), "tuned, what it learned": found(shop, centres, test)}


def found(shop: Shop, products: Vectors, test: Vectors) -> dict[str, NDArray[np.float64]]:
    """Hits of test photographs (n, dim) in search of products (81, dim)."""
    return measured(shop, test @ products.T)


def measured(shop: Shop, scores: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """(n,) 1 where a photograph's product, or its coarse class, is first or among the first five."""
    classes = np.stack([scores[:, shop.coarse == one].max(axis=1) for one in range(shop.coarse.max() + 1)], axis=1)
    hits = {}
    for what, given, right in (
        ("product", scores, shop.test.product),
        ("class", classes, shop.coarse[shop.test.product]),
    ):
        ahead = (given >= given[np.arange(len(given)), right][:, None]).sum(axis=1) - 1  # ties count against it
        hits |= {f"{what} top-{k}": (ahead < k).astype(np.float64) for k in (1, 5)}
    return hits


def table(hits: dict[str, dict[str, NDArray[np.float64]]]) -> None:
    rng = np.random.default_rng(0)
    columns = list(next(iter(hits.values())))
    n = len(next(iter(hits.values()))[columns[0]])
    draws = rng.integers(n, size=(DRAWS, n))
    print("\n|  |", " | ".join(columns), "|\n|---|" + "---|" * len(columns))
    for name, one in hits.items():
        print(f"| {name} |", " | ".join(spread(one[what], draws) for what in columns), "|")
    best = "tuned, what it learned"
    pairs = [(best, other) for other in hits if other != best] + [("tuned, clean picture", "frozen, clean picture")]
    for one, other in pairs:
        cells = [spread(hits[one][what] - hits[other][what], draws, "+") for what in columns]
        print(f"| {one}, over {other} |", " | ".join(cells), "|")


def spread(values: NDArray[np.float64], draws: NDArray[np.int64], sign: str = "") -> str:
    """The mean and its interval."""
    low, high = np.quantile(values[draws].mean(axis=1), (0.025, 0.975))
    return f"{values.mean():{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"


if __name__ == "__main__":
    main()
