"""The service: lists, search, explanations, events and the graph over HTTP, and a console for people."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from engine.engine import Engine
from engine.service import problems
from engine.service.api.catalogue import catalogue
from engine.service.api.events import events as done
from engine.service.api.graph import questions
from engine.service.api.helps import helps
from engine.service.api.items import items
from engine.service.api.lists import lists
from engine.service.api.models import Health
from engine.service.api.pictures import pictures
from engine.service.api.rules import rules
from engine.service.api.upload import brings_picture, by_picture
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
    for routes in (lists, by_picture, helps, items, done, users, pictures, catalogue, rules):
        app.include_router(routes(live))
    if live.store is not None:
        app.include_router(questions(live))
    page, policy = _console()

    @app.get("/", include_in_schema=False)
    def console() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"})

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
    largest = LARGEST_UPLOAD if brings_picture(request.method, request.url.path) else LARGEST_BODY
    if not size.isdecimal() or int(size[:20]) > largest:
        return problems.problem(413, f"a body may have at most {largest} bytes")
    response = await answer(request)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _console() -> tuple[str, str]:
    """The page, and the policy that lets it run its own script and style and nothing else."""
    page = files("engine.service").joinpath("console.html").read_text(encoding="utf-8")
    script, style = (_hash(page, tag) for tag in ("script", "style"))
    policy = (
        f"default-src 'none'; script-src {script}; style-src {style}; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page, policy


def _hash(page: str, tag: str) -> str:
    found = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    assert found is not None
    return f"'sha256-{base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()}'"
