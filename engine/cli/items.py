"""Commands that change the items of an artefact: add, change, remove."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.asking import Artefact, opened
from engine.cli.output import Polite, example, say, show
from engine.cli.working import Working
from engine.errors import DataError

if TYPE_CHECKING:
    import polars as pl

    from engine.engine import Engine
    from engine.tables.readers import Table

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="A table as that of the items: csv, tsv, parquet, jsonl or ndjson.")
]
Triples = Annotated[
    Path | None,
    typer.Option(help="Triples with these items as head, in the place of those that they have; head, relation, tail."),
]
SHOWN = 20
"""Rows of a table that are printed; of the others it is said how many they are."""

app = typer.Typer(
    cls=Polite, no_args_is_help=True, rich_markup_mode=None, help="Add, change and remove items of an artefact."
)


@app.command(epilog=example("weft items add artefacts/shop new_items.parquet"))
def add(artefact: Artefact, file: File, triples: Triples = None) -> None:
    """Add items; nothing is trained anew.

    The artefact is replaced in one step. A service that is running does not notice: send it the items instead
    (docs/serving.md). Ends with code 1 if some row was left out.
    """
    _describe(artefact, file, triples, new=True)


@app.command(epilog=example("weft items change artefacts/shop prices.csv"))
def change(artefact: Artefact, file: File, triples: Triples = None) -> None:
    """Describe items anew: what a row does not say, its item has no more, but for its triples.

    Otherwise as add.
    """
    _describe(artefact, file, triples, new=False)


@app.command(epilog=example("weft items remove artefacts/shop sold_out.csv"))
def remove(artefact: Artefact, file: File) -> None:
    """Take items out; of the table only the column of ids is read. Otherwise as add."""
    import polars as pl

    from engine.tables import columns
    from engine.tables.readers import read_table, reject_rows

    engine = opened(artefact)
    column = engine.config.data.item
    table = read_table(file, [column])
    if column not in table.frame.columns:
        raise DataError(f"{file}: there is no column `{column}`; the columns are: {', '.join(table.columns)}")
    ids = columns.ids(table.frame[column])
    there = pl.Series([item is not None and engine.state.lookup.has(item) for item in ids], dtype=pl.Boolean)
    wrong = reject_rows(
        table.name, table.lines.filter(~there), column, "id is not in the catalogue", ids.filter(~there)
    )
    gone = ids.filter(there).unique(maintain_order=True).to_list()
    titles = _titles(engine)
    engine.remove_items(gone)
    _keep(engine, artefact, gone)
    _report("removed", [(item, titles[item]) for item in gone], pl.concat([table.rejects, wrong]))


def _describe(artefact: Path, file: Path, triples: Path | None, new: bool) -> None:
    from engine.tables import items as tables
    from engine.tables.readers import read_table

    engine = opened(artefact)
    table = read_table(file, tables.wanted(engine.config.data, engine.config.modalities))
    edges = {} if triples is None else _edges(triples)
    with Working() as work, _unlogged("engine.growth"):
        work.stage("describing items")
        rejects = engine.check_items(table, edges, new=new)
        done = (engine.add_items if new else engine.change_items)(table, edges)
        _keep(engine, artefact, done)
    titles = _titles(engine)
    _report("added" if new else "changed", [(item, titles[item]) for item in done], rejects)


@contextmanager
def _unlogged(name: str) -> Iterator[None]:
    """Warnings of this module are not written: what is left out is printed as a table."""
    log = logging.getLogger(name)
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _edges(file: Path) -> dict[str, list[tuple[str, str]]]:
    """The triples of a file by their heads."""
    from engine.tables import triples

    table: Table = triples.read(file)
    lacking = [name for name in triples.WANTED if name not in table.frame.columns]
    if lacking:
        raise DataError(f"{file}: there is no column `{lacking[0]}`; triples have head, relation and tail")
    edges: dict[str, list[tuple[str, str]]] = {}
    for head, relation, tail in table.frame.select(triples.WANTED).iter_rows():
        edges.setdefault(str(head).removeprefix("item:"), []).append((relation, tail))
    return edges


def _titles(engine: "Engine") -> dict[str, str]:
    return dict(engine.catalogue.items.select("item_id", "title").iter_rows())


def _keep(engine: "Engine", artefact: Path, ids: list[str]) -> None:
    if ids:
        engine.save(artefact)


def _report(done: str, taken: list[tuple[str, str]], rejects: "pl.DataFrame") -> None:
    """What was taken, and which rows and cells were not."""
    say(f"{done}: {len(taken)} item{'' if len(taken) == 1 else 's'}")
    if taken:
        show(("item", "title"), taken[:SHOWN])
        _more(len(taken))
    if rejects.is_empty():
        return
    say("")
    say(f"left out: {rejects.height}")
    rows = rejects.sort("line", maintain_order=True).select("line", "field", "reason", "value").head(SHOWN)
    show(
        ("line", "field", "why", "what stands there"),
        [[str(line), field or "the row", why, value or ""] for line, field, why, value in rows.iter_rows()],
    )
    _more(rejects.height)
    raise typer.Exit(1)


def _more(rows: int) -> None:
    if rows > SHOWN:
        say(f"and {rows - SHOWN} more")
