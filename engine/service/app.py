"""The service: lists, search, explanations, events and the graph over HTTP, and a console for people."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response

from engine.engine import Engine
from engine.service import problems, static
from engine.service.api.events import events as done
from engine.service.api.graph import questions
from engine.service.api.helps import helps
from engine.service.api.items import items
from engine.service.api.lists import lists
from engine.service.api.models import Health
from engine.service.api.upload import SEARCH_BY_PICTURE, by_picture
from engine.service.api.users import users
from engine.service.eventlog import EventLog
from engine.service.live import Live

LARGEST_BODY = 1 << 20
"""Bytes of a request."""
LARGEST_UPLOAD = 16 << 20
"""Bytes of a request that brings a picture: what a camera makes, and no more than is held at once."""


def create(engine: Engine, events: Path, artefact: Path | None = None) -> FastAPI:
    """The application over an engine and a log of events, a file that is made where there is none.

    With the folder of its artefact, the graph in it can be queried, read-only, and users are erased there as well.
    Raises EventLogError where the log cannot be opened.
    """
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
    app.middleware("http")(_guarded)
    for routes in (lists, by_picture, helps, items, done, users):
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

    return app


async def _guarded(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse bodies that are too large or of unknown size; forbid browsers to guess what an answer is."""
    size = request.headers.get("content-length", "0")
    if "transfer-encoding" in request.headers:
        return problems.problem(411, "the size of a body must be told beforehand")
    largest = LARGEST_UPLOAD if request.method == "POST" and request.url.path == SEARCH_BY_PICTURE else LARGEST_BODY
    if not size.isdecimal() or int(size[:20]) > largest:
        return problems.problem(413, f"a body may have at most {largest} bytes")
    response = await answer(request)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
