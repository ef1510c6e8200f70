"""The service: lists, search, explanations, events and the graph over HTTP, and a console for people."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from engine.engine import Engine
from engine.service import problems, scopes, static
from engine.service.api.catalogue import catalogue
from engine.service.api.events import events as done
from engine.service.api.graph import nodes, questions
from engine.service.api.helps import helps
from engine.service.api.items import items
from engine.service.api.lists import lists
from engine.service.api.models import Health
from engine.service.api.pictures import pictures
from engine.service.api.upload import by_picture
from engine.service.api.users import users
from engine.service.eventlog import EventLog
from engine.service.guard import Guard
from engine.service.live import Live
from engine.service.settings import Settings


def create(engine: Engine, events: Path, artefact: Path | None = None, settings: Settings | None = None) -> FastAPI:
    """The application over an engine and a log of events, a file that is made where there is none.

    With the folder of its artefact, the graph in it can be queried, read-only, and users are erased there as well.
    Raises EventLogError where the log cannot be opened.
    """
    settings = settings or Settings()
    live = Live(engine, EventLog(events), artefact)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        live.close()

    app = FastAPI(
        title="Weft",
        description="Recommendations and search from words, pictures, relations and history. Errors are problem "
        "details (RFC 9457).",
        lifespan=lifespan,
        responses=problems.RESPONSES,
        # The pages that FastAPI offers load scripts from elsewhere; the description itself is at /openapi.json.
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    _guard(app, settings)
    for routes in (lists, by_picture, helps, items, done, users, pictures, catalogue, nodes):
        app.include_router(routes(live))
    if live.store is not None:
        app.include_router(questions(live))
    static.install(app, artefact)

    @app.get("/healthz", tags=["service"])
    def healthz() -> Health:
        """Is the service up, and what does it serve?"""
        tables = live.engine.catalogue
        return Health(
            status="ok", items=tables.items.height, events=tables.interactions.height, graph=live.store is not None
        )

    if settings.keys is not None:
        scopes.describe(app.openapi())
    return app


def _guard(app: FastAPI, settings: Settings) -> None:
    """Put the guard before the routes, and before it what answers pages of other origins, if any may ask."""
    app.add_middleware(Guard, settings=settings)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            expose_headers=["Retry-After"],
        )
