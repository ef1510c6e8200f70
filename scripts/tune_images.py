"""Tune the image encoder on pictures with labels: python scripts/tune_images.py pictures.csv --out tuned.

The table (csv, tsv, parquet or jsonl) has a column of paths, from its own folder, and one of labels: products, kinds,
whatever looks alike where the label is the same. Some pictures of each label are kept aside to tell how well those are
recognised that it has not seen. Name the folder in weft.toml as `encoders.image`, or open it from Python:

    encoders.open_image("tuned").encode([picture])

A training that was cut goes on from the last whole epoch when the same command is given again.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from encoders import EncoderError
from encoders.tune_images import Labelled, Settings, tune_images
from engine import memory
from engine.errors import DataError, WeftError
from engine.tables.readers import read_table


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--image", default="image", help="the column of paths")
    parser.add_argument("--label", default="label", help="the column of labels")
    parser.add_argument("--out", type=Path, required=True, help="folder for the encoder")
    parser.add_argument("--aside", type=float, default=0.1, help="share of the pictures that is only measured")
    parser.add_argument("--epochs", type=int, default=Settings.epochs)
    parser.add_argument("--views", type=int, default=Settings.views, help="of each picture, made before the training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    choice = parser.parse_args()
    torch.set_num_threads(choice.threads)
    try:
        labelled = read(choice.table, choice.image, choice.label)
        train, aside = split(labelled, choice.aside, choice.seed)
        settings = Settings(seed=choice.seed, epochs=choice.epochs, views=choice.views)
        tuned = tune_images(train, settings, aside, choice.out / ".training.safetensors", shown)
    except (EncoderError, WeftError) as error:
        raise SystemExit(f"tune_images: {error}") from None
    tuned.save(choice.out, {"data": choice.table.name})
    for line in tuned.figures["rejects"]:
        print(f"left out: {line}")
    print(json.dumps({"labels": len(tuned.labels), **tuned.figures}, indent=2, ensure_ascii=False))
    print(f"{choice.out} written; put it in weft.toml: [encoders] image = {json.dumps(str(choice.out))}")


def read(path: Path, image: str, label: str) -> Labelled:
    """The pictures of a table; a row without a path or a label is left out. Raises DataError without the columns."""
    frame = read_table(path, (image, label)).frame
    missing = [name for name in (image, label) if name not in frame.columns]
    if missing:
        raise DataError(f"{path}: no column {missing[0]!r}; the columns are {', '.join(frame.columns)}")
    rows = [(str(name), str(what)) for name, what in frame.select(image, label).drop_nulls().rows() if name and what]
    return Labelled([path.parent / name for name, _ in rows], [what for _, what in rows])


def split(given: Labelled, share: float, seed: int) -> tuple[Labelled, Labelled | None]:
    """Most, and of each label a share (rounded down) that is only measured."""
    rng, labels = np.random.default_rng(seed), np.array(given.labels)
    aside = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        aside[rows[: int(share * len(rows))]] = True
    return some(given, np.flatnonzero(~aside)), some(given, np.flatnonzero(aside)) if aside.any() else None


def some(given: Labelled, rows: Sequence[int]) -> Labelled:
    return Labelled([given.paths[row] for row in rows], [given.labels[row] for row in rows])


def shown(stage: str, done: int, total: int) -> None:
    print(f"\r{stage} {done} of {total}", end="" if done < total else "\n", flush=True)


if __name__ == "__main__":
    main()
