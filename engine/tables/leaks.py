"""Triples that are interactions in disguise: facts of who chose what, which would reach the features.

What is learned from the graph is measured on interactions held back. A relation `bought` among the user's own triples
would carry those to the items' features, and every figure would be too good.
"""

import polars as pl

MOSTLY = 0.5
"""A relation of which this share are interactions is no knowledge of items."""
FEWEST = 5
"""Edges of a relation that such a share is judged on."""
REASON = "an interaction (a user and an item of that table): it would tell the features what users chose"


def leaking(triples: pl.DataFrame, interactions: pl.DataFrame, item_ids: pl.Series) -> pl.Series:
    """(triples,) true where head and tail, in either order, are a user and an item that this user chose.

    An end is an id as in the tables, or `user:` or `item:` and the id. Where users and items share their ids an edge
    between two items may look like a choice by chance, so there only relations count that are mostly choices.
    """
    chosen = interactions.select(user="user_id", item="item_id").unique().with_columns(choice=pl.lit(value=True))
    rows = triples.select(
        "relation",
        head=pl.col("head").str.replace(r"^(user|item):", ""),
        tail=pl.col("tail").str.replace(r"^(user|item):", ""),
        named=(pl.col("head").str.starts_with("user:") | pl.col("tail").str.starts_with("user:")),
    )
    found = pl.repeat(value=False, n=triples.height, eager=True)
    for user, item in (("head", "tail"), ("tail", "head")):
        ends = rows.rename({user: "user", item: "item"})
        joined = ends.join(chosen, on=["user", "item"], how="left", maintain_order="left")
        is_choice = pl.col("choice").fill_null(value=False)
        share = is_choice.mean().over("relation")
        mostly = (share >= MOSTLY) & (pl.len().over("relation") >= FEWEST)
        certain = pl.col("named") | ~pl.col("user").is_in(item_ids.implode())
        found |= joined.select((is_choice & (certain | mostly)).alias("leaks"))["leaks"].fill_null(value=False)
    return found
