"""What is done inside one transaction of a Neo4j database: who owns it, what it holds, and changes, all or nothing."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import neo4j
import polars as pl

from graph import version
from graph.build import NODES, GraphTables
from graph.errors import GraphError
from graph.schema import Relation, Schema
from graph.stores.changes import Merge, by_relation, compare, named, together

BATCH = 20_000
"""Rows sent at once, and written in one transaction of a load."""
PAGE = 5_000
"""Nodes, or heads with their edges, that are read at once: the driver takes as long for a row as for a page."""
META = "WeftGraph"

KEY = "CREATE CONSTRAINT `weft_{0}` IF NOT EXISTS FOR (n:`{0}`) REQUIRE n.id IS UNIQUE"
READ_META = "MATCH (g:WeftGraph {id: 'weft'}) RETURN g.version, g.labels, g.relations"
# Setting a property takes a lock on the node, so that writers queue up here, each to know what the last one left.
LOCK_META = "MERGE (g:WeftGraph {id: 'weft'}) SET g.id = 'weft'"
WRITE_META = "MATCH (g:WeftGraph {id: 'weft'}) SET g.version = $version, g.labels = $labels, g.relations = $relations"
ANYTHING = "MATCH (n) WHERE NOT n:WeftGraph RETURN 1 LIMIT 1"

# Names cannot be parameters, so they are put in here, and each has passed graph.schema.identifier.
ANY_OF = "MATCH (n:`{}`) RETURN 1 LIMIT 1"
NODES_OF = """
MATCH (n:`{kind}`) WHERE n.id {after} $last WITH n ORDER BY n.id LIMIT $page
RETURN max(n.id), collect([n.id, n.name])
"""
EDGES_OF = """
MATCH (a:`{kind.head}`) WHERE a.id {after} $last WITH a ORDER BY a.id LIMIT $page
OPTIONAL MATCH (a)-[:`{kind.name}`]->(b:`{kind.tail}`)
RETURN max(a.id), collect(CASE WHEN b IS NOT NULL THEN [a.id, b.id] END)
"""
FIND = "UNWIND $ids AS id MATCH (n:{} {{id: id}}) RETURN n.id, labels(n), n.name"
PUT_NODES = "UNWIND $rows AS row MERGE (n:`{}` {{id: row[0]}}) SET n.name = row[1]"
DELETE_NODES = "UNWIND $rows AS row MATCH (n:`{}` {{id: row[0]}}) DETACH DELETE n"
_ENDS = "UNWIND $rows AS row MATCH (a:`{0.head}` {{id: row[0]}}) MATCH (b:`{0.tail}` {{id: row[1]}}) "
FIND_EDGES = _ENDS + "WITH a, b WHERE EXISTS {{ (a)-[:`{0.name}`]->(b) }} RETURN a.id, b.id"
PUT_EDGES = (
    "UNWIND $rows AS row MATCH (b:`{0.tail}` {{id: row[0]}}) "
    "UNWIND row[1] AS head MATCH (a:`{0.head}` {{id: head}}) MERGE (a)-[:`{0.name}`]->(b)"
)
DELETE_EDGES = _ENDS + "MATCH (a)-[r:`{0.name}`]->(b) DELETE r"

Transaction = neo4j.ManagedTransaction | neo4j.Transaction
Kind = str | Relation
"""A label, or a relation with the labels of its ends."""


class Meta(NamedTuple):
    """What the database says of the graph in it."""

    version: str
    schema: Schema


NOTHING = Meta(version.EMPTY, Schema((), ()))


def run(transaction: Transaction, statement: str, **parameters: Any) -> list[list[Any]]:
    result = transaction.run(statement, parameters)
    return [list(record.values()) for record in result]


def read_meta(transaction: Transaction) -> Meta | None:
    """None if there is no graph of Weft in the database."""
    found = run(transaction, READ_META)
    if not found or found[0][1] is None:
        return None
    told, labels, relations = found[0]
    triples = (relation.split(" ") for relation in relations)
    return Meta(told, Schema(tuple(labels), tuple(Relation(name, head, tail) for head, name, tail in triples)))


def write_meta(transaction: Transaction, told: str, schema: Schema) -> None:
    relations = [f"{relation.head} {relation.name} {relation.tail}" for relation in schema.relations]
    run(transaction, LOCK_META)
    run(transaction, WRITE_META, version=told, labels=schema.labels, relations=relations)


def own(transaction: Transaction, labels: Iterable[str]) -> Meta:
    """The graph in the database, after making sure that writing `labels` takes nothing that is not Weft's."""
    meta = read_meta(transaction)
    if meta is None and run(transaction, ANYTHING):
        raise GraphError(
            "the database holds nodes that Weft did not load, and they stay as they are: "
            "name an empty database in NEO4J_DATABASE, or empty this one"
        )
    meta = meta or NOTHING
    for label in sorted({*labels} - {*meta.schema.labels}):
        if label == META or run(transaction, ANY_OF.format(label)):
            raise GraphError(f"the database has {label} nodes that Weft did not load: rename the label, or delete them")
    return meta


def any_of(names: Iterable[str]) -> str:
    """Labels or relation types as a pattern takes them: any of these."""
    return "|".join(f"`{name}`" for name in sorted({*names}))


def label_of(labels: Sequence[str], schema: Schema) -> str:
    """Weft's own among the labels of a node."""
    return next(label for label in labels if label in schema.labels)


def find(transaction: Transaction, schema: Schema, ids: Sequence[str]) -> pl.DataFrame:
    """id, label, name of those of `ids` that the graph holds."""
    found = run(transaction, FIND.format(any_of(schema.labels)), ids=list(ids)) if schema.labels and ids else []
    rows = [(id, label_of(labels, schema), name) for id, labels, name in found]
    return pl.DataFrame(rows, schema=NODES, orient="row").unique("id")


def held(transaction: Transaction, kind: Kind) -> pl.DataFrame:
    """All nodes (id, name) of a label, or all edges (head, tail) of a relation, page by page along the key."""
    statement = EDGES_OF if isinstance(kind, Relation) else NODES_OF
    columns = ("head", "tail") if isinstance(kind, Relation) else ("id", "name")
    pages, last, after = [_frame([], *columns)], "", ">="
    while last is not None:
        last, rows = run(transaction, statement.format(kind=kind, after=after), last=last, page=PAGE)[0]
        pages.append(_frame(rows, *columns))
        after = ">"
    return pl.concat(pages)


def _frame(rows: list[list[Any]], *columns: str) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def put(transaction: Transaction, kind: Kind, rows: pl.DataFrame) -> None:
    """Have nodes (id, name) or edges (head, tail) there."""
    for part in rows.iter_slices(BATCH):
        if isinstance(kind, Relation):  # by tail, as many heads share one: each is then looked up, and sent, once
            heads = part.group_by("tail", maintain_order=True).agg("head")
            run(transaction, PUT_EDGES.format(kind), rows=heads.rows())
        else:
            run(transaction, PUT_NODES.format(kind), rows=part.rows())


def take(transaction: Transaction, kind: Kind, rows: pl.DataFrame) -> None:
    """Have nodes (id, ...) with all their relationships, or edges (head, tail), not there."""
    statement = (DELETE_EDGES if isinstance(kind, Relation) else DELETE_NODES).format(kind)
    for part in rows.iter_slices(BATCH):
        run(transaction, statement, rows=part.rows())


def plan(transaction: Transaction, tables: GraphTables) -> tuple[Meta, Merge]:
    """The graph, and what merging `tables` into it comes to."""
    meta = own(transaction, tables.nodes["label"])
    merge = compare(tables, meta.schema, find(transaction, meta.schema, named(tables)))
    known = {*meta.schema.relations}
    edges = [(kind, _new(transaction, kind, rows) if kind in known else rows) for kind, rows in merge.edges]
    return meta, merge._replace(edges=edges)


def _new(transaction: Transaction, relation: Relation, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.join(_there(transaction, relation, rows), on=["head", "tail"], how="anti")


def _there(transaction: Transaction, relation: Relation, rows: pl.DataFrame) -> pl.DataFrame:
    """Those of `rows` (head, tail) that are edges of the graph."""
    parts = [run(transaction, FIND_EDGES.format(relation), rows=part.rows()) for part in rows.iter_slices(BATCH)]
    return _frame([row for part in parts for row in part], "head", "tail")


def merge(transaction: Transaction, tables: GraphTables) -> None:
    run(transaction, LOCK_META)
    meta, change = plan(transaction, tables)
    nodes = pl.concat([change.fresh, change.renamed])
    for (label,), rows in nodes.group_by("label"):
        put(transaction, str(label), rows.select("id", "name"))
    for relation, rows in change.edges:
        put(transaction, relation, rows)
    write_meta(transaction, version.after(meta.version, "merge", nodes, together(change.edges)), change.schema)


def delete(transaction: Transaction, nodes: Sequence[str], edges: pl.DataFrame) -> None:
    run(transaction, LOCK_META)
    meta = own(transaction, ())
    known = {*meta.schema.relations}
    ends = find(transaction, meta.schema, pl.concat([edges["head"], edges["tail"]]).unique().to_list())
    gone = [
        (relation, _there(transaction, relation, rows))
        for relation, rows in by_relation(ends, edges)
        if relation in known
    ]
    for relation, rows in gone:
        take(transaction, relation, rows)
    found = find(transaction, meta.schema, nodes)
    for (label,), rows in found.group_by("label"):
        take(transaction, str(label), rows.select("id"))
    write_meta(transaction, version.after(meta.version, "delete", found.select("id"), together(gone)), meta.schema)
