"""A whole graph as files that other programs read and write: GraphML, JSON-LD, parquet, and CSV for neo4j-admin."""

from pathlib import Path
from typing import Protocol

from graph import schema
from graph.build import GraphTables
from graph.errors import GraphError
from graph.files import admin_csv, graphml, jsonld, parquet

__all__ = ["FOLDERS", "FORMATS", "SUFFIXES", "form_of", "read", "write"]


class Format(Protocol):
    """What the module of a format has; both take a path that `read` and `write` of this package have looked at."""

    def read(self, path: Path, /) -> GraphTables: ...

    def write(self, tables: GraphTables, path: Path, /) -> None: ...


FORMATS: dict[str, Format] = {"graphml": graphml, "jsonld": jsonld, "parquet": parquet, "neo4j-csv": admin_csv}
SUFFIXES = {".graphml": "graphml", ".jsonld": "jsonld"}
"""Formats that are one file."""
FOLDERS = {parquet.NODE_FILE: "parquet", admin_csv.NODE_FILE: "neo4j-csv"}
"""Formats that are a folder, by a file that stands in it."""


def form_of(path: Path) -> str | None:
    """The format of what is there, or of the suffix; None where neither tells one."""
    if path.is_dir():
        named = next((form for name, form in FOLDERS.items() if (path / name).is_file()), None)
        return named or ("neo4j-csv" if any(path.glob("*.csv")) else None)
    return SUFFIXES.get(path.suffix.lower())


def read(path: str | Path, form: str | None = None) -> GraphTables:
    """The graph in a file or folder, as it stands there: edges may end in no node, and nodes may repeat.

    `graph.check.check` says what is wrong with it and `graph.check.sound` takes that out. Raises GraphError naming
    file, line and remedy.
    """
    path = Path(path)
    if not path.exists():
        raise GraphError(f"{path}: no such file or folder")
    module = _module(path, form or form_of(path))
    try:
        return module.read(path)
    except (OSError, UnicodeDecodeError) as error:
        raise GraphError(f"{path}: cannot be read ({error})") from None


def write(tables: GraphTables, path: str | Path, form: str | None = None) -> str:
    """Write a graph, whole or not at all, and say in which format: by `form`, else by the suffix of the path.

    What `read` makes of it is the same, whatever characters are in it. Raises GraphError for a graph that no store
    would take (see graph.schema.declare) and for a path that cannot be written.
    """
    path = Path(path)
    schema.declare(tables.nodes, tables.edges)
    form = form or form_of(path)
    module = _module(path, form)
    try:
        module.write(tables, path)
    except OSError as error:
        raise GraphError(f"{path}: cannot be written ({error.strerror})") from None
    assert form is not None
    return form


def _module(path: Path, form: str | None) -> Format:
    if form is None:
        raise GraphError(
            f"{path}: the name tells no format; end it in {' or '.join(SUFFIXES)}, or say one of {', '.join(FORMATS)}"
        )
    if form not in FORMATS:
        raise GraphError(f"there is no format {form!r}; there are {', '.join(FORMATS)}")
    return FORMATS[form]
