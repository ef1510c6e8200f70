"""Is it up, is it ready, and how is it doing."""

import threading
import time

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException

from engine.service.api import models
from engine.service.eventlog import EventLog, EventLogError
from engine.service.live import Live
from engine.service.metrics import Metrics
from engine.service.warming import Warming

FRESH = 2.0
"""Seconds for which a look at the disk holds: probes cost it one write in this time."""


def health(live: Live, log: EventLog, warming: Warming | None, metrics: Metrics) -> APIRouter:
    """For a supervisor that starts, watches and counts."""
    router = APIRouter(tags=["service"])
    disk = _Disk(log)

    @router.get("/healthz")
    def healthz() -> models.Health:
        """Is the service up, and what does it serve?"""
        state, graph = live.engine.state, live.store is not None
        return models.Health(status="ok", items=state.items, events=state.catalogue.interactions.height, graph=graph)

    @router.get("/readyz")
    def readyz() -> models.Ready:
        """Should requests be sent here? 503 while it warms up, and while events cannot be kept."""
        if warming is not None and not warming.done:
            raise HTTPException(503, "warming up", {"Retry-After": "5"})
        disk.check()
        return models.Ready(status="ready")

    @router.get("/metrics", response_class=Response, responses={200: {"content": {CONTENT_TYPE_LATEST: {}}}})
    def told() -> Response:
        """Counts for Prometheus: requests by route and status, how long they took, items, users, events, memory."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router


class _Disk:
    """Whether the log can be written, looked at once in a while however often it is asked."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._looking = threading.Lock()
        self._looked = -FRESH
        self._error: EventLogError | None = None

    def check(self) -> None:
        """Raises EventLogError where events could not be kept."""
        with self._looking:
            if time.monotonic() - self._looked >= FRESH:
                try:
                    self._error = None
                    self._log.check()
                except EventLogError as error:
                    self._error = error
                self._looked = time.monotonic()
            if self._error is not None:
                raise EventLogError(str(self._error))
