"""A service as a process of its own: started, watched, killed."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from serving import load

PATIENCE = 300
"""Seconds that a service may take to be ready."""


class Service:
    """A process that prints its address when it can be asked; its errors go to a file if one is named."""

    def __init__(self, command: Sequence[str], log: Path | None = None) -> None:
        self._began = time.perf_counter()
        self._log = subprocess.DEVNULL if log is None else log.open("a")
        # As installed: what is imported is compiled once, and not at each start.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, text=True, env=kept)
        assert self.process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.process.stdout.readline())
        if found is None:
            raise RuntimeError(f"it does not start: {' '.join(command)}")
        self.port = int(found[1])
        load.run_once(self.port, [("GET", "/v1/recommend?user=u1", None)])
        self.start = time.perf_counter() - self._began
        """Seconds from the command to the first list."""

    def ready(self) -> float:
        """Seconds from the command until it says that nothing is left to be made."""
        while time.perf_counter() - self._began < PATIENCE:
            if load.status(self.port, "/readyz") == 200:
                return time.perf_counter() - self._began
            time.sleep(0.05)
        raise RuntimeError(f"it is not ready after {PATIENCE} seconds")

    def mib(self) -> float:
        """Of the process and those that it started, as the kernel shares out what they share."""
        return sum(map(_pss, self._family())) / 1024

    def processor(self) -> float:
        """Seconds of the processor that they took, but for those that have ended."""
        return sum(map(_ticks, self._family())) / os.sysconf("SC_CLK_TCK")

    def _family(self) -> list[int]:
        parents, family = dict(_parents()), [self.process.pid]
        for pid in family:  # which grows by those that each has started
            family += [child for child, parent in parents.items() if parent == pid]
        return family

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()


def command(artefact: Path, folder: Path, workers: int = 1) -> list[str]:
    weft = [sys.executable, "-c", "from engine.cli import app; app()"]
    return [*weft, "serve", str(artefact), "--port", "0", "--workers", str(workers), "--events", str(folder / "events")]


@contextmanager
def serving(artefact: Path, folder: Path, workers: int = 1) -> Iterator[Service]:
    with Service(command(artefact, folder, workers), folder / "log") as service:
        yield service


def _parents() -> Iterator[tuple[int, int]]:
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text()
        except OSError:
            continue
        yield int(status.parent.name), int(text.rpartition(")")[2].split()[1])


def _ticks(pid: int) -> int:
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))


def _pss(pid: int) -> int:
    """KiB."""
    rolled = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rolled, re.MULTILINE)
    return int(found[1]) if found else 0
