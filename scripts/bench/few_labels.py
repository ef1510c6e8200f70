"""How many labels a photograph's product needs: python scripts/bench/few_labels.py [--tune 1 5 10] [--plot FILE].

On grocery-store: 81 products, 0, 1, 5, 10 or 50 photographs of each (all there are, where there are fewer), from the
training part; top-1 over the 2,485 test photographs. The vectors are those of EfficientNet-Lite0 (1,280) and what
weft-small's heads make of them (256):

- text: the nearest of "a photo of NAME" in weft-small's space, no photograph at all;
- clean: the nearest of the clean pictures of the shop's pages, one each;
- prototype: the nearest mean of the labelled photographs;
- probe: logistic regression over them; its strength is chosen on the validation photographs.

With --tune LABELS the late half of Lite0 is tuned as well (`encoders.tune_images`), a minute or two of the processor
each, by all its weights and by LoRA; here clean pictures are labelled too, since tuning needs two of each product, and
a probe over the same pictures stands beside. With --rates it is only told what these give by LoRA on the validation
photographs, on which that of TUNED was chosen. scripts/bench/grocery.py has what tuning on all gives.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from grocery import Part, Shop, encoded, means, read
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

import encoders
from encoders import Vectors, lite, pictures
from encoders.tune_images import Labelled, Settings, tune_images
from encoders.weights import unit
from engine import memory

LABELS = (1, 5, 10, 50)
STRENGTHS = (1, 10, 100)
STEPS = 100
"""Of tuning on few pictures, whatever their number."""
TUNED = (("all weights", 0, 5e-4), ("LoRA", 8, 2e-3))
"""Name, rank, and the highest rate."""


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/grocery-store"))
    parser.add_argument("--work", type=Path, default=Path("artefacts/grocery"), help="keeps vectors")
    parser.add_argument("--out", type=Path, default=Path("runs/few-labels.jsonl"), help="a line for each figure")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="which photographs are labelled")
    parser.add_argument("--tune", type=int, nargs="*", default=[], choices=LABELS, help="labels to tune on, too")
    parser.add_argument("--frozen", action=argparse.BooleanOptionalAction, default=True, help="frozen encoders, too")
    parser.add_argument("--rates", type=float, nargs="*", help="of LoRA, to choose from")
    parser.add_argument("--plot", type=Path)
    choice = parser.parse_args()
    torch.set_num_threads(1)
    choice.out.parent.mkdir(parents=True, exist_ok=True)
    shop = read(choice.data)
    if choice.tune:
        tuned(shop, choice)
    if choice.rates:
        return
    if choice.frozen:
        frozen(shop, encoders.EmbeddingStore(choice.work), choice)
    lines = [json.loads(line) for line in choice.out.read_text(encoding="utf-8").splitlines()]
    table(lines)
    if choice.plot:
        plot(lines, choice.plot)


def frozen(shop: Shop, store: encoders.EmbeddingStore, choice: argparse.Namespace) -> None:
    trunk, heads = encoders.open_image("efficientnet-lite0"), encoders.weft_small_heads()
    parts = {name: encoded(store, trunk, getattr(shop, name).paths) for name in ("train", "valid", "test", "clean")}
    texts = encoders.open_text("minilm").encode([f"a photo of {name.replace('-', ' ')}" for name in shop.names])
    for space, look in (("Lite0", lambda rows: rows), ("weft-small", heads.image)):
        train, valid, test, clean = (look(parts[name]) for name in ("train", "valid", "test", "clean"))
        if space == "weft-small":
            keep(choice.out, space, "text", 0, 0, top1(shop, test @ heads.text(texts).T), 0.0)
        keep(choice.out, space, "clean", 0, 0, top1(shop, test @ clean.T), 0.0)
        for seed in choice.seeds:
            for most in LABELS:
                rows = drawn(shop, most, seed)
                product = shop.train.product[rows]
                keep(choice.out, space, "prototype", most, seed, top1(shop, test @ means(train[rows], product).T), 0.0)
                began = time.process_time()
                scores = probe(train[rows], product, valid, shop.valid, test)
                keep(choice.out, space, "probe", most, seed, top1(shop, scores), time.process_time() - began)
                if most in choice.tune and space == "Lite0":
                    both = np.concatenate([train[rows], clean]), np.concatenate([product, shop.clean.product])
                    scores = probe(*both, valid, shop.valid, test)
                    keep(choice.out, space, "probe, clean pictures too", most, seed, top1(shop, scores), 0.0)


def tuned(shop: Shop, choice: argparse.Namespace) -> None:
    """The late half of Lite0 and a vector of each product, both learned from photographs and clean pictures."""
    (early, _), side = lite.halves(), Settings().side
    part = shop.valid if choice.rates else shop.test
    asked = lite.places(early, [lite.whole(pictures.load(path), side) for path in part.paths]).half()
    for seed in choice.seeds:
        for most in choice.tune:
            rows = drawn(shop, most, seed)
            product = np.concatenate([shop.train.product[rows], shop.clean.product])
            given = Labelled([shop.train.paths[row] for row in rows] + shop.clean.paths, [f"{n:02}" for n in product])
            epochs = max(Settings.epochs, round(STEPS * Settings.batch / len(product)))
            ways = [("LoRA", 8, rate) for rate in choice.rates] if choice.rates else TUNED
            for way, rank, rate in ways:
                began = time.process_time()
                made = tune_images(given, Settings(seed=seed, epochs=epochs, learning_rate=rate, rank=rank))
                seconds, centres = time.process_time() - began, unit(made.network.centres.detach().numpy())
                hit = (lite.vectors(made.network, asked) @ centres.T).argmax(axis=1) == part.product
                if choice.rates:
                    print(f"{way}, {most} labels, rate {rate:g}: {hit.mean():.4f} on validation", flush=True)
                else:
                    keep(choice.out, "Lite0", way, most, seed, float(hit.mean()), seconds)


def drawn(shop: Shop, most: int, seed: int) -> NDArray[np.int64]:
    """Rows of the training photographs that are labelled: up to `most` of each product. More hold fewer."""
    mixed = np.random.default_rng(seed).permutation(len(shop.train.product))
    rows = [mixed[shop.train.product[mixed] == product][:most] for product in range(len(shop.names))]
    return np.sort(np.concatenate(rows))


def probe(
    train: Vectors, product: NDArray[np.int64], valid: Vectors, right: Part, test: Vectors
) -> NDArray[np.float64]:
    models = [LogisticRegression(C=strength, max_iter=200).fit(train, product) for strength in STRENGTHS]
    best = max(models, key=lambda model: model.score(valid, right.product))
    return np.asarray(best.decision_function(test))


def top1(shop: Shop, scores: NDArray[np.floating]) -> float:
    return float((scores.argmax(axis=1) == shop.test.product).mean())


def keep(out: Path, space: str, way: str, labels: int, seed: int, found: float, seconds: float) -> None:
    line = {"space": space, "way": way, "labels": labels, "seed": seed, "top-1": found, "s": seconds}
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)


def curves(lines: list[dict[str, Any]]) -> dict[str, dict[int, list[float]]]:
    """By way and space, top-1 of each seed by labels; the last line of each counts."""
    last = {(one["way"], one["space"], one["labels"], one["seed"]): one["top-1"] for one in lines}
    found: dict[str, dict[int, list[float]]] = {}
    for (way, space, labels, _), value in sorted(last.items()):
        found.setdefault(f"{way}, {space}", {}).setdefault(labels, []).append(value)
    return found


def table(lines: list[dict[str, Any]]) -> None:
    columns = (0, *LABELS)
    print(f"\n| labels of each | {' | '.join(map(str, columns))} |\n|---|{'---|' * len(columns)}")
    for name, by_labels in curves(lines).items():
        cells = [
            f"{np.mean(by_labels[n]):.3f}" + (f" ({min(by_labels[n]):.3f} to {max(by_labels[n]):.3f})" if n else "")
            if n in by_labels else ""
            for n in columns
        ]  # fmt: skip
        print(f"| {name} | {' | '.join(cells)} |")


def plot(lines: list[dict[str, Any]], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6, 4))
    for name, by_labels in curves(lines).items():
        labels = sorted(by_labels)
        heights = [np.mean(by_labels[n]) for n in labels]
        axes.plot(labels, heights, marker="o", label=name)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xticks([0, *LABELS], labels=[str(n) for n in (0, *LABELS)])
    axes.set(xlabel="labelled photographs of each product", ylabel="top-1", ylim=(0, 1))
    axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
