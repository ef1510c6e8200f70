"""What users do."""

from typing import Annotated

from fastapi import APIRouter, Body

from engine.service.api import models
from engine.service.api.asked import Key
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
        idempotency_key: Key = None,
    ) -> models.Taken:
        """Take in one event or many; the next list knows of them.

        They are on the disk, in the service's log, when the answer comes, and there when the service starts again.
        All events of a request are taken or none: none where an item is not in the catalogue.
        """
        return models.Taken(events=live.add_events(given if isinstance(given, list) else [given], idempotency_key))

    @router.post("/feedback", status_code=201)
    def feedback(
        given: Annotated[
            models.Reaction | Annotated[list[models.Reaction], Body(max_length=models.MOST_EVENTS)],
            Body(
                description="One reaction, or a list.",
                openapi_examples={
                    "one": {"value": {"user_id": "u0001", "item_id": "p0001", "kind": "dislike"}},
                    "many": {"value": [{"user_id": "u0001", "item_id": "p0001", "kind": "seen"}]},
                },
            ),
        ],
        idempotency_key: Key = None,
    ) -> models.Taken:
        """Take in what users say against items, and what they were shown; their next list obeys it.

        Kept as events are, with the same promises. Nobody else's list changes, and searches find what is hidden.
        """
        return models.Taken(events=live.add_events(given if isinstance(given, list) else [given], idempotency_key))

    return router
