"""The service: lists, search, explanations, events and the graph over HTTP, and a console for people."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware

from engine.engine import Engine
from engine.service import problems, scopes, static, tracing
from engine.service.api.artefact import artefact as switching
from engine.service.api.catalogue import catalogue
from engine.service.api.evaluation import evaluation
from engine.service.api.events import events as done
from engine.service.api.experiments import experiments
from engine.service.api.graph import nodes, questions
from engine.service.api.health import health
from engine.service.api.helps import helps
from engine.service.api.items import items
from engine.service.api.lists import lists
from engine.service.api.pictures import pictures
from engine.service.api.rules import rules
from engine.service.api.shadow import shadow
from engine.service.api.upload import by_picture
from engine.service.api.users import users
from engine.service.batch import Together
from engine.service.eventlog import EventLog
from engine.service.experiments import Experiments, read
from engine.service.guard import Guard
from engine.service.live import Live
from engine.service.metrics import Metrics
from engine.service.observe import REQUEST_ID, Observe
from engine.service.running import Running
from engine.service.settings import Settings
from engine.service.shadow import Shadow
from engine.service.warming import Warming

if TYPE_CHECKING:
    from engine.service.stream import Stream


def create(engine: Engine, events: Path, artefact: Path | None = None, settings: Settings | None = None) -> FastAPI:
    """The application over an engine and a log of events, a file that is made where there is none.

    With the folder of its artefact, the graph in it can be queried, read-only, and users are erased there as well.
    Raises EventLogError where the log cannot be opened, ConfigError for a file of experiments with a mistake, and
    WeftError where spans are wanted and OpenTelemetry is not installed.
    """
    settings = settings or Settings()
    wanted = Experiments() if settings.experiments is None else read(settings.experiments)
    tracer = tracing.provider() if settings.otel else None
    log = EventLog(events)
    running = Running(wanted, log)
    live = Live(engine, log, artefact)
    together = Together(live)
    warming = Warming(live) if settings.warm else None
    metrics = Metrics()
    metrics.watch(live, log, artefact)
    stream = _stream(live, settings, metrics)
    behind = Shadow(live, log, metrics.agreement, settings.warm)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if warming is not None:
            warming.start()
        behind.start()
        if stream is not None:
            stream.start()
        yield
        if stream is not None:
            await run_in_threadpool(stream.stop)
        await run_in_threadpool(behind.close)
        if warming is not None:
            await run_in_threadpool(warming.stop)
        await run_in_threadpool(together.close)
        await run_in_threadpool(running.close)
        live.close()
        if tracer is not None:
            await run_in_threadpool(tracer.shutdown)

    app = FastAPI(
        title="Weft",
        description="Recommendations and search from words, pictures, relations and history. Errors are problem "
        "details (RFC 9457).",
        lifespan=lifespan,
        telemetry=tracing.settings(tracer),
        responses=problems.RESPONSES,
        # The pages that FastAPI offers load scripts from elsewhere; the description itself is at /openapi.json.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # to where the Host header says, and with no body that says why
    )
    problems.install(app)
    _surround(app, settings, metrics)
    app.include_router(lists(live, together, running, behind))
    app.include_router(by_picture(live, running))
    for routes in (helps, items, done, users, pictures, catalogue, nodes, rules, switching):
        app.include_router(routes(live))
    if live.store is not None:
        app.include_router(questions(live))
    app.include_router(health(live, log, warming, metrics))
    app.include_router(evaluation(artefact))
    app.include_router(experiments(running))
    app.include_router(shadow(behind, metrics.agreement))
    static.install(app)

    if settings.keys is not None:
        scopes.describe(app.openapi())
    return app


def _stream(live: Live, settings: Settings, metrics: Metrics) -> "Stream | None":
    if settings.redis is None:
        return None
    from engine.service.stream import Stream  # the client of Redis is an extra

    return Stream(live, settings.redis.get_secret_value(), settings.redis_stream, metrics)


def _surround(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """Put the layers around the routes: the guard, then what answers pages of other origins, then who notes it all."""
    app.add_middleware(Guard, settings=settings)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", REQUEST_ID],
            expose_headers=["Retry-After", REQUEST_ID],
        )
    app.add_middleware(Observe, metrics=metrics, shared=bool(settings.origins))
