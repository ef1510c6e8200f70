"""Train weft-small's heads on a generated shop, or on a catalogue of your own, and say how well they find pictures.

    python scripts/train_weft_small.py                                    # writes encoders/weights/weft-small.*
    python scripts/train_weft_small.py --items items.parquet --out heads  # then: encoders.weft_small_heads("heads")
    python scripts/train_weft_small.py --keep                             # only the head for many languages, anew

Of a catalogue of your own, the columns `title`, `description`, `colour`, `category` and `image` are read, as far as
they are there (paths from the folder of the file). The texts should be English: the text trunk is. A head
of its own, a ridge regression, brings texts of any language that `multilingual` knows to the same pictures: the same
columns, and `title_zh` and `description_zh`. The generated shop
has a seed of its own, and training, validation and test have products of their own.

Beside the test pairs it measures the demo's shop, of another seed, for each sort of text and over all its pictures:

- recall@10: the share of texts that find the picture of their own product among the first ten. Many products share a
  drawing's shape and its colour, and no text tells more of a picture; `at most` is what a perfect reader would reach.
- first picture fits: the share whose first picture has the shape of the product, and its colour where the text says it.
"""

import argparse
import json
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

import encoders
from encoders.base import Vectors
from encoders.heads import FOLDER, SmallHeads
from encoders.tune import K, Pairs, Settings, Tuned, found, tune
from engine import memory
from engine.demo.kinds import KINDS
from engine.demo.products import NAMES, make
from engine.demo.shop import generate

SHOP_SEED, PRODUCTS = 2027, 6000
DEMO_SEED, DEMO_PRODUCTS = 0, 2000
CHINESE = r"[\u3000-\u9fff]"
COLUMNS = ("title", "description", "colour", "category")


def texts_of(items: pl.DataFrame) -> dict[str, list[str | None]]:
    """What a person might say of each product, in English, by sort; None where that cannot be said."""
    absent = [pl.lit(None, pl.String).alias(name) for name in COLUMNS if name not in items.columns]
    english = [pl.when(~pl.col(name).str.contains(CHINESE)).then(pl.col(name)) for name in ("title", "description")]
    kind = pl.col("category").str.split(">").list.last().str.strip_chars().str.to_lowercase()
    table = items.with_columns(absent).with_columns(english)
    return table.select(
        pl.col("title"),
        pl.format("{}. {}", "title", "description").alias("title and description"),
        pl.format("{} {}", "colour", kind).alias("colour and kind"),
    ).to_dict(as_series=False)


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=Path, help="a parquet table of your own; without it a shop is generated")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for the heads")
    parser.add_argument("--cache", type=Path, help="folder that keeps the shops and the vectors for another run")
    parser.add_argument("--products", type=int, default=PRODUCTS, help="products to generate")
    parser.add_argument("--keep", action="store_true", help="leave the trained heads in --out as they are")
    parser.add_argument("--seed", type=int, default=0, help="of the training")
    choice = parser.parse_args()
    torch.set_num_threads(1)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        cache = choice.cache or Path(temporary)
        store = encoders.EmbeddingStore(cache / "vectors")
        items = choice.items or shop(cache, SHOP_SEED, choice.products)
        sorts, pictures = encoded(items, store)
        print(f"{len(pictures)} products encoded after {time.monotonic() - began:.0f} s")
        others = in_any_language(items, pictures, store)
        if choice.keep:
            keep(choice.out, others)
            return
        tuned = tune(pairs_of(sorts, pictures), Settings(seed=choice.seed))
        about = {"data": str(choice.items)}
        if choice.items is None:
            about = {
                "data": f"engine.demo.shop, seed {SHOP_SEED}, {choice.products} products; English texts with pictures",
                f"engine.demo.shop, seed {DEMO_SEED}, {DEMO_PRODUCTS} products": demo(tuned.ready(), cache, store),
            }
    tuned.reading(others).save(choice.out, about)
    print((choice.out / "weft-small.json").read_text(encoding="utf-8"))
    print(f"{choice.out}/weft-small.safetensors written after {time.monotonic() - began:.0f} s")


def shop(cache: Path, seed: int, products: int) -> Path:
    """The table of a generated shop with few people, who do not matter here."""
    folder = cache / f"shop-{seed}-{products}"
    if not (folder / "items.parquet").is_file():
        generate(folder, seed=seed, products=products, users=20)
    return folder / "items.parquet"


def encoded(path: Path, store: encoders.EmbeddingStore) -> tuple[dict[str, tuple[list[str], Vectors]], Vectors]:
    """By sort, the texts (n) of `minilm` with their vectors (n, 384); then the pictures' (n, 1280)."""
    items = pl.read_parquet(path)
    files = [path.parent / name if name else None for name in items["image"]]
    pictures = store.images(encoders.open_image("efficientnet-lite0"), files)
    for row, why in pictures.rejects:
        print(f"{files[row]}: {why}")
    minilm = encoders.open_text("minilm")
    said = {sort: [text or "" for text in texts] for sort, texts in texts_of(items).items()}
    return {sort: (texts, store.texts(minilm, texts).vectors) for sort, texts in said.items()}, pictures.vectors


def in_any_language(path: Path, pictures: Vectors, store: encoders.EmbeddingStore) -> Pairs:
    """Titles, descriptions, colours and kinds in the languages that they are in, as `multilingual` reads them."""
    items = pl.read_parquet(path)
    columns = [name for name in (*COLUMNS[:2], "title_zh", "description_zh") if name in items.columns]
    said = [items[name].fill_null("").to_list() for name in columns]
    said.append([text or "" for text in texts_of(items)["colour and kind"]])
    encoder = encoders.open_text("multilingual")
    vectors = [store.texts(encoder, texts).vectors for texts in said]
    return Pairs(pictures, np.concatenate(vectors), np.tile(np.arange(len(pictures)), len(vectors)))


def keep(folder: Path, others: Pairs) -> None:
    """Write the heads of `folder` again with a new one for many languages."""
    before = encoders.weft_small_heads(folder)
    about = json.loads((folder / "weft-small.json").read_text(encoding="utf-8"))
    tensors = {name: torch.from_numpy(tensor) for name, tensor in before.tensors.items()}
    Tuned(tensors, {}).reading(others).save(folder, {name: about[name] for name in about if name != "sha256"})


def pairs_of(sorts: dict[str, tuple[list[str], Vectors]], pictures: Vectors) -> Pairs:
    """All sorts of texts, with the pictures that they are of."""
    vectors = [vectors for _, vectors in sorts.values()]
    return Pairs(pictures, np.concatenate(vectors), np.tile(np.arange(len(pictures)), len(vectors)))


def demo(heads: SmallHeads, cache: Path, store: encoders.EmbeddingStore) -> dict[str, dict[str, float]]:
    """How well each sort of text finds pictures among all of the demo's shop, which no head was trained on."""
    sorts, pictures = encoded(shop(cache, DEMO_SEED, DEMO_PRODUCTS), store)
    shown = np.flatnonzero(pictures.any(axis=1))  # products with a picture
    seen = heads.image(pictures[shown])
    codes = make(DEMO_PRODUCTS, DEMO_SEED).codes
    shape = np.array([KINDS[kind].shape for kind in codes["kind"]])  # (n,)
    colour = np.array(NAMES["colour"])[codes["colour"]]  # (n,)
    figures = {}
    for sort, (texts, vectors) in sorts.items():
        rows = shown[vectors[shown].any(axis=1)]
        named = np.array([re.search(rf"\b{colour[row]}\b", texts[row], re.IGNORECASE) is not None for row in rows])
        fits = (shape[rows, None] == shape[shown]) & ((colour[rows, None] == colour[shown]) | ~named[:, None])
        figures[sort] = measured(heads.text(vectors[rows]), seen, np.searchsorted(shown, rows), fits)
    return figures


def measured(texts: Vectors, pictures: Vectors, right: NDArray[np.int64], fits: NDArray[np.bool_]) -> dict[str, float]:
    """Figures of texts (t, 256) in search of pictures (n, 256); `fits` (t, n) tells which show what each text says."""
    first = (texts @ pictures.T).argmax(axis=1)
    return {
        "texts": len(texts),
        "recall@10": share(found(texts, pictures, right)),
        "recall@10 at most": share(np.minimum(1, K / fits.sum(axis=1))),
        "recall@10 by chance": round(K / len(pictures), 4),
        "first picture fits": share(fits[np.arange(len(texts)), first]),
        "first picture fits by chance": share(fits),
    }


def share(values: NDArray[Any]) -> float:
    return round(float(values.mean()), 4)


if __name__ == "__main__":
    main()
