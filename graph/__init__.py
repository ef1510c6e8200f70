"""The knowledge graph: built from a catalogue, kept in a store, queried, explained and learned from."""

from pathlib import Path

from graph.errors import GraphError
from graph.store import GraphStore

__all__ = ["GraphError", "GraphStore", "open"]


def open(place: str | Path, read_only: bool = False) -> GraphStore:
    """The graph kept in a directory, made if it is not there yet unless `read_only`.

    Many may read a directory at once, and one may write. Raises GraphError if there is no graph to read, or another
    process is writing.
    """
    if isinstance(place, str) and "://" in place:
        raise GraphError(f"{place}: graphs behind a URI are not supported; give the path of a directory")
    from graph.ladybug import LadybugStore  # the database library is loaded only when a graph is opened

    return LadybugStore(Path(place), read_only)
