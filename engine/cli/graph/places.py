"""Where a graph is: a store that can be asked, or whatever it can be read from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import DataError

if TYPE_CHECKING:
    import polars as pl

    from graph.build import GraphTables
    from graph.store import GraphStore

Place = Annotated[str, typer.Argument(help="A graph directory, an artefact or a URI such as bolt://localhost:7687.")]
Source = Annotated[
    str,
    typer.Argument(
        help="A weft.toml or its folder, an artefact, a graph (directory or URI), an export (.graphml, .jsonld, a "
        "folder of parquet or of CSV for neo4j-admin), or triples (.nt, .ttl, .kg, .txt of KGAT, csv, tsv, JSON lines)."
    ),
]
Relations = Annotated[
    Path | None,
    typer.Option(
        "--relations", help="A weft.toml: triples are checked against its [graph.relations].", show_default=False
    ),
]


def node_id(given: str) -> str:
    """The id of a node as a person may write it: without a colon it is an item's."""
    return given if ":" in given else f"item:{given}"


def located(place: str) -> str | Path:
    """The URI or the directory of the graph itself, which may be in an artefact."""
    if "://" in place:
        return place
    path = Path(place)
    if path.suffix == ".toml":
        raise DataError(f"{place}: not a graph yet; load it first: weft graph load {place} GRAPH")
    inside = path / "graph"
    return inside if (path / "manifest.json").is_file() and inside.is_dir() else path


def store(place: str, write: bool = False) -> "GraphStore":
    """The store at a place; made, if need be, only to `write`."""
    import graph

    where = located(place)
    if write and isinstance(where, Path) and where.exists() and not _is_store(where) and any(where.iterdir()):
        raise DataError(f"{place}: the directory holds something else; name a new one for the graph")
    return graph.open(where, read_only=not write)


def tables(
    source: str, known: "pl.DataFrame | None" = None, relations: Path | None = None
) -> "tuple[GraphTables, pl.DataFrame]":
    """The graph that a source describes, and the rows (file, line, field, reason, value) that could not be used.

    Triples alone are resolved among the nodes `known`, if there are any, and checked against the relations that the
    weft.toml `relations` declares.
    """
    import polars as pl

    from engine.tables.readers import REJECTS
    from graph import files

    path = Path(source)
    toml = path / "weft.toml" if path.is_dir() and (path / "weft.toml").is_file() else path
    if "://" not in source and toml.suffix == ".toml":
        return _configured(toml)
    if "://" not in source and not path.exists():
        raise DataError(f"{source}: no such file or folder")
    none = pl.DataFrame(schema=REJECTS)
    if "://" not in source and files.form_of(path):
        return files.read(path), none
    if "://" not in source and path.is_file():
        return _triples(path, known, relations)
    if (path / "graph_nodes.parquet").is_file() and not (path / "graph").is_dir():
        from graph.build import GraphTables

        return GraphTables(*(pl.read_parquet(path / f"graph_{part}.parquet") for part in ("nodes", "edges"))), none
    with store(source) as opened:
        return opened.export(), none


def interactions(source: str) -> "pl.DataFrame":
    """Who chose what, by a weft.toml or an artefact: user_id, item_id and more."""
    import polars as pl

    path = Path(source)
    if (path / "interactions.parquet").is_file() and (path / "manifest.json").is_file():
        return pl.read_parquet(path / "interactions.parquet")
    toml = path / "weft.toml" if path.is_dir() else path
    if toml.suffix != ".toml":
        raise DataError(f"--interactions: {source} has none; name a weft.toml or an artefact")
    from engine import config
    from engine.tables import catalogue

    return catalogue.read(config.load(toml)).interactions


def _is_store(folder: Path) -> bool:
    from graph.stores.ladybug import FILE

    return (folder / FILE).is_file()


def _configured(toml: Path) -> "tuple[GraphTables, pl.DataFrame]":
    from engine import config
    from engine.knowledge import graph_of
    from engine.tables import catalogue

    settings = config.load(toml)
    read = catalogue.read(settings)
    return graph_of(read, settings), read.rejects


def _triples(path: Path, known: "pl.DataFrame | None", relations: Path | None) -> "tuple[GraphTables, pl.DataFrame]":
    import polars as pl

    from engine import config
    from engine.tables import readers, triples
    from graph import files
    from graph.build import GraphTables
    from graph.resolve import resolve
    from graph.schema import ITEM, NODES, Declared
    from graph.triples import SUFFIXES

    known = pl.DataFrame(schema=NODES) if known is None else known
    if path.suffix.lower() not in (*readers.SUFFIXES, *SUFFIXES):
        exports, tables = ", ".join(files.SUFFIXES), ", ".join((*readers.SUFFIXES, *SUFFIXES))
        raise DataError(f"{path}: not a weft.toml, nor a graph ({exports}), nor triples ({tables})")
    declared = Declared() if relations is None else config.load(relations).graph.declared()
    items = known.filter(pl.col("label") == ITEM)["id"].str.strip_prefix("item:")
    nobody = pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String})
    rows, rejects = triples.checked(triples.read(path), items, nobody, declared)
    (nodes, edges), unfit = resolve(rows, known, declared)
    return GraphTables(nodes, edges.unique(maintain_order=True), unfit), rejects
