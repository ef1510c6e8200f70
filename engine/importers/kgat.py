"""The split of KGAT (Wang et al., KDD 2019): a line a user, and the ids of items. Nothing in it has a time."""

from pathlib import Path

import polars as pl

from engine.importers import folder
from engine.importers.folder import Summary
from engine.tables import triples


def convert(source: Path, out: Path, with_test: bool = False) -> Summary:
    """Write the folder `out` from train.txt and item_list.txt of `source`, and kg_final.txt where it is there.

    Entities and relations go by their names where their lists are there, and by number where not. The pairs of test.txt
    are left out, so that an engine can be measured on them, unless `with_test`. The order of the items of a line is
    kept, but means nothing; there is no column of times.
    """
    content = folder.text(source, "item_list.txt")
    listed = folder.rows(content, " ", ("org_id", "item_id", "freebase_id")).slice(1)
    items = listed.select("item_id", pl.col("org_id").alias("title"), "freebase_id")
    pairs = _pairs(folder.text(source, "train.txt"))
    if with_test:
        pairs = pl.concat([pairs, _pairs(folder.text(source, "test.txt"))])
    tables = {"items": items, "interactions": pairs}
    rejects = None
    if (source / "kg_final.txt").is_file():
        found = triples.read(source / "kg_final.txt")
        tables["triples"], rejects = found.frame, found.rejects
    data = {"text": [], "image": "", "value": "", "time": ""}
    title = "A split of KGAT: who chose which item, by number; no texts, no pictures, no times."
    return folder.write(out, title, tables, data, rejects)


def _pairs(content: str) -> pl.DataFrame:
    """user_id, item_id of lines `user item item ...`, in their order; a user may have no items."""
    lines = pl.Series("ids", [content]).str.split("\n").explode().str.strip_chars()
    ids = lines.filter(lines != "").str.split(" ").to_frame()
    pairs = ids.select(pl.col("ids").list.first().alias("user_id"), pl.col("ids").list.slice(1).alias("item_id"))
    return pairs.filter(pl.col("item_id").list.len() > 0).explode("item_id")
