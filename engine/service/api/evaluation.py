"""The evaluation of what is served, as it was measured when it was built or asked for."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "report.json as it was written", "content": {"application/json": {}}},
    204: {"description": "Nobody has measured it: `weft evaluate ARTEFACT` does"},
}


def evaluation(artefact: Path | None) -> APIRouter:
    """What `weft evaluate` or `weft demo` wrote beside the artefact."""
    router = APIRouter(prefix="/v1", tags=["service"])

    @router.get("/evaluation", response_class=FileResponse, responses=_ANSWERS)
    def evaluation() -> Response:
        """The report of an evaluation: rankers and their metrics, gates, groups of users, chances."""
        for path in [] if artefact is None else reports(artefact):
            if path.is_file():
                return FileResponse(path, media_type="application/json")
        return Response(status_code=204)

    return router


def reports(artefact: Path) -> list[Path]:
    """Where a report of this artefact may be: that of `weft evaluate`, then that of `weft demo`."""
    whole = artefact.resolve()
    return [whole.with_name(f"{whole.name}.report") / "report.json", whole.with_name("report") / "report.json"]
