"""From links to edges: what a text names becomes a fact of its item, or a mention."""

from dataclasses import replace

import polars as pl

from graph.build import EDGES, GraphTables
from graph.schema import ITEM

MENTIONS = "MENTIONS"
"""From an item to what its text names and the tables do not give it."""
ONE = 0.95
"""Share of the items with a fact of a relation that have no second one, from which the relation is of one value."""


def weave(tables: GraphTables, links: pl.DataFrame, fill: bool = True) -> GraphTables:
    """The same graph with an edge for each link of an item to a node that it was not joined to.

    With `fill` a link stands for the fact itself where the tables leave it open: the node's own relation (that of most
    of its items) has one value an item, this item has none, and its text names exactly one node that it could be. All
    other links are MENTIONS. `links` have the columns item_id and node; those of unknown items or nodes are left out.
    """
    items = tables.nodes.filter(pl.col("label") == ITEM)["id"].implode()
    joined = tables.edges.filter(pl.col("head").is_in(items)).select("head", "relation", "tail")
    known = pl.col("head").is_in(items) & pl.col("node").is_in(tables.nodes["id"].implode())
    named = links.select(head="item:" + pl.col("item_id"), node="node").filter(known).unique(maintain_order=True)
    fresh = named.join(joined, left_on=["head", "node"], right_on=["head", "tail"], how="anti", maintain_order="left")
    relations = _own_relations(joined) if fill else pl.DataFrame(schema={"node": pl.String, "own": pl.String})
    fresh = fresh.join(relations, on="node", how="left", maintain_order="left")
    there = joined.select("head", own="relation").unique().with_columns(there=pl.lit(True))
    fresh = fresh.join(there, on=["head", "own"], how="left", maintain_order="left")
    alone = pl.len().over("head", "own") == 1
    opens = pl.col("own").is_not_null() & pl.col("there").is_null() & alone
    relation = pl.when(opens).then("own").otherwise(pl.lit(MENTIONS))
    edges = fresh.select("head", relation=relation, tail="node")
    return replace(tables, edges=pl.concat([tables.edges.select(list(EDGES)), edges]))


def _own_relations(joined: pl.DataFrame) -> pl.DataFrame:
    """node, own: the relation by which most items have a node, where items have one value of it."""
    values = joined.group_by("head", "relation").len()
    single = values.group_by("relation").agg(one=(pl.col("len") == 1).mean()).filter(pl.col("one") >= ONE)["relation"]
    used = joined.filter(pl.col("relation") != MENTIONS).group_by("tail", "relation").len()
    most = used.sort("len", "relation", descending=[True, False]).unique("tail", keep="first", maintain_order=True)
    return most.filter(pl.col("relation").is_in(single.implode())).select(node="tail", own="relation")
