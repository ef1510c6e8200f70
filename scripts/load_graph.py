"""Load a catalogue into a graph: python scripts/load_graph.py data/ml/weft.toml graphs/ml."""

import argparse
import sys
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import graph
from engine import catalogue
from engine.config import load
from engine.describe import graph_of
from engine.errors import WeftError
from graph.build import GraphTables
from graph.errors import GraphError


def tables(config_path: Path) -> tuple[GraphTables, pl.DataFrame]:
    """The graph of the catalogue that a weft.toml describes, and the rows that could not be used."""
    config = load(config_path)
    read = catalogue.read(config)
    return graph_of(read, config), read.rejects


def as_table(frame: pl.DataFrame) -> Table:
    shown = Table(*frame.columns)
    for row in frame.iter_rows():
        shown.add_row(*("" if value is None else str(value) for value in row))
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path, help="a weft.toml, or the directory it is in")
    parser.add_argument("graph", help="the directory to keep the graph in; what it holds is replaced")
    parser.add_argument("--merge", action="store_true", help="add to what is there instead of replacing it")
    arguments = parser.parse_args()
    path = arguments.config / "weft.toml" if arguments.config.is_dir() else arguments.config
    console = Console(stderr=True)
    columns = (TextColumn("loading"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        built, rejects = tables(path)
        with graph.open(arguments.graph) as store, Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=None)
            if arguments.merge:
                store.merge(built)
            else:
                store.load(built, lambda done, total: bar.update(task, completed=done, total=total))
            stats = store.stats()
    except (WeftError, GraphError) as error:
        console.print(f"[red]error:[/red] {error}", highlight=False)
        sys.exit(2)
    Console().print(as_table(stats))
    if rejects.height:
        console.print(f"{rejects.height} rows or cells could not be used:")
        console.print(as_table(rejects.head(10)))


if __name__ == "__main__":
    main()
