"""Which artefact is served, and how another takes its place while others ask."""

from fastapi import APIRouter, Request

from engine.service.api import models
from engine.service.api.changed import caller
from engine.service.live import Live


def artefact(live: Live) -> APIRouter:
    """The artefact of the service."""
    router = APIRouter(prefix="/v1", tags=["service"])

    @router.get("/artefact")
    def served() -> models.Served:
        """What is served, and what could be put in its place."""
        name = None if live.artefact is None else live.artefact.name
        switches = [
            models.Switched(**change.content, who=change.who, time=change.time)
            for _, change in live.changes("artefact")
        ]
        others = [one for one in live.artefacts() if one != name]
        return models.Served(name=name, others=others, switches=switches[::-1])

    @router.post("/artefact")
    def switch(given: models.Switch, request: Request) -> models.Served:
        """Serve another artefact from here on, with all changes and events of the log; roll back by the name before.

        It is opened and checked aside: no request waits or fails, other processes follow, and so does a later start.
        Where it cannot be opened everything stays as it is.
        """
        live.switch(given.name, caller(request))
        return served()

    return router
