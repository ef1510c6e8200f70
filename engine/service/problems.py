"""Errors as problem details (RFC 9457): one JSON object with title, status and detail, and never a traceback."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from engine.errors import UnknownIdError, WeftError
from engine.service.eventlog import EventLogError
from graph import GraphError

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["about:blank"]},
        "title": {"type": "string", "examples": ["Not Found"]},
        "status": {"type": "integer", "examples": [404]},
        "detail": {"type": "string", "examples": ["item 'p9' is not in the catalogue"]},
        "errors": {
            "type": "array",
            "description": "With 422: what is wrong with which part of the request.",
            "items": {
                "type": "object",
                "properties": {"at": {"type": "string", "examples": ["query.n"]}, "detail": {"type": "string"}},
            },
        },
    },
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": words, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
    for status, words in (
        (404, "No such item or user"),
        (422, "The request cannot be understood"),
        ("default", "Refused, or cannot be answered now"),
    )
}
"""For the description of the interface."""


def problem(status: int, detail: str, **more: Any) -> JSONResponse:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, media_type=MEDIA_TYPE)


def of(error: HTTPException) -> JSONResponse:
    answer = problem(error.status_code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def broken() -> JSONResponse:
    return problem(500, "an error of the service; its log has the details")


def install(app: FastAPI) -> None:
    """Answer every error of the engine and of the request by a problem; those of the code are for `observe`."""

    @app.exception_handler(UnknownIdError)
    def unknown(request: Request, error: UnknownIdError) -> JSONResponse:
        return problem(404, str(error))

    @app.exception_handler(EventLogError)
    def full(request: Request, error: EventLogError) -> JSONResponse:
        log.error("%s", error)
        return problem(503, str(error))

    @app.exception_handler(WeftError)
    @app.exception_handler(GraphError)
    def refused(request: Request, error: Exception) -> JSONResponse:
        return problem(422, str(error))

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [{"at": ".".join(map(str, one["loc"])), "detail": one["msg"]} for one in error.errors()]
        detail = "; ".join(f"{one['at']}: {one['detail']}" for one in errors[:5])
        return problem(422, detail, errors=errors[:50])

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> JSONResponse:
        return of(error)
