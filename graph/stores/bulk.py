"""Tables into ladybug: statements run, tables declared and filled by COPY."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ladybug
import polars as pl

from graph.build import GraphTables
from graph.errors import GraphError
from graph.schema import Schema
from graph.store import Progress
from graph.stores.changes import by_relation

# Names cannot be parameters, so they are put in here, and each has passed graph.schema.identifier.
NODE_TABLE = "CREATE NODE TABLE IF NOT EXISTS `{}`(id STRING PRIMARY KEY, name STRING)"
EDGE_TABLE = "CREATE REL TABLE IF NOT EXISTS `{0.name}`(FROM `{0.head}` TO `{0.tail}`)"
EDGE_ENDS = "ALTER TABLE `{0.name}` ADD IF NOT EXISTS FROM `{0.head}` TO `{0.tail}`"
COPY_NODES = "COPY `{}` FROM $file"
COPY_EDGES = "COPY `{0.name}` FROM $file (from='{0.head}', to='{0.tail}')"


@contextlib.contextmanager
def errors(what: str) -> Iterator[None]:
    """GraphError in place of what ladybug raises: RuntimeError, and now and then what C++ threw."""
    try:
        yield
    except (ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, TypeError) as error:
        raise GraphError(f"{what}: {error}") from error


def execute(
    connection: ladybug.Connection, statement: str, parameters: dict[str, Any] | None = None
) -> ladybug.QueryResult:
    result = connection.execute(statement, parameters or {})
    assert isinstance(result, ladybug.QueryResult)  # a list only for several statements
    return result


def declare_tables(connection: ladybug.Connection, schema: Schema) -> None:
    for label in schema.labels:
        execute(connection, NODE_TABLE.format(label))
    for relation in schema.relations:
        execute(connection, EDGE_TABLE.format(relation))
        execute(connection, EDGE_ENDS.format(relation))


def fill(connection: ladybug.Connection, schema: Schema, tables: GraphTables, progress: Progress | None = None) -> None:
    """Copy whole tables into an empty database."""
    declare_tables(connection, schema)
    done, total = 0, tables.nodes.height + tables.edges.height
    copies = [
        (COPY_NODES.format(*label), rows.select("id", "name"))
        for label, rows in tables.nodes.group_by("label", maintain_order=True)
    ]
    copies += [(COPY_EDGES.format(relation), rows) for relation, rows in by_relation(tables.nodes, tables.edges)]
    for statement, rows in copies:
        copy(connection, statement, rows)
        done += rows.height
        if progress:
            progress(done, total)


def copy(connection: ladybug.Connection, statement: str, rows: pl.DataFrame) -> None:
    """Run a COPY over a parquet file, which takes any text as it is and, unlike a table in memory, needs no pandas.

    The file stands where temporary files do, because the name is a pattern, in which [ and * of a folder of the
    user's would be read as such.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.parquet"
        rows.write_parquet(file)
        name = str(file).replace("\\", "\\\\").replace("'", "\\'")
        execute(connection, statement.replace("$file", f"'{name}'"))
