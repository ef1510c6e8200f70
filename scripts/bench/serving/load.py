"""Clients that ask a service over connections that they keep."""

import http.client
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

Request = tuple[str, str, str | None]
"""Method, path, and a body of JSON."""
JSON = {"Content-Type": "application/json"}
PATIENCE = 60


@dataclass
class Load:
    """What clients met."""

    seconds: float = 0
    ms: list[float] = field(default_factory=list)
    """Of each answer, in the order in which they came."""
    errors: int = 0

    def told(self) -> dict[str, float]:
        found = {f"p{q}": float(np.percentile(self.ms or [0], q)) for q in (50, 95, 99)}
        return {"a second": len(self.ms) / self.seconds, **found, "errors": self.errors}


def run(port: int, request: Callable[[int], Request], clients: int, seconds: float, rate: float | None = None) -> Load:
    """Ask for so long; with `rate` the requests are spaced evenly, and late ones are late from when they were due."""
    found, numbers = Load(), itertools.count()
    began = time.perf_counter()
    end = began + seconds

    def ask() -> None:
        line = _connect(port)
        while True:
            number = next(numbers)
            due = time.perf_counter() if rate is None else began + number / rate
            if due >= end or time.perf_counter() >= end:
                line.close()
                return
            time.sleep(max(0.0, due - time.perf_counter()))
            try:
                status = _asked(line, request(number))
            except (OSError, http.client.HTTPException):
                status, line = 0, _connect(port)
            found.ms.append(1e3 * (time.perf_counter() - due))
            found.errors += not 200 <= status < 300

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.seconds = time.perf_counter() - began
    return found


def run_once(port: int, requests: Sequence[Request]) -> float:
    """Seconds that these requests take, one after the other."""
    line = _connect(port)
    began = time.perf_counter()
    for request in requests:
        if not 200 <= _asked(line, request) < 300:
            raise RuntimeError(f"{request[1]} is refused")
    took = time.perf_counter() - began
    line.close()
    return took


def status(port: int, path: str) -> int:
    line = _connect(port)
    found = _asked(line, ("GET", path, None))
    line.close()
    return found


def _connect(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)


def _asked(line: http.client.HTTPConnection, request: Request) -> int:
    method, path, body = request
    line.request(method, path, body, JSON if body else {})
    answer = line.getresponse()
    answer.read()
    return answer.status
