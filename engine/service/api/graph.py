"""The knowledge graph, opened read-only."""

from fastapi import APIRouter

from engine.service.api import models
from engine.service.live import Live

GRAPH_SECONDS = 5


def questions(live: Live) -> APIRouter:
    """The knowledge graph, opened read-only."""
    router = APIRouter(prefix="/v1/graph", tags=["graph"])

    @router.post("/query")
    def query(question: models.Question) -> models.Answer:
        """Ask the graph in Cypher. Only reading is done, for at most five seconds; values belong in parameters."""
        store = live.store
        assert store is not None  # once there, always there
        found = store.query(question.query, question.parameters, timeout=GRAPH_SECONDS, limit=question.limit)
        return models.Answer(columns=found.columns, rows=[list(row) for row in found.iter_rows()])

    return router
