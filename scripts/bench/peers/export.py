"""What Weft's side hands the peers: the vectors and the facts of the items, as plain files. Run by Weft's Python.

items.txt has an id a line; image.npy and text.npy a row an item, in that order; facts.tsv item, relation and entity.
"""

import argparse
from pathlib import Path

import numpy as np

from engine import config
from engine.describe import describe
from engine.tables import catalogue


def export(items: Path, out: Path) -> None:
    settings = config.load(items if items.is_file() else items / "weft.toml")
    tables = catalogue.read(settings)
    described = describe(tables, settings)
    out.mkdir(parents=True, exist_ok=True)
    ids = tables.items["item_id"].to_list()
    np.save(out / "image.npy", described.features.image, allow_pickle=False)
    np.save(out / "text.npy", described.features.text, allow_pickle=False)
    matrix = described.facts.matrix.tocoo()
    entities = described.facts.entities
    relation = entities["relation"].to_list()
    lines = [f"{ids[row]}\t{relation[entity]}\t{entity}\n" for row, entity in zip(matrix.row, matrix.col, strict=True)]
    (out / "facts.tsv").write_text("".join(lines), encoding="utf-8")
    (out / "items.txt").write_text("\n".join(ids), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    choice = parser.parse_args()
    export(choice.items, choice.out)
