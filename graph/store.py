"""What every graph store can do, whatever stands behind it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

import polars as pl

from graph.build import GraphTables
from graph.errors import GraphError
from graph.schema import Schema

if TYPE_CHECKING:
    import networkx as nx

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with (rows done, rows in all)."""

STATS = {"kind": pl.String, "name": pl.String, "from": pl.String, "to": pl.String, "count": pl.Int64}


class Edge(NamedTuple):
    """An edge in its own direction, whichever way a path walks it."""

    head: str
    relation: str
    tail: str


class GraphStore(Protocol):
    """A graph kept somewhere. Everything it cannot do raises GraphError and leaves the graph as it was."""

    def load(self, tables: GraphTables, progress: Progress | None = None) -> None:
        """Make `tables` the whole graph; they are checked before anything is written.

        Cut off and begun again it ends in the same graph. A store says itself what stands in between.
        """
        ...

    def merge(self, tables: GraphTables) -> None:
        """Add what is new and rename what is known; an edge may end in a node that is already there.

        All of it or, on any error, none of it. Meant for changes; for a whole catalogue `load` is faster.
        """
        ...

    def delete(self, nodes: Sequence[str] = (), edges: pl.DataFrame | None = None) -> None:
        """Remove nodes by id, with all their edges, and edges (head, relation, tail); unknown ones are passed over."""
        ...

    def query(
        self, cypher: str, parameters: Mapping[str, Any] | None = None, *, timeout: float = 10, limit: int = 1000
    ) -> pl.DataFrame:
        """At most `limit` rows of a query written by a person, which can only read (see graph.cypher)."""
        ...

    def neighbours(self, node: str, hops: int = 1, hub: int = 200) -> GraphTables:
        """The nodes within so many hops, in either direction, and the edges that lead to them.

        A node with more than `hub` edges is shown but not walked through (all films from one country are no
        neighbourhood); the start always is.
        """
        ...

    def paths(self, source: str, target: str, longest: int = 4, n: int = 10) -> list[list[Edge]]:
        """At most `n` shortest paths, each a list of edges from source to target; none if it takes over `longest`."""
        ...

    def stats(self) -> pl.DataFrame:
        """How many nodes of each label and edges of each relation: kind (node, edge), name, from, to, count."""
        ...

    def schema(self) -> Schema:
        """The labels and relations that have been declared."""
        ...

    def version(self) -> str:
        """A fingerprint of the graph, the same in every store (see graph.version).

        A load sets it from the content, and each later change makes it another one. It is empty where nobody knows:
        after a load that was cut off, or of a graph that was loaded before there were versions.
        """
        ...

    def export(self) -> GraphTables:
        """The whole graph, sorted."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def answer(names: Sequence[str], rows: Sequence[Sequence[Any]], limit: int) -> pl.DataFrame:
    """The frame of a query's rows, of which there is one too many where `limit` cuts them off."""
    if len(set(names)) < len(names):
        raise GraphError(f"columns of one name: {', '.join(names)}; tell them apart with AS")
    if len(rows) > limit:
        log.warning("only the first %d rows of a query are given", limit)
    columns = zip(*rows[:limit], strict=True) if rows[:limit] else [()] * len(names)
    return pl.DataFrame(
        [pl.Series(name, list(column), strict=False) for name, column in zip(names, columns, strict=True)]
    )


def to_networkx(tables: GraphTables) -> "nx.MultiDiGraph[str]":
    """A networkx graph: label and name on the nodes, the relation as key of each edge."""
    import networkx as nx  # for those who ask for it

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    graph.add_nodes_from((node, {"label": label, "name": name}) for node, label, name in tables.nodes.rows())
    graph.add_edges_from((head, tail, relation) for head, relation, tail in tables.edges.rows())
    return graph
