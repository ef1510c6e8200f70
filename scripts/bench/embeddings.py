"""What smaller embeddings cost: python scripts/bench/embeddings.py [--split dev].

Text vectors of movielens-100k by the multilingual encoder (512 numbers) and poster vectors by EfficientNet-Lite0
(1,280), kept in fewer numbers (leading axes of the items' own), fewer bits (float16; int8 with a scale a row; the sign
alone), or both. Told for each are bytes an item, the share of each item's ten nearest that stay, and what is done with
them: NDCG@10 of the judged plots of films by cosine (texts, English and Chinese), and recall@20 and NDCG@20 of
`content` alone from texts and posters for films that nobody has met (the judge's cold sets).
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cold_films import cold_set, ranking
from film_queries import read
from numpy.typing import NDArray

import encoders
from encoders import EmbeddingStore, Vectors, fast
from encoders.weights import unit
from engine import config
from engine.importers import movielens
from engine.tables import catalogue

Shrink = Callable[[Vectors], Vectors]
"""Vectors, (n, dim), as they are read again."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=["dev", "test"], default="dev")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/ and judge/")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--sets", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="of films that nobody has met")
    choice = parser.parse_args()
    movielens.convert(choice.shared / "data" / "movielens-100k", choice.work / "movielens")
    tables = catalogue.read(config.load(choice.work / "movielens" / "weft.toml"))
    store = EmbeddingStore(choice.work / "embeddings")
    multilingual = encoders.open_text("multilingual")
    texts = store.texts(multilingual, tables.items["text"].fill_null("").to_list()).vectors
    paths = [None if path is None else Path(path) for path in tables.items["image"]]
    trunk: Any = encoders.open_image("efficientnet-lite0")
    posters = store.images(fast.open_fast(trunk, fast.ONNX, choice.work / "embeddings" / "fast"), paths).vectors
    asked = [query for query in read(choice.split, tables.items) if query.kind == "known"]
    plots = store.texts(multilingual, [query.text for query in asked]).vectors
    sets = [cold_set(tables, choice.shared, choice.work, seed) for seed in choice.sets]
    columns = (
        "both as",
        "bytes of a text",
        "of a poster",
        "nearest ten",
        "NDCG@10 of plots",
        "cold recall@20",
        "NDCG@20",
    )
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for (name, shrink, size), (_, look, large) in zip(forms(texts), forms(posters), strict=True):
        small, pictures = shrink(texts), look(posters)
        found = np.argsort(-(shrink(plots) @ small.T), axis=1)[:, :10]
        gain = np.mean([ndcg(best, query.right) for best, query in zip(found, asked, strict=True)])
        cold = [ranking(one, small, pictures) for one in sets]
        recall, gains = (np.mean([one[what] for one in cold]) for what in ("recall@20", "ndcg@20"))
        same = fast.agreement(texts, small)
        print(f"| {name} | {size:,} | {large:,} | {same:.4f} | {gain:.4f} | {recall:.4f} | {gains:.4f} |", flush=True)


def forms(items: Vectors) -> list[tuple[str, Shrink, int]]:
    """Name, how, and bytes an item; the axes are the leading ones of these items, and no mean is taken off them."""
    dim = items.shape[1]
    made: list[tuple[str, Shrink, int]] = [
        ("float32", lambda rows: rows, 4 * dim),
        ("float16", lambda rows: rows.astype(np.float16).astype(np.float32), 2 * dim),
        ("int8", int8, dim + 4),
        ("the sign", lambda rows: unit(np.sign(rows).astype(np.float32)), dim // 8),
    ]
    leading = np.linalg.svd(items, full_matrices=False)[2]  # (axes, dim)
    for width in (256, 128, 64):
        axes = leading[:width].T
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


if __name__ == "__main__":
    main()
