"""The version of a graph: a fingerprint that every change moves on, the same whatever store keeps the graph."""

import hashlib
from collections.abc import Iterable
from typing import Literal

import numpy as np
import polars as pl

from graph.build import EDGES, NODES, GraphTables


def of(tables: GraphTables) -> str:
    """SHA-256 over the content of whole tables, in whatever order their rows are. A second for a million nodes.

    Edges are hashed as places of their ends among the sorted nodes, since numbers sort faster than names: every end
    must be in `nodes`.
    """
    nodes = tables.nodes.select(list(NODES)).sort("id")
    names = tables.edges["relation"].unique().sort()
    from_, type_, to = (
        _places(tables.edges["head"], nodes["id"]),
        _places(tables.edges["relation"], names),
        _places(tables.edges["tail"], nodes["id"]),
    )
    triples = pl.Series((from_ * len(names) + type_) * nodes.height + to)  # one number each, below 2^63 by far
    numbers = triples.unique().sort().to_numpy().astype("<i8")  # numpy's unique takes twenty times as long
    return _digest([*_texts(nodes), *_texts(names.to_frame()), numbers.tobytes()])


def _places(values: pl.Series, among: pl.Series) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Where each of `values` stands in `among`, which holds every one once."""
    places = pl.DataFrame({"value": among, "place": np.arange(len(among))})
    return pl.DataFrame({"value": values}).join(places, on="value", maintain_order="left")["place"].to_numpy()


def after(version: str, change: Literal["merge", "delete"], nodes: pl.DataFrame, edges: pl.DataFrame) -> str:
    """The version that follows when `nodes` and `edges` were what a change really changed; the same if nothing.

    `nodes` are those (id, label, name) added or renamed, or the ids of those deleted; `edges` head, relation, tail.
    """
    if nodes.is_empty() and edges.is_empty():
        return version
    edges = edges.select(list(EDGES)).unique()
    rows = [*_texts(nodes.unique().sort(nodes.columns)), *_texts(edges.sort(edges.columns))]
    return _digest([version.encode(), change.encode(), *rows])


def _texts(frame: pl.DataFrame) -> Iterable[bytes]:
    """Every column as the lengths of its texts and the texts without a gap, which no other column gives."""
    for column in frame.iter_columns():
        yield column.str.len_bytes().fill_null(0).to_numpy().astype("<u4").tobytes()
        yield (column.str.join().item() if len(column) else "").encode()


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:  # each with its length before it, so that none can pass for two
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


EMPTY = of(GraphTables(pl.DataFrame(schema=NODES), pl.DataFrame(schema=EDGES)))
"""Of a graph with nothing in it."""
