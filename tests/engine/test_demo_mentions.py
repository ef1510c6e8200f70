"""What the texts of the generated shop tell, as truth/mentions.parquet has it."""

import hashlib

import polars as pl

from engine.demo.products import MENTIONS, make


def test_every_mention_stands_in_its_text_and_every_fact_of_the_table_that_it_names_agrees():
    products = make(400, seed=3)
    rows = {row["item_id"]: row for row in products.table.to_dicts()}
    assert products.mentions.schema == pl.Schema(MENTIONS) and products.mentions.height > 4000
    assert set(products.mentions["language"]) == {"en", "zh"}
    for item, column, _, node, surface in products.mentions.rows():
        row = rows[item]
        assert surface in row[column]
        prefix, _, folded = node.partition(":")
        assert row[prefix] is None or row[prefix].lower() == folded


def test_mentions_are_noted_without_another_random_draw():
    # The tables of a seed are what they were before mentions were noted.
    written = make(400, 0).table.write_csv() + make(400, 1).table.write_csv() + make(400, 0, "n").table.write_csv()
    assert hashlib.sha256(written.encode()).hexdigest()[:16] == "006f2ca6c185dd79"
