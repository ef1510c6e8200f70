"""What all changes over HTTP have in common: who makes them, and that each counts once."""

import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Path as InPath
from fastapi import Request
from fastapi.responses import JSONResponse

from engine.engine import Engine
from engine.service import changes
from engine.service.api import models, said
from engine.service.changes import Change
from engine.service.live import Live
from engine.service.problems import problem

Item = Annotated[str, InPath(min_length=1, max_length=models.LONGEST_ID, description="An item id.", examples=["p0001"])]


def caller(request: Request) -> str:
    """Who asks: the name of the API key, where there are keys."""
    return str(getattr(request.state, "caller", None) or "local")


def as_sent(request: Request, body: str) -> str:
    """By what a request is known again."""
    return f"{request.method} {request.url.path}\n{body}"


def changed(
    live: Live,
    request: Request,
    key: str | None,
    body: str,
    wanted: Callable[[Engine], tuple[dict[str, Any], int]],
    kind: changes.Kind,
    status: int = 200,
) -> JSONResponse:
    """Make a change of items: `wanted` says of an engine the content to log, and how many items that is."""
    count = 0

    def made(engine: Engine) -> Change:
        nonlocal count
        content, count = wanted(engine)
        return Change(kind, content, caller(request), int(time.time()))

    try:
        new = live.change(made, key, as_sent(request, body))
    except said.RefusedError as error:
        return problem(422, str(error), errors=error.errors)
    return JSONResponse({"items": count if new else 0}, status)
