"""Triples in the forms that knowledge graphs come in: N-Triples, Turtle, KGAT's and RecBole's.

Tables of triples (csv, tsv, parquet, JSON lines) are read as all tables are, by engine.readers.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from graph.errors import GraphError
from graph.schema import EDGES

__all__ = ["REJECTS", "SUFFIXES", "Triples", "read"]

SUFFIXES = {
    ".nt": "N-Triples",
    ".ntriples": "N-Triples",
    ".ttl": "Turtle",
    ".turtle": "Turtle",
    ".kg": "RecBole",
    ".txt": "KGAT",
}
REJECTS = {"file": pl.String, "line": pl.Int64, "field": pl.String, "reason": pl.String, "value": pl.String}


@dataclass(frozen=True)
class Triples:
    """What a file says."""

    frame: pl.DataFrame
    """head, relation, tail: ids of items or of anything else, as `graph.build.build` takes them."""
    lines: pl.Series
    """The line of each (1 is the first); of Turtle, which has no lines, its number."""
    rejects: pl.DataFrame
    """file, line, field, reason, value of every line that could not be read."""


def read(path: str | Path) -> Triples:
    """The triples of a file; the suffix says its form.

    Nothing is fetched: neither addresses that the file names nor what it imports. Raises GraphError, naming file, line
    and remedy, when the file as a whole cannot be read.
    """
    from graph.triples import lines, rdf

    path = Path(path)
    form = SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise GraphError(f"{path}: the suffix {path.suffix!r} is not known; rename it to one of {', '.join(SUFFIXES)}")
    readers = {"N-Triples": rdf.ntriples, "Turtle": rdf.turtle, "RecBole": lines.recbole, "KGAT": lines.kgat}
    try:
        return readers[form](path)
    except OSError as error:
        raise GraphError(f"{path}: cannot be read ({error.strerror}); correct the path") from None


def made(
    path: Path, triples: list[tuple[str, str, str]], lines: list[int], rejects: list[tuple[int, str, str, str]]
) -> Triples:
    """Triples from rows, and rejects from line, field, reason and value (cut to 200 characters)."""
    bad = [(str(path), line, field, reason, value[:200]) for line, field, reason, value in sorted(rejects)]
    return Triples(
        pl.DataFrame(triples, EDGES, orient="row"),
        pl.Series("line", lines, dtype=pl.Int64),
        pl.DataFrame(bad, REJECTS, orient="row"),
    )
