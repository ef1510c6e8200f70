"""Commands that make or move a graph: load, merge, export, and a Neo4j to try things on."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.graph import places
from engine.cli.graph.frames import cell, write
from engine.cli.graph.places import Relations, Source
from engine.cli.output import say, show, warn
from engine.cli.working import Working

if TYPE_CHECKING:
    import polars as pl

    from graph.build import GraphTables

To = Annotated[str, typer.Argument(metavar="GRAPH", help="A directory for the graph, or a URI such as bolt://...")]
Rejects = Annotated[
    Path | None,
    typer.Option("--rejects", help="Write every row that was rejected to this file (.csv).", show_default=False),
]
_SHOWN = 20
"""Reasons of rejects that are printed."""


def load(
    source: Source,
    to: To,
    interactions: Annotated[
        bool, typer.Option("--interactions", help="Also who chose what, as User nodes and CHOSE edges, to look at.")
    ] = False,
    relations: Relations = None,
    rejects: Rejects = None,
) -> None:
    """Load a graph; what it held before is replaced.

    In a directory the old graph stands until all of it is loaded, and if that fails. Nothing is ever learned from
    interactions that are loaded here: an engine is built from its own tables.
    """
    with Working(keep=True) as work:
        work.stage(f"reading {source}")
        from graph.check import sound

        tables, unread = places.tables(source, relations=relations)
        tables = sound(tables)
        if interactions:
            from graph.interactions import with_interactions

            tables = with_interactions(tables, places.interactions(source))
        work.stage(f"loading {to}")
        with places.store(to, write=True) as store:
            store.load(tables, work.counter("nodes and edges"))
            stats = store.stats()
    _say_stats(stats)
    _say_rejects(tables, unread, rejects)


def merge(source: Source, to: To, relations: Relations = None, rejects: Rejects = None) -> None:
    """Add to a graph: new nodes, edges and names.

    Ends of triples are looked for among its nodes: `1` or `item:1` is an item, `brand:nike` a brand. All of it is
    added or, on any error, nothing; nothing is taken away.
    """
    with Working(keep=True) as work:
        work.stage(f"reading {source}")
        from graph.check import sound

        with places.store(to, write=True) as store:
            known = store.export().nodes
            tables, unread = places.tables(source, known, relations)
            tables = sound(tables, known["id"])
            work.stage(f"merging into {to}")
            store.merge(tables)
            stats = store.stats()
    _say_stats(stats)
    _say_rejects(tables, unread, rejects)


def export(
    source: Source,
    to: Annotated[Path, typer.Argument(metavar="OUT", help="The file (.graphml, .jsonld) or folder to write.")],
    form: Annotated[
        str | None,
        typer.Option(
            "--as", help="graphml, jsonld, parquet or neo4j-csv; else the suffix says it.", show_default=False
        ),
    ] = None,
) -> None:
    """Write a graph for other programs.

    The file or folder is written whole or not at all; loaded again it is the same graph.
    """
    with Working() as work:
        work.stage(f"reading {source}")
        from graph import files
        from graph.check import sound
        from graph.files import admin_csv

        tables, unread = places.tables(source)
        tables = sound(tables)
        work.stage(f"writing {to}")
        form = files.write(tables, to, form)
    say(f"{tables.nodes.height} nodes and {tables.edges.height} edges as {form}: {to}")
    if form == "neo4j-csv":
        nodes, edges = to / admin_csv.NODE_FILE, to / admin_csv.EDGE_FILE
        files_of = f"--nodes={nodes} --relationships={edges}"
        say(f"next: neo4j-admin database import full {files_of} --multiline-fields=true neo4j")
    _say_rejects(tables, unread, None)


def serve_neo4j(
    source: Annotated[str | None, typer.Argument(help="What to load into it, as of `weft graph load`.")] = None,
    port: Annotated[int, typer.Option(help="The port for bolt; 0 takes a free one.")] = 7687,
) -> None:
    """Run a Neo4j to try things on.

    It runs on this machine until Ctrl-C, and what it holds is gone then. It needs a JDK 17 and, the first time, Maven,
    but no Docker. With NEO4J_PASSWORD set (8 characters or more) it asks for that password, else for none.
    """
    with Working(keep=True) as work:
        work.stage("starting Neo4j")
        import graph
        from graph.stores.server import serve

        with serve(port, os.environ.get("NEO4J_PASSWORD")) as server:
            if source is not None:
                work.stage(f"loading {source}")
                tables, _ = places.tables(source)
                from graph.check import sound

                with graph.open(server.uri) as store:
                    store.load(sound(tables), work.counter("nodes and edges"))
            work.stage("serving")
            say(f"{server.uri}  (Ctrl-C ends it)")
            try:
                while True:
                    time.sleep(3600)
            except KeyboardInterrupt:
                say("ended")


def _say_stats(stats: "pl.DataFrame") -> None:
    show(stats.columns, [[cell(value) for value in row] for row in stats.iter_rows()])


def _say_rejects(tables: "GraphTables", unread: "pl.DataFrame", to: Path | None) -> None:
    """Say what could not be used: each reason once, with how often and the first place."""
    import polars as pl

    rejects = pl.concat([unread, _as_rejects(tables.rejects)])
    if to is not None:
        write(rejects, to)
        say(f"{rejects.height} rejected rows: {to}")
    if not rejects.height:
        return
    first = [pl.col(name).first() for name in ("line", "value")]
    reasons = rejects.group_by("file", "field", "reason", maintain_order=True).agg(pl.len().alias("rows"), *first)
    reasons = reasons.sort("rows", descending=True, maintain_order=True)
    warn(f"{rejects.height} rows or cells could not be used:")
    rows = reasons.select("rows", "reason", "field", "file", "line", "value").head(_SHOWN).rows()
    show(
        ("rows", "reason", "field", "file", "first line", "its value"), [[cell(value) for value in row] for row in rows]
    )
    if reasons.height > _SHOWN or (to is None and rejects.height > reasons.height):
        say("all of them, with --rejects rejects.csv")


def _as_rejects(triples: "pl.DataFrame") -> "pl.DataFrame":
    """Triples that cannot be among the nodes, as rows of rejects; where they stood is not known any more."""
    import polars as pl

    from engine.tables.readers import REJECTS

    shown = pl.format("{} {} {}", *(pl.col(name).fill_null("") for name in ("head", "relation", "tail")))
    return triples.select(
        file=pl.lit("graph"),
        line=pl.lit(None, pl.Int64),
        field=pl.lit(""),
        reason="reason",
        value=shown.str.strip_chars(),
    ).cast(REJECTS)  # type: ignore[arg-type]
