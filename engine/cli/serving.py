"""The command that serves an engine over HTTP."""

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from engine.cli.asking import Artefact, opened
from engine.cli.output import say, warn
from engine.cli.working import Working
from engine.errors import WeftError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from engine.service.settings import Settings

RATE = "6000/minute"
"""Of a service that others reach: a hundred each second."""
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
    keys: Annotated[Path | None, typer.Option(help="Ask for a key of this file; `weft keys` makes them.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Let everybody who reaches another --host ask.")] = False,
    rate: Annotated[
        str | None,
        typer.Option(help=f"Requests of a key or address; {RATE} by default, but without limit here and without keys."),
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A name by which it may be called; repeat it.")
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="A web site whose pages may ask (CORS); repeat it.")
    ] = None,
    experiments: Annotated[
        Path | None, typer.Option(help="A TOML file of experiments to run: docs/experiments.md.")
    ] = None,
    redis: Annotated[
        str | None, typer.Option(metavar="URL", help="Take events from a stream of this Redis, too.")
    ] = None,
    redis_stream: Annotated[str, typer.Option(help="The name of that stream.")] = "weft:events",
    otel: Annotated[
        bool,
        typer.Option("--otel", help="Send a span of each request by OTLP, as the variables OTEL_... say: weft[otel]."),
    ] = False,
    log_format: Annotated[
        Literal["text", "json"], typer.Option(help="Of the log on the error stream, a line for each request.")
    ] = "text",
) -> None:
    """Serve over HTTP, with a console for people.

    The console is at /, the interface is described at /openapi.json, and Ctrl-C ends it. Events are kept in a log,
    ARTEFACT.events, and known again when it starts again. Other machines need --host and keys.
    """
    settings = _settings(host, keys, open_, rate, allow_host or (), origin or ())
    if experiments is not None:
        from engine.service.experiments import read

        read(experiments)  # what is wrong with it is told before the engine is opened
        experiments = experiments.resolve()
    settings = settings.model_copy(
        update={"log_format": log_format, "warm": True, "experiments": experiments, "otel": otel}
    )
    if redis is not None:
        settings = settings.model_copy(update={"redis": _redis(redis), "redis_stream": redis_stream})
    if otel:
        from engine.service import tracing

        tracing.provider().shutdown()  # what is not installed is told before the engine is opened
    listening = _bind(host, port)
    events = events or artefact.resolve().with_name(f"{artefact.resolve().name}.events")
    with listening:
        from engine.hidden import load_trees
        from engine.service import workers as processes

        if workers > 1:
            from engine import artifact

            artifact.read(artefact)  # what is wrong with it is told here and not by each worker
            _say_where(listening, host)
            processes.run(artefact, events, settings, listening, workers)
            return
        load_trees()
        engine = opened(artefact)
        with Working() as work:
            work.stage("taking in the log")
            from engine.service.app import create

            service = create(engine, events, artefact, settings)
        _say_where(listening, host)
        processes.run_alone(service, settings, listening)


def _settings(
    host: str, keys: Path | None, open_: bool, rate: str | None, names: Sequence[str], origins: Sequence[str]
) -> "Settings":
    """How the service guards itself; it says so where it does not."""
    from pydantic import ValidationError

    from engine.service.keys import read
    from engine.service.settings import LOCAL, Settings

    here = host in _LOCAL
    if keys is None and not here:
        if not open_:
            raise WeftError(
                f"--host {host} is for others to reach: name a file of keys (--keys, made by `weft keys add`), "
                "or say --open to let everybody ask, change and erase"
            )
        warn(f"listening on {host} without keys: whoever can reach it can ask it, send it events and erase users")
    if keys is not None and not read(keys):
        raise WeftError(f"{keys} has no keys; `weft keys add NAME --keys {keys}` makes one")
    usual = "" if here and keys is None else RATE
    try:
        return Settings(
            keys=None if keys is None else keys.resolve(),
            hosts=(*LOCAL, *names) if here else tuple(names),
            origins=tuple(origins),
            rate=usual if rate is None else rate,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise WeftError(f"--{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}; such as {RATE}") from None


def _redis(url: str) -> "SecretStr":
    """The address of a Redis, if it is one and there is a client for it."""
    from pydantic import SecretStr

    try:
        from redis import Redis
    except ImportError:
        raise WeftError("--redis needs the client of Redis: pip install 'weft[redis]'") from None
    try:
        Redis.from_url(url).close()
    except ValueError as error:
        raise WeftError(f"--redis: {error}") from None
    return SecretStr(url)


def _say_where(listening: socket.socket, host: str) -> None:
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
