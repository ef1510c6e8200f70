"""How fast encoders are, and how far the fast ways agree: python scripts/bench/encoding.py [--only minilm].

Film overviews and posters of movielens-100k, or other pictures, each encoder in every way of `encoders.fast` beside
what people run: `transformers` in batches of 32 in the order given, timm and open_clip with their own transforms, all
in float32. ViT-B-32 has random weights, which take as long. Each round asks every way for the same things in turn, so
that what else the machine does slows all of them; a second is the quickest round's, of the clock and of the
processors. Pictures are read and decoded in every way. Told are also the cosine to the float32 vector (least) and the
share of the ten nearest that stay; with --queries, NDCG@10 of the judged plots of films (dev, English) by cosine alone.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import open_clip
import timm
import torch
from film_queries import read
from numpy.typing import NDArray
from PIL import Image

import encoders
from encoders import Vectors, clip, fast, pictures
from encoders.image import lite0_trunk
from encoders.text import MAX_TOKENS, minilm_folder
from encoders.weights import unit
from engine import config
from engine.importers import movielens
from engine.tables import catalogue

Encode = Callable[[Sequence[Any]], Vectors]
PICTURES = ("efficientnet-lite0", "vit-b-32")


class Measured(NamedTuple):
    wall: float
    processor: float
    rows: Vectors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=("minilm", "multilingual", *PICTURES))
    parser.add_argument("--data", type=Path, default=Path("../shared/data/movielens-100k"))
    parser.add_argument("--pictures", type=Path, help="a folder of pictures instead of the posters")
    parser.add_argument("--work", type=Path, default=Path("runs/encoders"))
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--queries", action="store_true", help="judge the ranking of plots too: all films are encoded")
    choice = parser.parse_args()
    for threads in choice.threads:
        torch.set_num_threads(threads)
        for name in choice.only or ("minilm", "multilingual", *PICTURES):
            things = files(choice) if name in PICTURES else overviews(choice.data)[: choice.texts]
            show(name, threads, measured(ways(name, choice.work, threads), things, choice.rounds))
    if choice.queries:
        judged(choice)


def overviews(data: Path) -> list[str]:
    lines = (json.loads(line) for line in (data / "tmdb.jsonl").open(encoding="utf-8"))
    return [film["overview"] for film in lines if film["overview"]]


def files(choice: argparse.Namespace) -> list[Path]:
    found = sorted(path for path in (choice.pictures or choice.data / "posters").rglob("*.jpg"))
    return found[:: max(1, len(found) // choice.images)][: choice.images]


def ways(name: str, work: Path, threads: int) -> dict[str, Encode]:
    """The first is the baseline, the second float32 in Weft, whose vectors the others are compared with."""
    if name == "minilm":
        plain: Any = encoders.open_text(name)
        return {"transformers": transformers_alone()} | fast_ways(plain, work, threads)
    if name == "multilingual":
        return {"one thread": encoders.open_text(name).encode}
    if name == "vit-b-32":
        torch.manual_seed(0)  # what was exported once is of these weights
        model, _, transform = open_clip.create_model_and_transforms("ViT-B-32", pretrained=None)
        tokenize = open_clip.get_tokenizer("ViT-B-32")
        both = clip.ClipModel(
            name, "bench/vit-b-32", model, tokenize, lambda some: torch.stack([transform(one) for one in some])
        )
        alone = batches(model.encode_image, transform)
        return {"open_clip": alone} | {way: loaded(each) for way, each in fast_ways(both.image, work, threads).items()}
    trunk = lite0_trunk()
    transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=trunk))
    opened = fast_ways(encoders.open_image(name), work, threads)
    return {"timm": batches(trunk, transform)} | {way: loaded(each) for way, each in opened.items()}


def fast_ways(plain: Any, work: Path, threads: int) -> dict[str, Encode]:
    return {"plain": plain.encode} | {way: fast.open_fast(plain, way, work, threads).encode for way in fast.ways(plain)}


def transformers_alone() -> Encode:
    """Mean pooling by the code of the model's card, 32 texts at a time as sentence-transformers has it by default."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = (kind.from_pretrained(minilm_folder()) for kind in (AutoTokenizer, AutoModel))
    model.eval()

    @torch.inference_mode()
    def encode(texts: Sequence[str]) -> Vectors:
        rows = []
        for start in range(0, len(texts), 32):
            tokens = tokenizer(
                list(texts[start : start + 32]),
                padding=True,
                truncation=True,
                max_length=MAX_TOKENS,
                return_tensors="pt",
            )
            states, mask = model(**tokens).last_hidden_state, tokens["attention_mask"][..., None]
            rows.append(((states * mask).sum(1) / mask.sum(1)).numpy())
        return unit(np.concatenate(rows))

    return encode


def batches(network: Any, transform: Any) -> Encode:
    """Pictures opened and transformed one after the other, 32 at a time."""

    @torch.inference_mode()
    def encode(paths: Sequence[Path]) -> Vectors:
        rows = []
        for start in range(0, len(paths), 32):
            some = [transform(Image.open(path).convert("RGB")) for path in paths[start : start + 32]]
            rows.append(network(torch.stack(some)).numpy())
        return unit(np.concatenate(rows))

    return encode


def loaded(encode: Encode) -> Encode:
    """The same of paths, decoded by two threads, as the store does."""

    def of(paths: Sequence[Path]) -> Vectors:
        with ThreadPoolExecutor(2) as pool:
            return encode(list(pool.map(pictures.load, paths)))

    return of


def measured(encode: dict[str, Encode], things: Sequence[Any], rounds: int) -> dict[str, Measured]:
    found: dict[str, Measured] = {}
    for one in encode.values():
        one(things[:4])
    for _ in range(rounds):
        for name, one in encode.items():
            wall, processor = time.perf_counter(), time.process_time()
            rows = one(things)
            taken = Measured(time.perf_counter() - wall, time.process_time() - processor, rows)
            best = found.get(name, taken)
            found[name] = Measured(min(best.wall, taken.wall), min(best.processor, taken.processor), rows)
    return found


def show(name: str, threads: int, found: dict[str, Measured]) -> None:
    first = next(iter(found.values()))
    exact = found.get("plain", first).rows
    print(f"\n{name}, {len(exact)} things, threads: {threads}")
    print("| way | a second | a second of processor | times the first (processor) | least cosine | nearest ten |")
    print("|---|---|---|---|---|---|")
    for way, one in found.items():
        n = len(one.rows)
        print(
            f"| {way} | {n / one.wall:.1f} | {n / one.processor:.1f} | {first.processor / one.processor:.2f} | "
            f"{(one.rows * exact).sum(1).min():.5f} | {fast.agreement(exact, one.rows):.4f} |",
            flush=True,
        )


def judged(choice: argparse.Namespace) -> None:
    """NDCG@10 of queries that remember a film's plot, in English, by the cosine of MiniLM."""
    movielens.convert(choice.data, choice.work / "movielens")
    items = catalogue.read(config.load(choice.work / "movielens" / "weft.toml")).items
    texts = items["text"].fill_null("").to_list()
    asked = [query for query in read("dev", items) if query.segment == "known en"]
    print("\n| way | NDCG@10 of plots | nearest ten of all films |\n|---|---|---|")
    exact = None
    for way, encode in fast_ways(encoders.open_text("minilm"), choice.work, 1).items():
        vectors, queries = encode(texts), encode([query.text for query in asked])
        exact = vectors if exact is None else exact
        ranks = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
        gains = [ndcg(best, query.right) for best, query in zip(ranks, asked, strict=True)]
        print(f"| {way} | {np.mean(gains):.4f} | {fast.agreement(exact, vectors):.4f} |", flush=True)


def ndcg(ranked: NDArray[np.int64], right: Sequence[int]) -> float:
    weights = 1 / np.log2(np.arange(2, 2 + len(ranked)))
    return float(weights[np.isin(ranked, right)].sum() / weights[: len(right)].sum())


if __name__ == "__main__":
    main()
