"""What users do."""

from typing import Annotated

from fastapi import APIRouter, Body, Header

from engine.service.api import models
from engine.service.live import Live


def events(live: Live) -> APIRouter:
    """What users do."""
    router = APIRouter(prefix="/v1", tags=["events"])

    @router.post("/events", status_code=201)
    def add(
        given: Annotated[
            models.Event | Annotated[list[models.Event], Body(max_length=models.MOST_EVENTS)],
            Body(
                description="One event, or a list.",
                openapi_examples={
                    "one": {"value": {"user_id": "u0001", "item_id": "p0001"}},
                    "many": {"value": [{"user_id": "u0001", "item_id": "p0001", "value": 3, "time": 1760000000}]},
                },
            ),
        ],
        idempotency_key: Annotated[
            str | None,
            Header(
                min_length=1,
                max_length=models.LONGEST_ID,
                description="A name for this request, such as a random UUID. Sent again with the same events, for want "
                "of an answer, it takes none twice; with other events it is an error.",
            ),
        ] = None,
    ) -> models.Taken:
        """Take in one event or many; the next list knows of them.

        They are on the disk, in the service's log, when the answer comes, and there when the service starts again.
        All events of a request are taken or none: none where an item is not in the catalogue.
        """
        return models.Taken(events=live.add_events(given if isinstance(given, list) else [given], idempotency_key))

    return router
