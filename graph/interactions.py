"""Who chose what, as edges for people to look at: kept apart from everything that is learned from.

The graph of a catalogue says what items are; an engine learns from it beside the history of choices, and is measured on
choices that it has not seen. A choice among the edges would let a fact of the test into the features, and a new item,
which nobody has chosen, would look unlike all others. So `graph.build` takes no interactions, and only a store that
somebody loads with them on purpose (`weft graph load --interactions`) has them.
"""

import polars as pl

from graph.build import GraphTables
from graph.schema import CHOSE, EDGES, ITEM, USER


def with_interactions(tables: GraphTables, interactions: pl.DataFrame) -> GraphTables:
    """The graph with an edge CHOSE from `user:<user_id>` to `item:<item_id>` for each pair that is in `interactions`.

    Users that are no nodes yet become some. An edge says that it was chosen, not how often, when or with which rating.
    A choice of an item that is not in the graph is among the rejects.
    """
    pairs = interactions.select(
        head="user:" + pl.col("user_id").cast(pl.String),
        relation=pl.lit(CHOSE),
        tail="item:" + pl.col("item_id").cast(pl.String),
    ).unique(keep="first", maintain_order=True)
    items = tables.nodes.filter(pl.col("label") == ITEM)["id"]
    known = pairs["tail"].is_in(items.implode())
    edges = pairs.filter(known)
    users = edges.select(id="head", label=pl.lit(USER), name=pl.col("head").str.strip_prefix("user:"))
    nodes = pl.concat([tables.nodes, users]).unique("id", keep="first", maintain_order=True)
    strange = pairs.filter(~known).with_columns(reason=pl.lit("unknown item"))
    edges = pl.concat([tables.edges, edges.select(list(EDGES))]).unique(keep="first", maintain_order=True)
    return GraphTables(nodes, edges, pl.concat([tables.rejects, strange]))
