"""From tables to a graph: items, their brands, categories and attributes, and the user's own triples.

No interaction enters the graph, so nothing learned from it can leak what a user chose.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from graph import schema
from graph.errors import GraphError
from graph.resolve import resolve
from graph.schema import EDGES, NODES, REJECTS, Declared, Field, fold

__all__ = ["EDGES", "NODES", "REJECTS", "GraphTables", "build"]


def _no_rejects() -> pl.DataFrame:
    return pl.DataFrame(schema=REJECTS)


@dataclass(frozen=True)
class GraphTables:
    """A graph as tables: every id once in `nodes`, every edge once in `edges`, and both its ends in `nodes`."""

    nodes: pl.DataFrame
    """id, label, name"""
    edges: pl.DataFrame
    """head, relation, tail: ids of nodes and a relation type"""
    rejects: pl.DataFrame = field(default_factory=_no_rejects)
    """head, relation, tail, reason: the triples that could not be used"""


def build(
    items: pl.DataFrame,
    *,
    attributes: Sequence[str],
    brand: str | None = None,
    category: str | None = None,
    triples: pl.DataFrame | None = None,
    users: pl.DataFrame | None = None,
    user_attributes: Sequence[str] = (),
    declared: Declared | None = None,
) -> GraphTables:
    """Weave tables into one graph.

    `items` holds item_id (unique), title if there is one, and the columns named by the other arguments: attributes are
    strings or lists of strings, a category is a path such as `Shoes > Sport shoes`. The node of an item is
    `item:<item_id>`, of a brand `brand:<folded name>`, and so on by `schema.field`; spellings that fold alike are one
    node, named by the first of them.

    An end of a triple is an item id, or the id of a node made from the other tables (`brand:nike`), or else becomes an
    Entity `entity:<end>`, taken as it is written, or what `declared` says (see `graph.resolve`). `users` become User
    nodes apart from the items.

    Raises GraphError when ids repeat or are missing, or a column name cannot become a relation.
    """
    owners = _owners(items, "item_id", schema.ITEM)
    parts = [(owners, pl.DataFrame(schema=EDGES))]
    parts += [_links(owners["id"], items[column], schema.field(column)) for column in attributes]
    if brand is not None:
        parts.append(_links(owners["id"], items[brand], schema.field("brand")))
    if category is not None:
        parts.append(_categories(owners["id"], items[category]))
    rejects = _no_rejects()
    if triples is not None:
        known = pl.concat([nodes for nodes, _ in parts]).unique("id", keep="first", maintain_order=True)
        part, rejects = resolve(triples, known, declared or Declared())
        parts.append(part)
    if users is not None:
        people = _owners(users, "user_id", schema.USER)
        parts.append((people, pl.DataFrame(schema=EDGES)))
        parts += [_links(people["id"], users[column], schema.field(column)) for column in user_attributes]
    nodes = pl.concat([nodes for nodes, _ in parts]).unique("id", keep="first", maintain_order=True)
    edges = pl.concat([edges for _, edges in parts]).unique(keep="first", maintain_order=True)
    return GraphTables(nodes, edges, rejects)


def _owners(table: pl.DataFrame, column: str, label: str) -> pl.DataFrame:
    """One node per row of `table`, named by its title where it has one."""
    ids = table[column].cast(pl.String)
    if ids.null_count():
        raise GraphError(f"{ids.null_count()} rows have no {column}; every row needs one")
    if ids.n_unique() < len(ids):
        raise GraphError(f"{column} repeats: {ids.filter(ids.is_duplicated())[0]!r}; it must be unique")
    rows = pl.DataFrame({"id": ids, "name": table["title"] if "title" in table.columns else ids})
    name = pl.col("name").cast(pl.String).str.strip_chars()
    return rows.select(
        id=f"{label.lower()}:" + pl.col("id"),
        label=pl.lit(label),
        name=pl.when(name != "").then(name).otherwise("id"),
    )


def _pairs(owners: pl.Series, values: pl.Series) -> pl.DataFrame:
    """head, name: one row per owner and value, blanks left out."""
    pairs = pl.DataFrame({"head": owners, "name": values})
    if isinstance(values.dtype, pl.List):
        pairs = pairs.explode("name")
    pairs = pairs.with_columns(pl.col("name").cast(pl.String).str.strip_chars())
    return pairs.filter(pl.col("name").is_not_null() & (pl.col("name") != ""))


def _links(owners: pl.Series, values: pl.Series, field: Field) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Nodes for the values of one column and edges from their owners."""
    pairs = _pairs(owners, values)
    names = pairs["name"].unique(maintain_order=True)
    # Folding is Python, so it runs once per distinct spelling and not once per edge.
    ids = pl.DataFrame(
        {"name": names, "fold": [fold(name) for name in names]}, schema={"name": pl.String, "fold": pl.String}
    )
    ids = ids.filter(pl.col("fold") != "").select("name", tail=f"{field.prefix}:" + pl.col("fold"))
    nodes = ids.unique("tail", keep="first", maintain_order=True)
    edges = pairs.join(ids, on="name", maintain_order="left")
    return (
        nodes.select(id="tail", label=pl.lit(field.label), name="name"),
        edges.select("head", relation=pl.lit(field.relation), tail="tail"),
    )


def _categories(owners: pl.Series, paths: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tree of all `paths`, with edges from child to parent and from each owner to its leaf."""
    pairs = _pairs(owners, paths)
    leaves: dict[str, str] = {}
    nodes: dict[str, str] = {}
    parents: dict[str, str] = {}
    for path in pairs["name"].unique(maintain_order=True):
        above = ""
        for name in filter(fold, path.split(">")):
            here = f"{above} > {fold(name)}" if above else f"category:{fold(name)}"
            nodes.setdefault(here, name.strip())
            if above:
                parents[here] = above
            above = here
        if above:
            leaves[path] = above
    leaf = pl.DataFrame(
        {"name": list(leaves), "tail": list(leaves.values())}, schema={"name": pl.String, "tail": pl.String}
    )
    belongs = pairs.join(leaf, on="name", maintain_order="left").select(
        "head", relation=pl.lit(schema.BELONGS_TO), tail="tail"
    )
    tree = {"head": list(parents), "relation": [schema.SUBCATEGORY_OF] * len(parents), "tail": list(parents.values())}
    return (
        pl.DataFrame(
            {"id": list(nodes), "label": [schema.CATEGORY] * len(nodes), "name": list(nodes.values())}, schema=NODES
        ),
        pl.concat([belongs, pl.DataFrame(tree, schema=EDGES)]),
    )
