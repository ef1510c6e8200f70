"""What the layers around the routes cost: python scripts/bench/service_layers.py ARTEFACT.

Asks a route that does nothing straight through ASGI, without a network: with the layers of the service (a key, rates,
ids, counts) and without, in turns. Prints the median and the tenth percentile in microseconds.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from fastapi import FastAPI
from starlette.types import Message

from engine import Engine
from engine.service import keys
from engine.service.app import create
from engine.service.settings import LOCAL, Settings

PATH = "/v1/nothing"


async def ask(app: FastAPI, key: str) -> None:
    """One request to a route that needs a key."""

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        assert message.get("status", 200) == 200, message

    headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {key}".encode())]
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": PATH,
             "raw_path": PATH.encode(), "query_string": b"", "root_path": "", "scheme": "http", "headers": headers,
             "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}  # fmt: skip
    await app(scope, receive, send)


async def times(app: FastAPI, key: str, requests: int) -> list[float]:
    """Microseconds of each request."""
    found = []
    for _ in range(requests):
        began = time.perf_counter()
        await ask(app, key)
        found.append((time.perf_counter() - began) * 1e6)
    return found


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("artefact", type=Path)
    parser.add_argument("--requests", type=int, default=2000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ring = Path(folder) / "keys.json"
        key = keys.add(ring, "bench", "read")
        settings = Settings(keys=ring, hosts=LOCAL, rate="1000000/second")
        app = create(Engine.load(given.artefact), Path(folder) / "events", None, settings)

        async def nothing() -> dict[str, str]:
            return {"status": "ok"}

        app.add_api_route(PATH, nothing)
        layers = app.user_middleware
        found: dict[str, list[float]] = {"with layers": [], "without": []}
        for _ in range(5):
            for name, kept in (("with layers", layers), ("without", [])):
                app.user_middleware, app.middleware_stack = kept, None
                found[name] += await times(app, key, given.requests)
    for name, all_ in found.items():
        print(f"{name}: median {median(all_):.0f}, tenth percentile {quantiles(all_, n=10)[0]:.0f} microseconds")


if __name__ == "__main__":
    asyncio.run(main())
