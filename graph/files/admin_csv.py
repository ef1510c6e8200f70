"""The CSV of `neo4j-admin database import`: a folder with a file of nodes and a file of relationships.

    neo4j-admin database import full --nodes=nodes.csv --relationships=relationships.csv --multiline-fields=true neo4j

Ids are strings and the columns are as Neo4j's manual names them
(https://neo4j.com/docs/operations-manual/current/import/).
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from graph.build import EDGES, NODES, GraphTables
from graph.errors import GraphError
from graph.files.atomic import written_folder
from graph.schema import ENTITY

NODE_FILE, EDGE_FILE = "nodes.csv", "relationships.csv"
NODE_HEAD, EDGE_HEAD = ("id:ID", "name", ":LABEL"), (":START_ID", ":END_ID", ":TYPE")

_HEADING = re.compile(r"([^:]*):(ID|LABEL|START_ID|END_ID|TYPE)(?:\(.*\))?(?:\{.*\})?", re.IGNORECASE)


def write(tables: GraphTables, folder: Path) -> None:
    """The folder with both files; every cell in quotes, so that an empty name is one and not a null."""
    with written_folder(folder, (NODE_FILE, EDGE_FILE)) as aside:
        nodes, edges = tables.nodes.select("id", "name", "label"), tables.edges.select("head", "tail", "relation")
        for table, head, file in ((nodes, NODE_HEAD, NODE_FILE), (edges, EDGE_HEAD, EDGE_FILE)):
            table.rename(dict(zip(table.columns, head, strict=True))).write_csv(aside / file, quote_style="always")


def read(folder: Path) -> GraphTables:
    """All files of a folder: those with a column :ID hold nodes, those with :START_ID relationships.

    A node's first label is taken, Entity where there is none, and its name is the column `name`, else its id. Other
    columns are left out. Raises GraphError naming file and line.
    """
    nodes: list[tuple[str, ...]] = []
    edges: list[tuple[str, ...]] = []
    for path in sorted(folder.glob("*.csv")):
        rows = _rows(path)
        _, head = next(rows, (0, []))
        places = {match[2].upper(): place for place, cell in enumerate(head) if (match := _HEADING.fullmatch(cell))}
        if {"START_ID", "END_ID", "TYPE"} <= places.keys():
            wanted = [places["START_ID"], places["TYPE"], places["END_ID"]]
            edges += [tuple(row[place] for place in wanted) for row in _fitting(path, rows, len(head))]
        elif "ID" in places:
            id, label = places["ID"], places.get("LABEL")
            name = head.index("name") if "name" in head else id
            for row in _fitting(path, rows, len(head)):
                first = "" if label is None else row[label].partition(";")[0]
                nodes.append((row[id], first or ENTITY, row[name]))
        else:
            raise GraphError(
                f"{path}: line 1: neither a column :ID nor :START_ID, :END_ID and :TYPE; take the file out of the "
                "folder or give it such a header"
            )
    return GraphTables(pl.DataFrame(nodes, NODES, orient="row"), pl.DataFrame(edges, EDGES, orient="row"))


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of each row."""
    csv.field_size_limit(max(csv.field_size_limit(), path.stat().st_size + 1))
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            for row in reader:
                yield reader.line_num, row
        except csv.Error as error:
            raise GraphError(f"{path}: line {reader.line_num}: not CSV ({error}); put the cell in quotes") from None
        except UnicodeDecodeError:
            raise GraphError(f"{path}: after line {reader.line_num}: not UTF-8; convert the file") from None


def _fitting(path: Path, rows: Iterator[tuple[int, list[str]]], width: int) -> Iterator[list[str]]:
    """The cells of each row, which must be as many as the header's."""
    for line, row in rows:
        if len(row) != width:
            raise GraphError(f"{path}: line {line}: {len(row)} cells, but {width} columns; write the row again")
        yield row
