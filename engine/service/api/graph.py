"""The knowledge graph: what is around a node, and questions in Cypher, which only read."""

import threading
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException

from engine.service.api import models
from engine.service.live import Live
from graph import around

GRAPH_SECONDS = 5
AT_ONCE = 4
"""Questions answered at the same time: each may take all its seconds, and lists should not wait for them."""
WAIT = 1
"""Seconds that one waits for another to end."""
Node = Annotated[
    str,
    Query(
        min_length=1,
        max_length=models.LONGEST_ID + 100,
        description="A node; that of an item reads item:ID.",
        examples=["item:p0001"],
    ),
]


def nodes(live: Live) -> APIRouter:
    """The graph as the engine has it now, with items that came later."""
    router = APIRouter(prefix="/v1/graph", tags=["graph"])

    @router.get("/neighbours")
    def neighbours(
        node: Node,
        relation: Annotated[
            str | None, Query(min_length=1, max_length=200, description="Of this relation only.", examples=["MADE_BY"])
        ] = None,
        n: Annotated[int, Query(ge=1, le=1000, description="How many.")] = 50,
        skip: Annotated[int, Query(ge=0, le=10_000_000, description="How many are left out before.")] = 0,
    ) -> models.Around:
        """What is directly around a node; neighbours with few edges first, for they tell most."""
        found = around.around(live.engine.graph, node, relation, n, skip)
        return models.Around(
            node=models.Node(**found.node),
            relations=found.relations,
            neighbours=[models.Neighbour(**row) for row in found.neighbours.iter_rows(named=True)],
        )

    @router.get("/nodes")
    def called(
        q: Annotated[str, Query(min_length=1, max_length=500, description="Letters.", examples=["nike"])],
        n: Annotated[int, Query(ge=1, le=1000, description="How many.")] = 20,
    ) -> models.NodeList:
        """Nodes whose name or id has these letters in it, the shortest names first."""
        rows = around.called(live.engine.graph, q, n).iter_rows(named=True)
        return models.NodeList(nodes=[models.Node(**row) for row in rows])

    return router


def questions(live: Live) -> APIRouter:
    """The graph in the store of the artefact, opened read-only."""
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
