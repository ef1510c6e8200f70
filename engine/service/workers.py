"""Several processes that serve one artefact and one log of events, at one address.

All are forked from one process that has loaded what they have in common (`preloaded`), and map the tensors of the
artefact from the same files, so that both are in memory once. The engine itself each opens: polars cannot be forked.
Events that one of them takes are in the log, from where the others take them before they answer.
"""

import multiprocessing
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from threadpoolctl import threadpool_limits
from uvicorn._subprocess import subprocess_started
from uvicorn.supervisors import Multiprocess, multiprocess

from engine.service import logs
from engine.service.settings import TOGETHER, Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

ARTEFACT, EVENTS, SETTINGS = "WEFT_SERVE_ARTEFACT", "WEFT_SERVE_EVENTS", "WEFT_SERVE_SETTINGS"
"""Variables that tell a worker what to serve, and how; the process that forks it has them too."""
SLOW_START = 60
"""Seconds without an answer after which a worker is taken for hung and replaced; opening an artefact takes some."""

DRAIN = 30
"""Seconds that requests under way have to end when the service is told to stop."""
SERVER: dict[str, Any] = {
    "http": "h11",  # httptools, which it takes where it is installed, lets the headers of a request have any length
    "log_config": None,  # its lines go where those of the service go
    "access_log": False,
    "server_header": False,
    "timeout_graceful_shutdown": DRAIN,
}
"""Of uvicorn, whether there is one process or more."""


def run(artefact: Path, events: Path, settings: Settings, listening: socket.socket, workers: int) -> None:
    """Serve until Ctrl-C; a worker that ends is replaced."""
    os.environ |= {ARTEFACT: str(artefact), EVENTS: str(events), SETTINGS: settings.model_dump_json()}
    logs.install(settings.log_format)
    config = uvicorn.Config(
        f"{__name__}:worker", factory=True, workers=workers, timeout_worker_healthcheck=SLOW_START, **SERVER
    )
    with tempfile.TemporaryDirectory(prefix="weft-metrics-") as counts:
        os.environ[TOGETHER] = counts  # the library of Prometheus looks for it when it is imported
        multiprocess.get_subprocess = _forked  # type: ignore[attr-defined]  # its own starts each from nothing
        Multiprocess(config, [listening]).run()


def _forked(config: uvicorn.Config, target: Callable[..., None], sockets: list[socket.socket]) -> Any:
    """A worker, not started yet, as uvicorn's `get_subprocess` gives one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["engine.service.preloaded"])
    given = {"config": config, "target": target, "sockets": sockets, "stdin_fileno": None}
    return context.Process(target=subprocess_started, kwargs=given)


def _share_the_cores() -> None:
    """Have each product worked out by the thread that wants it: there are threads and processes enough, and more
    of them for each product would wait for one another, which they do without resting.
    """
    threadpool_limits(1, user_api="blas")


def run_alone(service: "FastAPI", settings: Settings, listening: socket.socket) -> None:
    """Serve in this process until Ctrl-C."""
    logs.install(settings.log_format)
    _share_the_cores()
    uvicorn.Server(uvicorn.Config(service, **SERVER)).run(sockets=[listening])


def worker() -> "FastAPI":
    """The application of one worker."""
    from engine.engine import Engine  # the process that only watches the workers needs none of it
    from engine.service.app import create

    artefact = Path(os.environ[ARTEFACT])
    settings = Settings.model_validate_json(os.environ[SETTINGS])
    logs.install(settings.log_format)
    _share_the_cores()
    return create(Engine.load(artefact), Path(os.environ[EVENTS]), artefact, settings)
