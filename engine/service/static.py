"""The console over HTTP: files that a browser runs as they lie there, with nothing from elsewhere."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

FOLDER = Path(__file__).with_name("console")
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
"""Of this service, and nothing written into the page: text of an item that looks like a script stays text."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    # A browser asks each time whether a file is still the same, and gets 304 without a body: no old page stays.
    "Cache-Control": "no-cache",
}


class Console(StaticFiles):
    """Files of the console, each with its ETag."""

    def file_response(self, *given: Any, **named: Any) -> Response:
        response = super().file_response(*given, **named)
        response.headers.update(HEADERS)
        return response


def install(app: FastAPI) -> None:
    """Show the console at /."""
    console = Console(directory=FOLDER)
    app.mount("/console", console)

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return await console.get_response("index.html", request.scope)
