"""Several processes that serve one artefact and one log of events, at one address.

Each maps the tensors of the artefact from the same files, so that the memory they take is there once. Events that one
of them takes are in the log, from where the others take them before they answer.
"""

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.supervisors import Multiprocess

from engine.service.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

ARTEFACT, EVENTS, SETTINGS = "WEFT_SERVE_ARTEFACT", "WEFT_SERVE_EVENTS", "WEFT_SERVE_SETTINGS"
"""Variables that tell a worker what to serve, and how: it starts as a fresh process."""
SLOW_START = 60
"""Seconds without an answer after which a worker is taken for hung and replaced; opening an artefact takes some."""


def run(artefact: Path, events: Path, settings: Settings, listening: socket.socket, workers: int) -> None:
    """Serve until Ctrl-C; a worker that ends is replaced."""
    os.environ |= {ARTEFACT: str(artefact), EVENTS: str(events), SETTINGS: settings.model_dump_json()}
    config = uvicorn.Config(
        f"{__name__}:worker",
        factory=True,
        workers=workers,
        log_level="warning",
        timeout_worker_healthcheck=SLOW_START,
    )
    Multiprocess(config, [listening]).run()


def worker() -> "FastAPI":
    """The application of one worker."""
    from engine.engine import Engine  # the process that only watches the workers needs none of it
    from engine.service.app import create

    artefact = Path(os.environ[ARTEFACT])
    settings = Settings.model_validate_json(os.environ[SETTINGS])
    return create(Engine.load(artefact), Path(os.environ[EVENTS]), artefact, settings)
