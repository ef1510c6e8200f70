"""The graph in a directory, without a server: ladybug, the living fork of Kuzu.

One node table per label and one relationship table per relation type, with a pair of ends for each Relation.
"""

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import ladybug
import polars as pl

from graph import version
from graph.build import EDGES, NODES, GraphTables
from graph.cypher import for_ladybug, guard
from graph.errors import GraphError
from graph.schema import Relation, Schema, declare, identifier
from graph.store import STATS, Edge, Progress, answer
from graph.stores.bulk import COPY_EDGES, COPY_NODES, copy, declare_tables, errors, execute, fill
from graph.stores.changes import by_relation, compare, in_order, named, together

FILE = "graph.lbug"
ASIDE = ".loading-"
POOL = 512 << 20
"""Bytes that an open graph may hold in memory: also what stops a query that gathers too much."""
MAPPED = 1 << 36
"""Bytes of address space a graph may grow to; the default, 8 TB, is refused where address space is limited."""

TABLES = "CALL show_tables() RETURN id, name, type, `database name`, comment"

# Names cannot be parameters, so they are put in here, and each has passed graph.schema.identifier.
NODES_OF = "MATCH (n:`{}`) RETURN n.id AS id, n.name AS name"
EDGES_OF = "MATCH (a:`{0.head}`)-[:`{0.name}`]->(b:`{0.tail}`) RETURN a.id AS head, b.id AS tail"
COUNT_NODES = "MATCH (n:`{}`) RETURN count(*)"
COUNT_EDGES = "MATCH (:`{0.head}`)-[r:`{0.name}`]->(:`{0.tail}`) RETURN count(*)"
FIND = "UNWIND $ids AS id MATCH (n:`{}` {{id: id}}) RETURN n.id, n.name"
RENAME = "UNWIND $rows AS row MATCH (n:`{}` {{id: row.id}}) SET n.name = row.name"
DELETE_NODES = "UNWIND $ids AS id MATCH (n:`{}` {{id: id}}) DETACH DELETE n"
DELETE_EDGE = "MATCH (a:`{0.head}` {{id: $head}})-[r:`{0.name}`]->(b:`{0.tail}` {{id: $tail}}) DELETE r"
TAILS = "MATCH (a:`{0.head}` {{id: $head}})-[:`{0.name}`]->(b:`{0.tail}`) RETURN b.id"
TELL = "COMMENT ON TABLE `{}` IS '{}'"  # the second is a version, sixty-four digits
DEGREE = "MATCH (a:`{}` {{id: $id}})-[r]-() RETURN count(*)"
# start_node(r) in an undirected match is the node the match began at (ladybug 0.22), so each direction is asked for.
AROUND = """
MATCH (a:`{0}` {{id: $id}})-[r]->(b) RETURN b.id AS id, label(b) AS kind, b.name AS name, label(r) AS type, true AS out
UNION ALL
MATCH (a:`{0}` {{id: $id}})<-[r]-(b) RETURN b.id AS id, label(b) AS kind, b.name AS name, label(r) AS type, false AS out
"""
SHORTEST = """
MATCH p = (a:`{}` {{id: $source}})-[* ALL SHORTEST 1..{}]-(b:`{}` {{id: $target}})
RETURN nodes(p), rels(p) LIMIT $n
"""


class LadybugStore:
    """A GraphStore in the directory `folder`. Opened for writing it belongs to one process; many may read."""

    def __init__(self, folder: Path, read_only: bool = False) -> None:
        """Open the graph, or make an empty one unless `read_only`. Raises GraphError if that cannot be."""
        self._file = folder / FILE
        self._read_only = read_only
        self._lock = threading.RLock()
        if read_only and not self._file.is_file():
            raise GraphError(f"{folder}: no graph here; load one first")
        with errors(f"{folder}: cannot open the graph"):
            folder.mkdir(parents=True, exist_ok=True)
            self._open()

    def _open(self) -> None:
        self._database = ladybug.Database(
            self._file, read_only=self._read_only, buffer_pool_size=POOL, max_db_size=MAPPED
        )
        self._connection = ladybug.Connection(self._database)
        self._schema = self._read_schema()

    def _run(self, statement: str, **parameters: Any) -> list[list[Any]]:
        with self._lock:
            rows: Any = execute(self._connection, statement, parameters).get_all()
        return cast(list[list[Any]], rows)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction. After an error the database is opened anew.

        A COPY that fails leaves its keys in the index in memory (ladybug 0.22), where later look-ups trip over them.
        """
        self._refuse_if_read_only()
        with self._lock, errors("the graph was not changed"):
            try:
                self._run("BEGIN TRANSACTION")
                yield
                self._run("COMMIT")
                self._schema = self._read_schema()
            except BaseException:
                with contextlib.suppress(RuntimeError):  # the database may have rolled back by itself
                    self._run("ROLLBACK")
                self.close()
                self._open()
                raise

    def _refuse_if_read_only(self) -> None:
        if self._read_only:
            raise GraphError(f"{self._file.parent}: opened read-only")

    def load(self, tables: GraphTables, progress: Progress | None = None) -> None:
        self._refuse_if_read_only()
        schema = declare(tables.nodes, tables.edges)
        with self._lock, errors("the graph was not loaded"):
            for left in self._file.parent.glob(f"{ASIDE}*"):  # by a load that was killed
                shutil.rmtree(left)
            aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=self._file.parent))
            try:
                with (
                    ladybug.Database(aside / FILE, max_db_size=MAPPED) as fresh,
                    ladybug.Connection(fresh) as connection,
                ):
                    fill(connection, schema, tables, progress)
                    if schema.labels:
                        execute(connection, TELL.format(schema.labels[0], version.of(tables)))
                # Closing writes the log of changes into the file, so the new file meets no log of the old one.
                self.close()
                try:
                    (aside / FILE).replace(self._file)
                finally:
                    self._open()
            finally:
                shutil.rmtree(aside, ignore_errors=True)

    def merge(self, tables: GraphTables) -> None:
        with self._lock:
            self._refuse_if_read_only()
            old = self._schema
            change = compare(tables, old, self._find(named(tables)))
            edges = [
                (kind, self._edges_not_there(kind, rows) if kind in old.relations else rows)
                for kind, rows in change.edges
            ]
            nodes = pl.concat([change.fresh, change.renamed])
            told = version.after(self.version(), "merge", nodes, together(edges))
            with self._writing():
                declare_tables(self._connection, change.schema)
                for label, group in change.fresh.group_by("label"):
                    copy(self._connection, COPY_NODES.format(*label), group.select("id", "name"))
                for label, group in change.renamed.group_by("label"):
                    self._run(RENAME.format(*label), rows=group.select("id", "name").to_dicts())
                for relation, rows in edges:
                    copy(self._connection, COPY_EDGES.format(relation), rows)
                self._tell(told, change.schema)

    def _edges_not_there(self, relation: Relation, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.join(self._edges_there(relation, rows), on=["head", "tail"], how="anti")

    def _edges_there(self, relation: Relation, rows: pl.DataFrame) -> pl.DataFrame:
        """Those of `rows` (head, tail) that the graph holds, looked up by head: a join would read the whole table."""
        heads = rows["head"].unique().to_list()
        there = [(head, tail) for head in heads for (tail,) in self._run(TAILS.format(relation), head=head)]
        known = pl.DataFrame(there, schema={"head": pl.String, "tail": pl.String}, orient="row")
        return rows.join(known, on=["head", "tail"], how="semi")

    def delete(self, nodes: Sequence[str] = (), edges: pl.DataFrame | None = None) -> None:
        with self._lock:
            self._refuse_if_read_only()
            edges = pl.DataFrame(schema=EDGES) if edges is None else edges
            ends = self._find(pl.concat([edges["head"], edges["tail"]]).unique().to_list())
            gone = [
                (relation, self._edges_there(relation, rows))
                for relation, rows in by_relation(ends, edges)
                if relation in self._schema.relations
            ]
            found = self._find(nodes)
            told = version.after(self.version(), "delete", found.select("id"), together(gone))
            with self._writing():
                for relation, rows in gone:
                    for head, tail in rows.iter_rows():
                        self._run(DELETE_EDGE.format(relation), head=head, tail=tail)
                for label, group in found.group_by("label"):
                    self._run(DELETE_NODES.format(*label), ids=group["id"].to_list())
                self._tell(told, self._schema)

    def version(self) -> str:
        """Kept in the comment on a table, as comments change with the transaction; see GraphStore.version."""
        if not self._schema.labels:
            return version.EMPTY
        return self._told()[1]

    def _told(self) -> tuple[str, str]:
        """The table whose comment has the version, and the version; the first label and "" if none has."""
        comments = [(name, comment) for _, name, kind, _, comment in self._run(TABLES) if kind == "NODE" and comment]
        return comments[0] if comments else (self._schema.labels[0], "")

    def _tell(self, told: str, schema: Schema) -> None:
        if schema.labels:
            table = self._told()[0] if self._schema.labels else schema.labels[0]
            self._run(TELL.format(table, told))

    def query(
        self, cypher: str, parameters: Mapping[str, Any] | None = None, *, timeout: float = 10, limit: int = 1000
    ) -> pl.DataFrame:
        guard(cypher, parameters or {})
        alone = contextlib.nullcontext() if self._read_only else self._lock
        with alone, errors("the query failed"), ladybug.Connection(self._database) as connection:
            connection.set_query_timeout(max(1, round(timeout * 1000)))
            if not self._read_only:
                execute(connection, "BEGIN TRANSACTION READ ONLY")
            result = execute(connection, for_ladybug(cypher), dict(parameters or {}))
            # A result of a billion rows stays folded in the database: only what is asked for is unfolded.
            rows = [[_plain(value) for value in row] for row in result.get_n(limit + 1)]
            names = result.get_column_names()
        return answer(names, rows, limit)

    def neighbours(self, node: str, hops: int = 1, hub: int = 200) -> GraphTables:
        with self._lock:
            start = self._one(node)
            nodes, edges = {start[0]: start}, set[Edge]()
            frontier = [start]
            for hop in range(hops):
                found: list[tuple[str, str, str]] = []
                for here, label, _ in frontier:
                    if hop and self._run(DEGREE.format(label), id=here)[0][0] > hub:
                        continue
                    for other, kind, name, relation, outward in self._run(AROUND.format(label), id=here):
                        edges.add(Edge(here, relation, other) if outward else Edge(other, relation, here))
                        if other not in nodes:
                            nodes[other] = (other, kind, name)
                            found.append(nodes[other])
                frontier = found
        return in_order(
            pl.DataFrame(list(nodes.values()), schema=NODES, orient="row"),
            pl.DataFrame(list(edges), schema=EDGES, orient="row"),
        )

    def paths(self, source: str, target: str, longest: int = 4, n: int = 10) -> list[list[Edge]]:
        if not 1 <= longest <= 8:
            raise GraphError(f"longest must be from 1 to 8, not {longest}")
        with self._lock:
            start, end = self._one(source), self._one(target)
            if source == target:
                return []
            found = self._run(SHORTEST.format(start[1], longest, end[1]), source=source, target=target, n=n)
        return [_walk(nodes, edges) for nodes, edges in found]

    def stats(self) -> pl.DataFrame:
        rows: list[tuple[str, str, str | None, str | None, int]] = []
        with self._lock:
            for label in self._schema.labels:
                rows.append(("node", label, None, None, self._run(COUNT_NODES.format(label))[0][0]))
            for relation in self._schema.relations:
                count = self._run(COUNT_EDGES.format(relation))[0][0]
                rows.append(("edge", relation.name, relation.head, relation.tail, count))
        return pl.DataFrame(rows, schema=STATS, orient="row")

    def schema(self) -> Schema:
        return self._schema

    def _read_schema(self) -> Schema:
        tables = [(name, kind) for _, name, kind, *_ in self._run(TABLES)]
        relations = [
            Relation(name, head, tail)
            for name, kind in tables
            if kind == "REL"
            for head, tail, *_ in self._run(f"CALL show_connection('{identifier(name)}') RETURN *")
        ]
        return Schema(tuple(sorted(name for name, kind in tables if kind == "NODE")), tuple(sorted(relations)))

    def export(self) -> GraphTables:
        with self._lock:
            nodes = [
                self._frame(NODES_OF.format(label)).select("id", label=pl.lit(label), name="name")
                for label in self._schema.labels
            ]
            edges = [(relation, self._frame(EDGES_OF.format(relation))) for relation in self._schema.relations]
        return in_order(pl.concat([pl.DataFrame(schema=NODES), *nodes]), together(edges))

    def _frame(self, statement: str) -> pl.DataFrame:
        frame: pl.DataFrame = execute(self._connection, statement).get_as_pl()
        return frame

    def _find(self, ids: Sequence[str]) -> pl.DataFrame:
        """id, label, name of those of `ids` that the graph holds."""
        labels = self._schema.labels if ids else ()
        rows = [(id, label, name) for label in labels for id, name in self._run(FIND.format(label), ids=list(ids))]
        return pl.DataFrame(rows, schema=NODES, orient="row").unique("id")

    def _one(self, node: str) -> tuple[str, str, str]:
        found = self._find([node])
        if found.is_empty():
            raise GraphError(f"no node {node!r} in the graph (an item's is `item:<item_id>`)")
        row: tuple[str, str, str] = found.row(0)
        return row

    def close(self) -> None:
        with self._lock:
            self._connection.close()
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _walk(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> list[Edge]:
    """The edges of a path as triples; `_SRC` and `_DST` are places of nodes in their tables."""
    ids = {tuple(node["_ID"].values()): node["id"] for node in nodes}
    return [Edge(ids[tuple(e["_SRC"].values())], e["_LABEL"], ids[tuple(e["_DST"].values())]) for e in edges]


def _plain(value: Any) -> Any:
    """A value of a result without what only the database understands; sums come as Decimal."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        if "_NODES" in value:
            return {"nodes": _plain(value["_NODES"]), "relationships": _plain(value["_RELS"])}
        label = {"label": value["_LABEL"]} if "_LABEL" in value else {}
        return label | {key: _plain(part) for key, part in value.items() if not key.startswith("_")}
    return value
