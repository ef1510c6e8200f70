"""What LoRA beside both trunks adds to trained heads: python scripts/bench/clip_lora.py [--seed 0] [--work FOLDER].

No pretrained CLIP comes along, so the model is weft-small, on grocery-store, and the two figures are those of
grocery_words.py: 81 names and 81 descriptions, recall@10 among 2,485 test photographs and among 81 clean pictures.

- heads: `encoders.tune` on the training photographs, without a tenth that is kept aside.
- heads and LoRA: `encoders.tune_clip` from there, on the same photographs, in attention's queries and values of MiniLM
  and the pointwise convolutions of the late half of EfficientNet-Lite0. The tenth is what it is accepted by.

Both learn from the names and descriptions, LoRA from the first 24 words. Nothing was chosen on the test part. Intervals
of 95 % are a bootstrap over the texts, that of the difference paired.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from grocery import DRAWS, Shop, encoded, read, spread
from grocery_words import SETTINGS, measured, said
from numpy.typing import NDArray

import encoders
from encoders import course
from encoders import tune as heads
from encoders.tune_clip import PicturePairs, Settings, tune_clip
from engine import memory

SORTS = ("names", "descriptions")
WORDS = 24
"""Of a description that LoRA learns from: a longer text costs more than a photograph."""


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/grocery-store"))
    parser.add_argument(
        "--work", type=Path, default=Path("artefacts/grocery"), help="keeps vectors, heads, the adapter"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rate", type=float, default=1e-3)
    choice = parser.parse_args()
    torch.set_num_threads(1)
    shop, store = read(choice.data), encoders.EmbeddingStore(choice.work)
    texts = {sort: said(choice.data, shop)[sort] for sort in SORTS}
    settings = Settings(seed=choice.seed, epochs=choice.epochs, learning_rate=choice.rate)
    base = choice.work / f"heads-{choice.seed}"
    with_heads(shop, store, texts, settings).save(base, {"data": "grocery-store, nine tenths of train.txt"})
    folder = choice.work / f"lora-{choice.seed}-{choice.epochs}-{choice.rate}"
    if not (folder / encoders.ADAPTER_FILE).is_file():
        began = time.process_time()
        tuned = tune_clip(str(base), pairs(shop, texts), settings, choice.work / "clip-lora.safetensors", told)
        print(f"tuned in {time.process_time() - began:.0f} s of the processor, {tuned.accepted = }: {tuned.figures}")
        tuned.save(folder, {"data": "grocery-store, nine tenths of train.txt"})
    rows = {"heads": seen(str(base), shop, store, texts), "heads and LoRA": seen(str(folder), shop, store, texts)}
    print("| | photographs, recall@10 | products, recall@10 |\n|---|---|---|")
    draws = np.random.default_rng(0).integers(len(shop.names), size=(DRAWS, len(shop.names)))
    for sort in SORTS:
        for name, one in rows.items():
            print(f"| {name}, {sort} |", " | ".join(spread(values, draws) for values in one[sort]), "|")
        gain = rows["heads and LoRA"][sort] - rows["heads"][sort]
        print(f"| difference, {sort} |", " | ".join(spread(values, draws, "+") for values in gain), "|", flush=True)


def with_heads(
    shop: Shop, store: encoders.EmbeddingStore, texts: dict[str, list[str]], settings: Settings
) -> heads.Tuned:
    """Heads that never saw what `tune_clip` keeps aside: it takes photographs in the order of their paths."""
    names = np.array([str(path) for path in shop.train.paths])
    order = np.argsort(names)
    kept = order[~course.aside(np.arange(len(names)), settings.valid_share, settings.seed)]
    trunk, minilm = encoders.open_image("efficientnet-lite0"), encoders.open_text("minilm")
    looks = encoded(store, trunk, [shop.train.paths[row] for row in kept])
    words = np.concatenate([minilm.encode(texts[sort])[shop.train.product[kept]] for sort in SORTS])
    owner = np.tile(np.arange(len(kept)), len(SORTS))
    return heads.tune(heads.Pairs(looks, words, owner), heads.Settings(seed=settings.seed, **SETTINGS))


def pairs(shop: Shop, texts: dict[str, list[str]]) -> PicturePairs:
    """Each photograph with the name and with the beginning of the description of its product."""
    short = [[" ".join(text.split()[:WORDS]) for text in texts[sort]] for sort in SORTS]
    return PicturePairs([some[one] for some in short for one in shop.train.product], shop.train.paths * len(SORTS))


def seen(
    spec: str, shop: Shop, store: encoders.EmbeddingStore, texts: dict[str, list[str]]
) -> dict[str, NDArray[np.float64]]:
    """By sort, (2, 81) recall of each text with the model `spec`."""
    model = encoders.open_clip(spec)
    test, clean = (encoded(store, model.image, part.paths) for part in (shop.test, shop.clean))
    return {sort: measured(model.text.encode(texts[sort]), test, clean, shop) for sort in SORTS}


def told(done: int, steps: int) -> None:
    if done % 20 == 0:
        print(f"step {done} of {steps}, {time.process_time():.0f} s of the processor", flush=True)


if __name__ == "__main__":
    main()
