"""The knowledge graph, opened read-only."""

import threading

from fastapi import APIRouter
from starlette.exceptions import HTTPException

from engine.service.api import models
from engine.service.live import Live

GRAPH_SECONDS = 5
AT_ONCE = 4
"""Questions answered at the same time: each may take all its seconds, and lists should not wait for them."""
WAIT = 1
"""Seconds that one waits for another to end."""


def questions(live: Live) -> APIRouter:
    """The knowledge graph, opened read-only."""
    router = APIRouter(prefix="/v1/graph", tags=["graph"])
    asking = threading.Semaphore(AT_ONCE)

    @router.post("/query")
    def query(question: models.Question) -> models.Answer:
        """Ask the graph in Cypher. Only reading is done, for at most five seconds; values belong in parameters."""
        store = live.store
        assert store is not None  # once there, always there
        if not asking.acquire(timeout=WAIT):
            raise HTTPException(503, f"{AT_ONCE} questions are being answered", {"Retry-After": str(GRAPH_SECONDS)})
        try:
            found = store.query(question.query, question.parameters, timeout=GRAPH_SECONDS, limit=question.limit)
        finally:
            asking.release()
        return models.Answer(columns=found.columns, rows=[list(row) for row in found.iter_rows()])

    return router
