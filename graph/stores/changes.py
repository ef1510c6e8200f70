"""What a change amounts to against what a graph holds: the same for every store."""

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from graph.build import EDGES, NODES, GraphTables
from graph.errors import GraphError
from graph.schema import Relation, Schema, declare


class Merge(NamedTuple):
    """What a merge comes to, once it is known which of its nodes the graph holds."""

    schema: Schema
    """That of the graph afterwards."""
    fresh: pl.DataFrame
    """id, label, name of the nodes to add"""
    renamed: pl.DataFrame
    """id, label, name of those that are there by another name"""
    edges: list[tuple[Relation, pl.DataFrame]]
    """head, tail by relation, of which some may be there already"""


def compare(tables: GraphTables, schema: Schema, old: pl.DataFrame) -> Merge:
    """What merging `tables` means to a graph of this schema; `old` (id, label, name) is what it holds of ids in them.

    Raises GraphError for names that cannot be, edges that end nowhere, and a node that has another label.
    """
    nodes = tables.nodes.select(list(NODES))
    known = nodes.join(old, on="id", suffix="_old")
    moved = known.filter(pl.col("label") != pl.col("label_old"))
    if moved.height:
        raise GraphError(f"the graph holds {moved['id'][0]!r} as {moved['label_old'][0]}: delete it first")
    both = pl.concat([old.join(nodes, on="id", how="anti"), nodes])
    return Merge(
        schema | declare(both, tables.edges),
        nodes.join(old, on="id", how="anti"),
        known.filter(pl.col("name").ne_missing(pl.col("name_old"))).select(list(NODES)),
        list(by_relation(both, tables.edges)),
    )


def named(tables: GraphTables) -> list[str]:
    """Every id in `tables`, once."""
    return pl.concat([tables.nodes["id"], tables.edges["head"], tables.edges["tail"]]).unique().to_list()


def by_relation(nodes: pl.DataFrame, edges: pl.DataFrame) -> Iterator[tuple[Relation, pl.DataFrame]]:
    """The edges (head, tail) of each relation, both ends of which are among `nodes` (id, label)."""
    labels = nodes.select("id", "label")
    ends = edges.join(labels.rename({"id": "head", "label": "from"}), on="head").join(
        labels.rename({"id": "tail", "label": "to"}), on="tail"
    )
    for kinds, rows in ends.group_by("relation", "from", "to", maintain_order=True):
        yield Relation(*(str(kind) for kind in kinds)), rows.select("head", "tail").unique(maintain_order=True)


def together(parts: list[tuple[Relation, pl.DataFrame]]) -> pl.DataFrame:
    """head, relation, tail of the edges of several relations."""
    frames = [rows.select("head", relation=pl.lit(relation.name), tail="tail") for relation, rows in parts]
    return pl.concat([pl.DataFrame(schema=EDGES), *frames])


def in_order(nodes: pl.DataFrame, edges: pl.DataFrame) -> GraphTables:
    """The tables of a graph, sorted."""
    return GraphTables(nodes.sort("id"), edges.sort(list(EDGES)))
