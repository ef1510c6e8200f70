"""The user's own triples, read from any form and checked against the items and the declared relations."""

from pathlib import Path

import polars as pl

from engine.errors import DataError
from engine.tables import leaks
from engine.tables.readers import REJECTS, SUFFIXES, Table, read_table
from engine.tables.sieve import Sieve, missing
from graph import resolve, schema
from graph import triples as files
from graph.errors import GraphError
from graph.schema import Declared

WANTED = ("head", "relation", "tail")


def read(path: Path) -> Table:
    """The triples of a table, or of a file of one of the forms that knowledge graphs come in (`graph.triples`).

    Raises DataError when the file as a whole cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return read_table(path, WANTED)
    if suffix not in files.SUFFIXES:
        known = ", ".join([*SUFFIXES, *files.SUFFIXES])
        raise DataError(f"{path}: the suffix {path.suffix!r} is not known; rename it to one of {known}")
    try:
        found = files.read(path)
    except GraphError as error:
        raise DataError(str(error)) from None
    return Table(str(path), found.frame, found.lines, WANTED, None, found.rejects)


def checked(
    table: Table | None, item_ids: pl.Series, interactions: pl.DataFrame, declared: Declared
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Catalogue.triples and the rejects."""
    if table is None:
        return pl.DataFrame(schema=dict.fromkeys(WANTED, pl.String)), pl.DataFrame(schema=REJECTS)
    for name in WANTED:
        if name not in table.frame.columns:
            raise missing(table, "a table of triples has the columns head, relation and tail", name)
    sieve = Sieve(table)
    rows = pl.DataFrame({name: sieve.ids(name) for name in WANTED})
    relations = rows["relation"].unique()
    nameless = [name for name in relations.drop_nulls() if schema.relation_type(name) is None]
    bad = rows["relation"].is_in(nameless).fill_null(False)
    sieve.drop(bad, "relation", "the relation has no letter or digit of ASCII")
    faults = resolve.faults(rows, item_ids, declared)
    for field, reason in faults.drop_nulls().unique(maintain_order=True).iter_rows():
        sieve.drop((faults["reason"] == reason).fill_null(False), field, reason)
    sieve.drop(leaks.leaking(rows, interactions, item_ids), "relation", leaks.REASON)
    return sieve.result(rows)
