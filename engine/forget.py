"""A user is forgotten: gone from the tables and the graph of an engine, and from the files of an artefact."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

import graph
from engine import artifact
from engine.rules import whom
from engine.tables.catalogue import Catalogue
from graph import version
from graph.build import GraphTables
from graph.rules import Rules

OF_USERS = ("interactions", "users", "rejects")
"""Tables of a catalogue that may name a user. Nothing that is learned has a part of one user: a user is a history."""


def forget(tables: Catalogue, user: str) -> Catalogue:
    """The tables without what a user did and is."""
    return replace(tables, **{name: _without(getattr(tables, name), user) for name in OF_USERS})


def learned_after(interactions: pl.DataFrame, learned: int, user: str) -> int:
    """How many of the first `learned` events are left without a user's."""
    return learned - int((interactions["user_id"][:learned] == user).sum())


def forget_in_graph(tables: GraphTables, user: str) -> GraphTables:
    """The graph without the node of a user and the edges to and from it."""
    node = f"user:{user}"
    nodes = tables.nodes.filter(pl.col("id") != node)
    return GraphTables(nodes, tables.edges.filter((pl.col("head") != node) & (pl.col("tail") != node)))


def forget_on_disk(folder: Path, user: str) -> None:
    """Write an artefact anew without a user. A crash leaves the old one or the new.

    Raises ArtifactError where the folder is no whole artefact. A graph in Neo4j is for whoever keeps it.
    """
    kept = artifact.read(folder, verify="size")
    more = ("feedback",) if kept.has("feedback.parquet") else ()
    before = {name: kept.table(name) for name in (*OF_USERS, *more, "graph_nodes", "graph_edges")}
    left = forget_in_graph(GraphTables(before["graph_nodes"], before["graph_edges"]), user)
    after = {name: _without(before[name], user) for name in (*OF_USERS, *more)}
    after |= {"graph_nodes": left.nodes, "graph_edges": left.edges}
    changed = {name: table for name, table in after.items() if table.height < before[name].height}
    ruled = whom.forget(Rules.model_validate(kept.facts.get("rules", {})), user).plain()
    if ruled != kept.facts.get("rules", {}):
        artifact.amend(folder, {"rules": ruled})
    if not changed:
        return
    with tempfile.TemporaryDirectory() as aside:
        trees = {}
        if (folder / "graph").exists() and "graph_nodes" in changed:
            trees["graph"] = Path(aside) / "graph"
            with graph.open(trees["graph"]) as store:  # made anew: a store keeps what is deleted in pages of its files
                store.load(left)
        facts: dict[str, Any] = {"graph_version": version.of(left)}
        if "learned" in kept.facts:
            facts["learned"] = learned_after(before["interactions"], kept.facts["learned"], user)
        artifact.rewrite(folder, tables=changed, facts=facts, trees=trees)


def _without(table: pl.DataFrame, user: str) -> pl.DataFrame:
    named = [name for name in ("user_id", "value") if table.schema.get(name) == pl.String]  # `value` of a reject
    return table.filter(~pl.any_horizontal(pl.col(named).eq_missing(user))) if named and table.height else table
