"""The knowledge graph: built from a catalogue, kept in a store, queried, explained and learned from."""

from pathlib import Path

from graph.errors import GraphError
from graph.store import GraphStore

__all__ = ["GraphError", "GraphStore", "open"]


def open(place: str | Path, read_only: bool = False) -> GraphStore:
    """The graph kept in a directory, made if it is not there yet unless `read_only`, or in a Neo4j server.

    Many may read a directory at once, and one may write. A server is named by a URI such as `bolt://localhost:7687`;
    who asks is NEO4J_USERNAME, NEO4J_PASSWORD and NEO4J_DATABASE in the environment. Raises GraphError if there is no
    graph to read, another process is writing, or the server cannot be reached.
    """
    # The libraries of the databases are loaded only when a graph is opened.
    if isinstance(place, str) and "://" in place:
        from graph.stores.bolt import SCHEMES
        from graph.stores.neo4j import Neo4jStore

        if place.split("://")[0] not in SCHEMES:
            raise GraphError(f"no graph can be kept at {place}: give a directory, or a URI of {', '.join(SCHEMES)}")
        return Neo4jStore(place, read_only)
    from graph.stores.ladybug import LadybugStore

    return LadybugStore(Path(place), read_only)
