"""What smaller embeddings cost: python scripts/bench/embeddings.py [--split dev].

Text vectors of movielens-100k by the multilingual encoder (512 numbers) and poster vectors by EfficientNet-Lite0
(1,280), kept in fewer numbers (leading axes of the items' own), fewer bits (float16; int8 with a scale a row; the sign
alone), or both. Told for each are bytes an item, the share of each item's ten nearest that stay, and what is done with
them: NDCG@10 of the judged plots of films by cosine (texts, English and Chinese), and recall@20 of `content` alone from
texts and posters for items that nobody has met (a fifth of the films, several draws).
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from film_queries import read
from numpy.typing import NDArray
from scipy import sparse

import encoders
from encoders import EmbeddingStore, Vectors, fast
from encoders.weights import unit
from engine import config, history
from engine.candidates import Features, content
from engine.importers import movielens
from engine.tables import catalogue
from engine.tables.catalogue import Catalogue

Shrink = Callable[[Vectors], Vectors]
"""Vectors, (n, dim), as they are read again."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=["dev", "test"], default="dev")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/movielens-100k"))
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--draws", type=int, default=5, help="of the films that nobody has met")
    choice = parser.parse_args()
    movielens.convert(choice.data, choice.work / "movielens")
    tables = catalogue.read(config.load(choice.work / "movielens" / "weft.toml"))
    store = EmbeddingStore(choice.work / "embeddings")
    multilingual = encoders.open_text("multilingual")
    texts = store.texts(multilingual, tables.items["text"].fill_null("").to_list()).vectors
    paths = [None if path is None else Path(path) for path in tables.items["image"]]
    trunk: Any = encoders.open_image("efficientnet-lite0")
    posters = store.images(fast.open_fast(trunk, fast.ONNX, choice.work / "embeddings" / "fast"), paths).vectors
    asked = [query for query in read(choice.split, tables.items) if query.kind == "known"]
    plots = store.texts(multilingual, [query.text for query in asked]).vectors
    print("| texts as | bytes an item | nearest ten | NDCG@10 of plots | cold recall@20, texts and posters so |")
    print("|---|---|---|---|---|")
    for name, shrink, size in forms(texts):
        pictures = {of: each for of, each, _ in forms(posters)}[name](posters)
        small = shrink(texts)
        found = np.argsort(-(shrink(plots) @ small.T), axis=1)[:, :10]
        gain = np.mean([ndcg(best, query.right) for best, query in zip(found, asked, strict=True)])
        recall = np.mean([cold(tables, small, pictures, seed) for seed in range(choice.draws)])
        same = fast.agreement(texts, small)
        print(f"| {name} | {size} | {same:.4f} | {gain:.4f} | {recall:.4f} |", flush=True)


def forms(items: Vectors) -> list[tuple[str, Shrink, int]]:
    """Name, how, and bytes an item; the axes are the leading ones of these items, and no mean is taken off them."""
    dim = items.shape[1]
    made: list[tuple[str, Shrink, int]] = [
        ("float32", lambda rows: rows, 4 * dim),
        ("float16", lambda rows: rows.astype(np.float16).astype(np.float32), 2 * dim),
        ("int8", int8, dim + 4),
        ("the sign", lambda rows: unit(np.sign(rows).astype(np.float32)), dim // 8),
    ]
    for width in (256, 128, 64):
        axes = np.linalg.svd(items, full_matrices=False)[2][:width].T
        made.append((f"{width} axes", lambda rows, axes=axes: unit(rows @ axes), 4 * width))
        made.append((f"{width} axes, int8", lambda rows, axes=axes: int8(unit(rows @ axes)), width + 4))
    made.append(("the first 256 numbers", lambda rows: unit(rows[:, :256].copy()), 1024))
    return made


def int8(rows: Vectors) -> Vectors:
    scale = np.abs(rows).max(axis=1, keepdims=True, initial=1e-9) / 127
    return unit((np.round(rows / scale) * scale).astype(np.float32))


def ndcg(ranked: NDArray[np.int64], right: Sequence[int]) -> float:
    weights = 1 / np.log2(np.arange(2, 2 + len(ranked)))
    return float(weights[np.isin(ranked, right)].sum() / weights[: len(right)].sum())


def cold(tables: Catalogue, texts: Vectors, posters: Vectors, seed: int) -> float:
    """Recall@20 among items held out whole, for users who chose one of them, by texts and posters alone."""
    ids = tables.items["item_id"].to_list()
    hidden = np.random.default_rng(seed).permutation(len(ids))[: len(ids) // 5]
    out = pl.col("item_id").is_in([ids[row] for row in hidden])
    index = {item: row for row, item in enumerate(ids)}
    known = tables.interactions.filter(~out)
    users = known["user_id"].unique(maintain_order=True).to_list()
    histories = history.from_frame(known, users, index)
    nothing = sparse.csr_array((len(ids), 0), dtype=np.float32)
    features = Features(nothing, nothing, texts, posters, np.zeros(0, np.int64))
    fitted = content.fit(histories, features, config.Content())
    scores = fitted.score(histories)[0][:, hidden]
    place = {row: number for number, row in enumerate(hidden.tolist())}
    wanted: dict[str, set[int]] = {}
    for user, item in tables.interactions.filter(out).select("user_id", "item_id").rows():
        wanted.setdefault(user, set()).add(place[index[item]])
    best = np.argsort(-scores, axis=1)[:, :20]
    return float(
        np.mean(
            [
                len(wanted[user] & set(best[row].tolist())) / len(wanted[user])
                for row, user in enumerate(users)
                if user in wanted
            ]
        )
    )


if __name__ == "__main__":
    main()
