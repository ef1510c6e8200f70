"""Which artefact is served, and how another takes its place while others ask."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from engine.service.api import models
from engine.service.api.changed import caller
from engine.service.live import Live


class Switch(BaseModel):
    """Another artefact is wanted."""

    model_config = ConfigDict(extra="forbid")

    name: models.Id = Field(description="A folder beside the one that is served.", examples=["shop-2"])


class Switched(BaseModel):
    """That another artefact took the place of the one before."""

    before: str = Field(examples=["shop"])
    after: str = Field(examples=["shop-2"])
    who: str = Field(description="The name of the API key, or local.", examples=["local"])
    time: int = Field(description="Unix seconds.", examples=[1760000000])


class Served(BaseModel):
    """What is served."""

    name: str | None = Field(description="Null for an engine without an artefact.", examples=["shop"])
    others: list[str] = Field(description="What could be put in its place.", examples=[["shop-2"]])
    switches: list[Switched] = Field(description="What took whose place, latest first.")


def artefact(live: Live) -> APIRouter:
    """The artefact of the service."""
    router = APIRouter(prefix="/v1", tags=["service"])

    @router.get("/artefact")
    def served() -> Served:
        """What is served, and what could be put in its place."""
        name = None if live.artefact is None else live.artefact.name
        switches = [
            Switched(**change.content, who=change.who, time=change.time) for _, change in live.changes("artefact")
        ]
        others = [one for one in live.artefacts() if one != name]
        return Served(name=name, others=others, switches=switches[::-1])

    @router.post("/artefact")
    def switch(given: Switch, request: Request) -> Served:
        """Serve another artefact from here on, with all changes and events of the log; roll back by the name before.

        It is opened and checked aside: no request waits or fails, other processes follow, and so does a later start.
        Where it cannot be opened everything stays as it is.
        """
        live.switch(given.name, caller(request))
        return served()

    return router
