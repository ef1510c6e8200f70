"""The console over HTTP: files that a browser runs as they lie there, with nothing from elsewhere."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
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


def install(app: FastAPI, artefact: Path | None) -> None:
    """Show the console at /, and there the evaluation of this artefact if there is one."""

    @app.get("/console/report.json", include_in_schema=False)
    def report() -> Response:
        """What `weft evaluate` or `weft demo` wrote beside the artefact; nothing (204) where neither did."""
        for path in [] if artefact is None else reports(artefact):
            if path.is_file():
                return FileResponse(path, media_type="application/json", headers=HEADERS)
        return Response(status_code=204, headers=HEADERS)

    console = Console(directory=FOLDER)
    app.mount("/console", console)

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return await console.get_response("index.html", request.scope)


def reports(artefact: Path) -> list[Path]:
    """Where a report of this artefact may be: that of `weft evaluate`, then that of `weft demo`."""
    whole = artefact.resolve()
    return [whole.with_name(f"{whole.name}.report") / "report.json", whole.with_name("report") / "report.json"]
