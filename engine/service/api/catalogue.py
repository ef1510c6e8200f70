"""The catalogue over HTTP: items are added, described anew, removed and told, while others search."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse

from engine.engine import Engine
from engine.service import changes
from engine.service.api import models, said
from engine.service.api.asked import Key
from engine.service.api.changed import Item, changed
from engine.service.api.said import ItemTold, Named, Row
from engine.service.api.telling import shown
from engine.service.live import Live

MOST_ROWS = 1000
"""Items of one request."""


def catalogue(live: Live) -> APIRouter:
    """Items, while others search."""
    router = APIRouter(prefix="/v1", tags=["catalogue"])

    def described(
        request: Request, key: str | None, rows: Sequence[Row], kind: changes.Kind, status: int
    ) -> JSONResponse:
        def wanted(engine: Engine) -> tuple[dict[str, Any], int]:
            return said.content(engine, rows, kind), len(rows)

        sent = "\n".join(row.model_dump_json() for row in rows)
        return changed(live, request, key, sent, wanted, kind, status)

    @router.post("/items", status_code=201, response_model=models.Changed)
    def add(
        request: Request,
        given: Annotated[
            Row | Annotated[list[Row], Body(min_length=1, max_length=MOST_ROWS)],
            Body(
                description="One item, or a list: `item_id`, `title`, the columns that the catalogue was built with "
                "under their own names, and `edges`.",
                openapi_examples={
                    "one": {"value": {"item_id": "n1", "title": "Nike Vista white shoes", "brand": "Nike"}},
                    "many": {
                        "value": [
                            {
                                "item_id": "n2",
                                "title": "Sun hat",
                                "colour": ["white"],
                                "price": 99,
                                "edges": [{"relation": "accessory of", "to": "n1"}],
                            }
                        ]
                    },
                },
            ),
        ],
        idempotency_key: Key = None,
    ) -> Any:
        """Add items; the next list has them, and the service when it starts again.

        All items of a request are taken or none. Bad rows are named in `errors`, with field, reason and remedy.
        """
        return described(request, idempotency_key, given if isinstance(given, list) else [given], "add", 201)

    @router.put("/items/{item:path}", response_model=models.Changed)
    def describe(request: Request, item: Item, given: Named, idempotency_key: Key = None) -> Any:
        """Describe an item anew: what is not said it has no more, but for its picture and, without `edges`, its edges.

        What histories taught of it stays.
        """
        row = Row.model_validate({"item_id": item} | given.model_dump())
        return described(request, idempotency_key, [row], "change", 200)

    @router.delete("/items/{item:path}", response_model=models.Changed)
    def remove(request: Request, item: Item, idempotency_key: Key = None) -> Any:
        """Take an item out of every list, search and answer; its events still tell what people like."""

        def wanted(engine: Engine) -> tuple[dict[str, Any], int]:
            engine.state.lookup.shown(item)
            return {"ids": [item]}, 1

        return changed(live, request, idempotency_key, "", wanted, "remove")

    @router.get("/items/{item:path}")
    def told(item: Item) -> ItemTold:
        """What the catalogue knows of an item, with all changes that were acknowledged before."""
        engine = live.settle()
        return ItemTold(**shown(live.shelf, item) if item in live.shelf.titles else {}, **said.told(engine, item))

    return router
