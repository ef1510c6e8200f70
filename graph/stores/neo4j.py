"""The graph in a Neo4j 5 server, over bolt.

One node label per label, with a key on `id`, and one relationship type per relation. A node of its own,
(:WeftGraph), says which labels and relations are Weft's and which version the graph has. Nothing else of the database
is read or touched, but that a node which goes takes all its relationships with it.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import neo4j
import polars as pl
from neo4j import READ_ACCESS, WRITE_ACCESS

from graph import version
from graph.build import EDGES, NODES, GraphTables
from graph.cypher import for_neo4j, guard
from graph.errors import GraphError
from graph.schema import Relation, Schema, declare
from graph.store import STATS, Edge, Progress, answer
from graph.stores import bolt, transactions
from graph.stores.bolt import errors
from graph.stores.changes import by_relation, in_order, together
from graph.stores.transactions import BATCH, KEY, META, NOTHING, Kind, Transaction, any_of, label_of, run

FETCH = 10_000
"""Rows that come at a time."""
ANY_DEGREE = (1 << 31) - 1

# Names cannot be parameters, so they are put in here, and each has passed graph.schema.identifier.
COUNT_NODES = "MATCH (n:`{}`) RETURN count(*)"
COUNT_EDGES = "MATCH (:`{0.head}`)-[r:`{0.name}`]->(:`{0.tail}`) RETURN count(*)"
START = "MATCH (n:{} {{id: $id}}) RETURN elementId(n), n.id, labels(n), n.name"
AROUND = """
MATCH (a) WHERE elementId(a) IN $places AND COUNT {{ (a)-[:{relations}]-() }} <= $hub
MATCH (a)-[r:{relations}]-(b:{labels})
RETURN startNode(r).id, type(r), endNode(r).id, elementId(b), b.id, labels(b), b.name
"""
SHORTEST = """
MATCH p = allShortestPaths((a:{labels} {{id: $source}})-[:{relations}*..{longest}]-(b:{labels} {{id: $target}}))
WHERE all(n IN nodes(p) WHERE n:{labels})
RETURN [r IN relationships(p) | [startNode(r).id, type(r), endNode(r).id]] LIMIT $n
"""


class Neo4jStore:
    """A GraphStore in the database that NEO4J_DATABASE names (if not set, the user's own) of the server at `uri`.

    `load` writes what differs, in batches: until it is done, others see a mixture. Cut off, it leaves the version
    empty, and the next load does the rest. `merge` and `delete` are one transaction.
    """

    def __init__(self, uri: str, read_only: bool = False) -> None:
        """Meet the server. Raises GraphError if it cannot be reached, or holds no graph and is opened `read_only`."""
        self._uri, self._read_only = uri, read_only
        self._database = os.environ.get("NEO4J_DATABASE") or None
        self._driver = bolt.connect(uri)
        try:
            with self._reading() as transaction:
                if read_only and transactions.read_meta(transaction) is None:
                    raise GraphError(f"{uri}: no graph here; load one first")
        except BaseException:
            self.close()
            raise

    def _session(self, access: str) -> neo4j.Session:
        return self._driver.session(
            database=self._database, default_access_mode=access, fetch_size=FETCH, notifications_min_severity="OFF"
        )

    @contextlib.contextmanager
    def _reading(self) -> Iterator[neo4j.Transaction]:
        with (
            errors(f"{self._uri}: the graph cannot be read"),
            self._session(READ_ACCESS) as session,
            session.begin_transaction() as transaction,
        ):
            yield transaction

    def _write(self, work: Callable[..., object], *arguments: Any) -> None:
        """`work` in one transaction, begun again if another one stood in its way."""
        with self._session(WRITE_ACCESS) as session:
            session.execute_write(work, *arguments)

    def _refuse_if_read_only(self) -> None:
        if self._read_only:
            raise GraphError(f"{self._uri}: opened read-only")

    def _claim(self, labels: Sequence[str]) -> None:
        """Give each label its key, without which a look-up would read all nodes. It takes no other change with it."""
        for label in labels:
            self._write(run, KEY.format(label))

    def load(self, tables: GraphTables, progress: Progress | None = None) -> None:
        self._refuse_if_read_only()
        schema = declare(tables.nodes, tables.edges)
        with self._reading() as transaction:
            old = transactions.own(transaction, schema.labels).schema
        both = old | schema
        with errors("the graph is not loaded, or not all of it: load it again"):
            self._claim((META, *schema.labels))
            self._write(transactions.write_meta, "", both)
            self._fill(tables, old, progress)
            self._write(transactions.write_meta, version.of(tables), schema)

    def _fill(self, tables: GraphTables, old: Schema, progress: Progress | None) -> None:
        """Write what is wanted and not there, and only then delete what is there and not wanted."""
        wanted: dict[Kind, pl.DataFrame] = {
            str(label): rows.select("id", "name") for (label,), rows in tables.nodes.group_by("label")
        }
        wanted |= by_relation(tables.nodes, tables.edges)
        done, total = 0, sum(rows.height for rows in wanted.values())
        known: set[Kind] = {*old.labels, *old.relations}
        gone: list[tuple[Kind, pl.DataFrame]] = []
        for kind in sorted(known | wanted.keys(), key=lambda kind: (isinstance(kind, Relation), kind)):
            columns = ["head", "tail"] if isinstance(kind, Relation) else ["id", "name"]
            rows = wanted.get(kind, pl.DataFrame(schema=dict.fromkeys(columns, pl.String)))
            if kind in known:
                with self._reading() as transaction:
                    there = transactions.held(transaction, kind)
                gone.append((kind, there.join(rows, on=columns if isinstance(kind, Relation) else "id", how="anti")))
                done += rows.height
                rows = rows.join(there, on=columns, how="anti", nulls_equal=True)
                done -= rows.height
            for part in rows.sort(columns[-1]).iter_slices(BATCH):  # edges by tail, as they are put
                self._write(transactions.put, kind, part)
                done += part.height
                if progress:
                    progress(done, total)
        if progress:
            progress(done, total)
        for kind, rows in reversed(gone):
            for part in rows.iter_slices(BATCH):
                self._write(transactions.take, kind, part)

    def merge(self, tables: GraphTables) -> None:
        self._refuse_if_read_only()
        with self._reading() as transaction:
            meta, change = transactions.plan(transaction, tables)
        with errors("the graph was not changed"):
            self._claim([label for label in (META, *change.schema.labels) if label not in meta.schema.labels])
            self._write(transactions.merge, tables)

    def delete(self, nodes: Sequence[str] = (), edges: pl.DataFrame | None = None) -> None:
        self._refuse_if_read_only()
        with errors("the graph was not changed"):
            self._write(transactions.delete, nodes, pl.DataFrame(schema=EDGES) if edges is None else edges)

    def query(
        self, cypher: str, parameters: Mapping[str, Any] | None = None, *, timeout: float = 10, limit: int = 1000
    ) -> pl.DataFrame:
        given = dict(parameters or {})
        guard(cypher, given)
        with (
            errors("the query failed"),
            self._driver.session(
                database=self._database, default_access_mode=READ_ACCESS, fetch_size=min(limit + 1, FETCH)
            ) as session,
        ):
            names, rows = bolt.ask(session, for_neo4j(cypher), given, timeout, limit + 1)
        return answer(names, [bolt.plain(row) for row in rows], limit)

    def neighbours(self, node: str, hops: int = 1, hub: int = 200) -> GraphTables:
        with self._reading() as transaction:
            schema = _schema(transaction)
            place, *start = _start(transaction, schema, node)
            nodes, edges, frontier = {node: start}, set[Edge](), [place]
            relations, labels = any_of(relation.name for relation in schema.relations), any_of(schema.labels)
            for hop in range(hops if relations else 0):
                most = hub if hop else ANY_DEGREE
                found = run(transaction, AROUND.format(relations=relations, labels=labels), places=frontier, hub=most)
                edges |= {Edge(*row[:3]) for row in found}
                frontier = [place for *_, place, id, _, _ in found if id not in nodes]
                nodes |= {id: [id, label_of(kinds, schema), name] for *_, id, kinds, name in found}
        return in_order(
            pl.DataFrame(list(nodes.values()), schema=NODES, orient="row"),
            pl.DataFrame(list(edges), schema=EDGES, orient="row"),
        )

    def paths(self, source: str, target: str, longest: int = 4, n: int = 10) -> list[list[Edge]]:
        if not 1 <= longest <= 8:
            raise GraphError(f"longest must be from 1 to 8, not {longest}")
        with self._reading() as transaction:
            schema = _schema(transaction)
            for end in (source, target):
                _start(transaction, schema, end)
            if source == target or not schema.relations:
                return []
            relations, labels = any_of(relation.name for relation in schema.relations), any_of(schema.labels)
            statement = SHORTEST.format(relations=relations, labels=labels, longest=longest)
            found = run(transaction, statement, source=source, target=target, n=n)
        return [[Edge(*edge) for edge in path] for (path,) in found]

    def stats(self) -> pl.DataFrame:
        rows: list[tuple[str, str, str | None, str | None, int]] = []
        with self._reading() as transaction:
            schema = _schema(transaction)
            for label in schema.labels:
                rows.append(("node", label, None, None, run(transaction, COUNT_NODES.format(label))[0][0]))
            for relation in schema.relations:
                count = run(transaction, COUNT_EDGES.format(relation))[0][0]
                rows.append(("edge", relation.name, relation.head, relation.tail, count))
        return pl.DataFrame(rows, schema=STATS, orient="row")

    def schema(self) -> Schema:
        with self._reading() as transaction:
            return _schema(transaction)

    def version(self) -> str:
        with self._reading() as transaction:
            return (transactions.read_meta(transaction) or NOTHING).version

    def export(self) -> GraphTables:
        with self._reading() as transaction:
            schema = _schema(transaction)
            nodes = [
                transactions.held(transaction, label).select("id", label=pl.lit(label), name="name")
                for label in schema.labels
            ]
            edges = together([(relation, transactions.held(transaction, relation)) for relation in schema.relations])
        return in_order(pl.concat([pl.DataFrame(schema=NODES), *nodes]), edges)

    def close(self) -> None:
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _schema(transaction: Transaction) -> Schema:
    return (transactions.read_meta(transaction) or NOTHING).schema


def _start(transaction: Transaction, schema: Schema, node: str) -> tuple[str, str, str, str]:
    """Its place in the database, id, label and name."""
    found = run(transaction, START.format(any_of(schema.labels)), id=node) if schema.labels else []
    if not found:
        raise GraphError(f"no node {node!r} in the graph (an item's is `item:<item_id>`)")
    place, id, labels, name = found[0]
    return place, id, label_of(labels, schema), name
