"""What is directly around a node, of tables in memory: milliseconds for a million edges."""

from dataclasses import dataclass

import polars as pl

from graph.build import GraphTables
from graph.errors import GraphError
from graph.schema import fold


@dataclass(frozen=True)
class Around:
    """A node and a page of its neighbours."""

    node: dict[str, str]
    """id, label, name"""
    relations: dict[str, int]
    """How many edges it has of each relation, most first; the same whatever the page shows."""
    neighbours: pl.DataFrame
    """id, label, name, relation, outward (the edge leads from the node), edges (how many the neighbour has itself).
    Those with the fewest edges first: they tell most."""


def around(tables: GraphTables, node: str, relation: str | None = None, n: int = 50, skip: int = 0) -> Around:
    """The neighbours of a node, of one relation if given; `skip` leaves out those of the pages before.

    Raises GraphError for a node that is not there.
    """
    found = tables.nodes.filter(id=node)
    if not found.height:
        raise GraphError(f"node {node!r} is not in the graph; ids read item:ID, brand:NAME and so on")
    out = tables.edges.filter(head=node).select(id="tail", relation="relation", outward=pl.lit(True))
    back = tables.edges.filter(tail=node).select(id="head", relation="relation", outward=pl.lit(False))
    both = pl.concat([out, back])
    counts = both["relation"].value_counts(sort=True)
    if relation is not None:
        both = both.filter(relation=relation)
    ends = pl.concat([tables.edges["head"], tables.edges["tail"]])
    degrees = ends.filter(ends.is_in(both["id"].implode())).value_counts().select(id="head", edges="count")
    page = (
        both.join(degrees, on="id", how="left")
        .sort("edges", "relation", "id")
        .slice(skip, n)
        .join(tables.nodes, on="id", how="left", maintain_order="left")
    )
    columns = ("id", "label", "name", "relation", "outward", "edges")
    return Around(found.row(0, named=True), dict(counts.iter_rows()), page.select(columns))


def called(tables: GraphTables, name: str, n: int = 20) -> pl.DataFrame:
    """id, label, name of at most `n` nodes whose name or id has these letters in it; the shortest names first."""
    wanted = fold(name)
    folded = pl.col("name").str.to_lowercase()
    has = folded.str.contains(wanted, literal=True) | pl.col("id").str.contains(wanted, literal=True)
    return tables.nodes.filter(has).sort(pl.col("name").str.len_chars(), "id").head(n)
