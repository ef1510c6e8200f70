"""How well search finds by a picture and words together: python scripts/bench/look.py [--seed 1] [--products 1000].

On a generated shop, whose drawings show kind and colour. Asked is "this, in red": the picture of a product, with a
colour that it does not have, in English or Chinese; right are the products of its category in that colour. Recall@10
is of what ten places can hold. `share` is what the picture weighs beside the words; that in engine/search/look.py was
chosen on seed 0, and the default seed here is another shop.

`alone` is the picture by itself, in the image encoder's space and in weft-small's: right is what has its category and
its colour; the product itself is left out.
"""

import argparse
import tempfile
from pathlib import Path
from random import Random

import numpy as np
import polars as pl
from search import CHINESE, figures, shop

from engine.search import look
from engine.search.hybrid import Searcher

SHARES = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--products", type=int, default=1000)
    parser.add_argument("--asked", type=int, default=200)
    choice = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        searcher = shop(Path(folder), choice.products, choice.seed)
        items = searcher.items.with_row_index("row").explode("colour").drop_nulls(["image", "colour", "category"])
        chosen = Random(choice.seed).sample(items.rows(named=True), min(choice.asked, items.height))
        alone(searcher, items, chosen)
        together(searcher, items, chosen, choice.seed)


def rows(items: pl.DataFrame, category: str, colour: str, without: int) -> np.ndarray:
    right = (pl.col("category") == category) & (pl.col("colour") == colour) & (pl.col("row") != without)
    return items.filter(right)["row"].to_numpy()


def alone(searcher: Searcher, items: pl.DataFrame, chosen: list[dict]) -> None:
    raw = searcher.features.image
    for name, space in (("efficientnet-lite0", raw), ("weft-small", searcher.queries.pictures(raw))):
        found = []
        for one in chosen:
            right = rows(items, one["category"], one["colour"], one["row"])
            if len(right):
                scores = space @ space[one["row"]]
                scores[one["row"]] = 0
                found.append(figures(scores, right))
        recall, rank = np.mean(found, axis=0)
        print(
            f"alone, in the space of {name}: recall@10 {recall:.3f}, MRR {rank:.3f}, {len(found)} pictures", flush=True
        )


def together(searcher: Searcher, items: pl.DataFrame, chosen: list[dict], seed: int) -> None:
    """One line for each share and language."""
    random, asked = Random(seed), []
    for one in chosen:
        others = items.filter((pl.col("category") == one["category"]) & (pl.col("colour") != one["colour"]))
        if others.height:
            asked.append((one, random.choice(sorted(set(others["colour"])))))
    for words in ("in {}", "{}的"):
        signals = []
        for one, colour in asked:
            query = words.format(colour if words.isascii() else CHINESE["colour"][colour])
            seen = look.looks(one["image"], searcher.queries, searcher.features.image)
            signals.append((searcher.total(query), seen, rows(items, one["category"], colour, one["row"])))
        for share in SHARES:
            recall, rank = np.mean([figures((1 - share) * w + share * s, right) for w, s, right in signals], axis=0)
            print(
                f"`{words}`, share {share}: recall@10 {recall:.3f}, MRR {rank:.3f}, {len(asked)} questions", flush=True
            )


if __name__ == "__main__":
    main()
