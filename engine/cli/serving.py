"""The command that serves an engine over HTTP."""

import socket
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.asking import Artefact, opened
from engine.cli.output import say, warn
from engine.cli.working import Working
from engine.errors import WeftError

_LOCAL = ("127.0.0.1", "::1", "localhost")


def serve(
    artefact: Artefact,
    host: Annotated[str, typer.Option(help="The address to listen on; 127.0.0.1 is this machine only.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.")] = 8000,
    events: Annotated[
        Path | None,
        typer.Option(help="The log of events and changes, made where there is none; beside the artefact by default."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer; they share the artefact's memory.")] = 1,
) -> None:
    """Serve over HTTP, with a console for people.

    The console is at /, the interface is described at /openapi.json, and Ctrl-C ends it. Whoever can reach the address
    can ask it, send it events and change items. Events and changes are kept in a log, ARTEFACT.events, and known
    again when it starts again.
    """
    listening = _bind(host, port)
    events = events or artefact.resolve().with_name(f"{artefact.resolve().name}.events")
    with listening:
        if workers > 1:
            from engine import artifact
            from engine.service import workers as processes

            artifact.read(artefact)  # what is wrong with it is told here and not by each worker
            _say_where(listening, host)
            processes.run(artefact, events, listening, workers)
            return
        engine = opened(artefact)
        with Working() as work:
            work.stage("warming up")
            import uvicorn

            from engine.service.app import create

            service = create(engine, events, artefact)
        _say_where(listening, host)
        uvicorn.Server(uvicorn.Config(service, log_level="warning")).run(sockets=[listening])


def _say_where(listening: socket.socket, host: str) -> None:
    if host not in _LOCAL:
        warn(f"listening on {host}: whoever can reach it can ask it, send it events and change its items")
    listening.listen()  # from here on whoever reads the address can connect to it
    shown = f"[{host}]" if ":" in host else host
    say(f"http://{shown}:{listening.getsockname()[1]}/  (Ctrl-C ends it)")


def _bind(host: str, port: int) -> socket.socket:
    """A socket on this address, taken before the engine is opened, so that a port in use is told at once."""
    if not 0 <= port < 65536:
        raise WeftError(f"--port must be from 0 to 65535, not {port}")
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, number)
    except (OSError, UnicodeError) as error:
        raise WeftError(f"--host {host}: not an address of this machine ({error})") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise WeftError(f"{host}:{port} cannot be listened on ({error.strerror}); try another --port") from None
    return listening
