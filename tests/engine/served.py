"""A service as a process of its own, as `weft serve` starts it, or over a real connection in this process."""

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import uvicorn
from fastapi import FastAPI

COMMAND = [sys.executable, "-c", "from engine.cli import app; app()"]


class Served(NamedTuple):
    """A service that runs."""

    address: str
    process: subprocess.Popen[str]
    log: Path
    """Of its error stream."""

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


@contextmanager
def served(artefact: Path, folder: Path, *options: str) -> Iterator[Served]:
    """Serve an artefact on a free port of this machine; events and the log are kept in `folder`."""
    command = [*COMMAND, "serve", str(artefact), "--port", "0", "--events", str(folder / "events"), *options]
    log = folder / "log"
    with log.open("w") as errors, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as run:
        try:
            assert run.stdout is not None
            line = run.stdout.readline()
            address = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert address is not None, log.read_text()
            yield Served(address[0], run, log)
        finally:
            run.kill()


@contextmanager
def in_a_thread(app: FastAPI) -> Iterator[str]:
    """The address of an application that answers in this process."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
