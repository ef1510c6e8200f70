"""What is said of items over HTTP, as rows of the tables of a catalogue, and back."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from encoders.modality import of_files
from engine.config import Config
from engine.engine import Engine
from engine.errors import WeftError
from engine.service.api import models
from engine.service.changes import Kind
from engine.tables.items import CELLS, described

MOST_EDGES = 200
MOST_VALUES = 200
MOST_COLUMNS = 200
MOST_ERRORS = 50

Text = Annotated[str, Field(max_length=1_000_000)]
Cell = Text | float | Annotated[list[Text | float], Field(max_length=MOST_VALUES)] | None

REMEDIES = {
    "id is in the catalogue already": "describe it anew with PUT /v1/items/ID",
    "id is not in the catalogue": "add it with POST /v1/items",
    "id stands in an earlier row, which is kept": "say it once",
    "not a finite number": "give a number, or leave it out",
    "empty id": "give it an id",
}
"""By reason why a cell or row cannot be taken, what to do."""


class RefusedError(WeftError):
    """Rows that cannot be taken; of the request nothing was."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        first = "; ".join(f"row {one['row']}, {one['field']}: {one['detail']}" for one in errors[:5])
        super().__init__(f"{first}; nothing of the request was taken")
        self.errors = errors[:MOST_ERRORS]


class Edge(BaseModel):
    """A triple with the item as its head."""

    model_config = ConfigDict(extra="forbid")

    relation: str = Field(min_length=1, max_length=models.LONGEST_ID, examples=["accessory of"])
    to: str = Field(
        min_length=1,
        max_length=models.LONGEST_ID,
        description="An item id, the id of a node (brand:nike), or a name.",
        examples=["p0001"],
    )


class Named(BaseModel):
    """What is said of an item; further keys are columns of the catalogue."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, Cell] = Field(init=False)

    title: Annotated[str, Field(max_length=10_000)] | None = Field(None, examples=["Nike Vista white shoes"])
    edges: Annotated[list[Edge], Field(max_length=MOST_EDGES)] | None = None


class Row(Named):
    """An item."""

    item_id: models.Id = Field(examples=["n1"])


class ItemTold(models.Item):
    """What the catalogue knows of an item."""

    text: str = Field(description="The columns of text, a line each.")
    columns: dict[str, Any] = Field(
        description="Brand, category, attributes, numbers, and texts and keys of further modalities.",
        examples=[{"brand": "Nike", "price": 899.0}],
    )
    edges: list[Edge] = Field(description="The triples of your own that it is the head of.")
    events: int = Field(description="How many it has.", examples=[31])
    learned: bool = Field(description="Whether it had events when the artefact was built; else it is a new item.")


def content(engine: Engine, rows: Sequence[Row], kind: Kind) -> dict[str, Any]:
    """The content of a change that adds these rows, or describes them anew. Raises RefusedError naming the bad ones."""
    config = engine.config
    errors = [error for number, row in enumerate(rows, start=1) for error in _columns(number, row, config)]
    plain = [_row(row, config) for row in rows]
    edges = {row.item_id: [(edge.relation, edge.to) for edge in row.edges] for row in rows if row.edges is not None}
    if kind == "add":
        edges = {row.item_id: [] for row in rows} | edges
    errors += [_error(*one) for one in _targets(engine, rows)]
    rejects = engine.check_items(plain, edges, new=kind == "add").sort("line", maintain_order=True)
    errors += [_error(*one) for one in rejects.select("line", "field", "reason", "value").iter_rows()]
    if errors:
        raise RefusedError(sorted(errors, key=lambda one: one["row"]))
    return {"rows": plain, "edges": edges}


def _usable(config: Config) -> list[str]:
    """Columns that a row may have beside id and title."""
    data = config.data
    named = [*data.text, *(name for name in (data.brand, data.category) if name), *data.attributes, *data.numeric]
    return [name for name in dict.fromkeys([*named, *_cells(config)]) if name not in (data.item, data.title)]


def _cells(config: Config, files: bool = False) -> dict[str, str]:
    """Columns of further modalities that hold texts and keys, or else `files`, with the names of those."""
    found = config.modalities.items()
    return {one.column or name: name for name, one in found if of_files(one.encoder) == files}


def _row(row: Row, config: Config) -> dict[str, Any]:
    """The row as the tables of this catalogue have it. A cell of a modality that is not said is said to be empty."""
    data, given, usable = config.data, row.model_extra or {}, _usable(config)
    extra = {name: value for name, value in given.items() if value is not None and name in usable}
    title = {} if row.title is None else {data.title: row.title}
    return dict.fromkeys(_cells(config)) | {data.item: row.item_id} | title | extra


def _columns(number: int, row: Row, config: Config) -> list[dict[str, Any]]:
    """What is wrong with the names of a row's columns."""
    data, usable, given = config.data, _usable(config), list(row.model_extra or {})
    if len(given) > MOST_COLUMNS:
        return [_error(number, "", f"more than {MOST_COLUMNS} columns", "")]
    errors = []
    for name in (name for name in given if name not in usable):
        close = get_close_matches(name, usable, n=1)
        reason = "a picture has a way of its own" if name == data.image else "no such column in this catalogue"
        remedy = f"did you mean {close[0]!r}?" if close else f"the columns are {', '.join(usable)}"
        if name == data.image:
            remedy = "send it with PUT /v1/items/ID/image"
        elif name in _cells(config, files=True):
            reason, remedy = "no path is taken from a request", "`weft items change` on the artefact reads this file"
        errors.append(_error(number, name, reason, str(row.model_extra and row.model_extra[name]), remedy))
    return errors


def _targets(engine: Engine, rows: Sequence[Row]) -> list[tuple[int, str, str, str]]:
    """Edges to an `item:ID` that is nowhere, as _error takes them."""
    there = engine.state.lookup
    new = {row.item_id for row in rows}
    found = []
    for number, row in enumerate(rows, start=1):
        for edge in row.edges or ():
            item = edge.to.removeprefix("item:")
            if item != edge.to and item not in new and not there.has(item):
                found.append((number, "edges", "no such item", edge.to))
    return found


def _error(row: int, field: str, reason: str, value: str | None, remedy: str = "") -> dict[str, Any]:
    field = "edges" if field in ("head", "relation", "tail") else field
    remedy = remedy or REMEDIES.get(reason, "correct it, or leave it out")
    detail = f"{reason} ({(value or '')[:100]!r}); {remedy}"
    return {"at": f"body.{row - 1}.{field}", "row": row, "field": field, "detail": detail, "remedy": remedy}


def told(engine: Engine, item: str) -> dict[str, Any]:
    """What `ItemTold` has beside what lists show. Raises UnknownIdError for an item that is not there."""
    state = engine.state
    at = state.lookup.shown(item)
    row = state.catalogue.items.row(at, named=True)
    mine = state.catalogue.triples.filter(pl.col("head").is_in([item, f"item:{item}"]))
    columns = {name: row[name] for name in described(list(row))}
    texts = _cells(engine.config).items()
    cells = {column: row[f"{CELLS}{name}"] for column, name in texts if column != engine.config.data.item}
    return {
        "text": row["text"],
        "columns": {name: value for name, value in (columns | cells).items() if value not in (None, [])},
        "edges": [Edge(relation=relation, to=to) for _, relation, to in mine.iter_rows()],
        "events": int(state.lookup.popularity[at]),
        "learned": bool(state.ranker.known[at]),
    }
