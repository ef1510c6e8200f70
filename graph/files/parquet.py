"""Parquet: a folder with nodes.parquet (id, label, name) and edges.parquet (head, relation, tail)."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from graph.build import EDGES, NODES, GraphTables
from graph.errors import GraphError
from graph.files.atomic import written_folder

NODE_FILE, EDGE_FILE = "nodes.parquet", "edges.parquet"


def write(tables: GraphTables, folder: Path) -> None:
    """The folder with both files."""
    with written_folder(folder, (NODE_FILE, EDGE_FILE)) as aside:
        tables.nodes.select(list(NODES)).write_parquet(aside / NODE_FILE)
        tables.edges.select(list(EDGES)).write_parquet(aside / EDGE_FILE)


def read(folder: Path) -> GraphTables:
    """The graph of a folder; other columns are left out. Raises GraphError naming the file and the column."""
    return GraphTables(_table(folder / NODE_FILE, NODES), _table(folder / EDGE_FILE, EDGES))


def _table(path: Path, schema: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    if not path.is_file():
        raise GraphError(f"{path}: no such file; a graph in parquet is {NODE_FILE} and {EDGE_FILE} in one folder")
    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise GraphError(f"{path}: cannot be read ({str(error).splitlines()[0][:200]}); write it again") from None
    lacking = [name for name in schema if name not in frame.columns]
    if lacking:
        raise GraphError(f"{path}: there is no column `{lacking[0]}`; it needs {', '.join(schema)}")
    try:
        frame = frame.select(pl.col(name).cast(pl.String) for name in schema)
    except pl.exceptions.PolarsError:
        raise GraphError(f"{path}: {', '.join(schema)} must be columns of text") from None
    empty = frame.with_row_index("row", offset=1).filter(pl.any_horizontal(pl.all().is_null()))
    if empty.height:
        raise GraphError(f"{path}: row {empty['row'][0]} has an empty cell; fill it or leave the row out")
    return frame
