"""Another artefact answers a share of the requests in the background, and what it says is only compared.

It lives in a process of its own (`shadowing`): it takes no turn of the service's threads, stands behind them where the
processor is wanted, may fail as it likes, and gives all of its memory back when it is switched off. A request that
is to be compared waits in a short queue; what does not fit is dropped and counted. Which artefact, and for which share,
stands in the log, so that all processes over it and a later start know; of those that serve one has the shadow.
"""

import fcntl
import json
import logging
import os
import queue
import random
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from engine import artifact
from engine.engine import Recommendation
from engine.errors import UnknownIdError, WeftError
from engine.service.agreement import Agreement
from engine.service.changes import Change
from engine.service.eventlog import EventLog
from engine.service.experiments import Surface
from engine.service.live import Live

log = logging.getLogger(__name__)

MOST = 64
"""Requests that may wait."""
EVERY = 0.5
"""Seconds between two looks at what is wanted."""
BEHIND = 10
"""How much less it counts than others where all want the processor (nice)."""
PAUSE = 30
"""Seconds until a shadow that ended is started again."""
SLOWEST = 300
"""Seconds without a line after which it is taken for hung, and ended."""


class Wanted(NamedTuple):
    """What is to answer in the background."""

    name: str
    share: float


class _Waiting(NamedTuple):
    on: Surface
    seconds: float
    line: str


class Shadow:
    """The shadow of one service."""

    def __init__(self, live: Live, events: EventLog, agreement: Agreement, warm: bool) -> None:
        """`warm`: it is ready only when nothing is left that a first search would wait for."""
        self._live, self._log, self._agreement, self._warm = live, events, agreement, warm
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(MOST)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._process: subprocess.Popen[str] | None = None
        self._running: Wanted | None = None
        """What the process has; None while there is none, or it is not ready."""
        self._held: IO[bytes] | None = None
        """The file whose lock says that the shadow is here."""
        self._paused = 0.0
        self.trouble: str | None = None
        """Why it is not here, if it failed."""

    @property
    def ready(self) -> bool:
        """Does it answer, in this process?"""
        return self._running is not None

    def wanted(self) -> Wanted | None:
        """What is to be the shadow by the log; nothing while the same is served."""
        changes = self._log.changes(kind="shadow")
        told = changes[-1][1].content if changes else {}
        served = None if self._live.artefact is None else self._live.artefact.name
        return Wanted(told["name"], told["share"]) if told.get("name") not in (None, served) else None

    def switch(self, name: str | None, share: float, who: str) -> None:
        """Have another artefact of the folder be the shadow, or none; every process over the log follows.

        Raises UnknownIdError where there is none of this name, and WeftError for what is served, or is not whole.
        """
        if name is not None:
            served = self._live.artefact
            if served is None or name not in self._live.artefacts():
                raise UnknownIdError(f"there is no artefact {name!r} beside the one that is served")
            if name == served.name:
                raise WeftError(f"{name!r} is what is served: it would be compared with itself")
            artifact.read(served.with_name(name))
        content = {"name": name, "share": share}
        self._live.change(lambda _: Change("shadow", content, who, int(time.time())))

    def offer(self, on: Surface, asked: Mapping[str, Any], shown: Sequence[Recommendation], seconds: float) -> None:
        """Have the shadow asked the same, soon and if it is its share; microseconds.

        `asked` is as `shadowing.answer` takes it. Lists with places that were drawn are left out.
        """
        wanted = self._running
        if wanted is None or random.random() >= wanted.share or any(one.propensity is not None for one in shown):
            return
        if self._waiting.full():
            self._agreement.missed(wanted.name, on, "dropped")
            return
        line = json.dumps({**asked, "on": on, "shown": [one.item_id for one in shown]})
        try:
            self._waiting.put_nowait(_Waiting(on, seconds, f"{line}\n"))
        except queue.Full:
            self._agreement.missed(wanted.name, on, "dropped")

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        with suppress(queue.Full):  # then it is not waiting
            self._waiting.put_nowait(None)
        self._thread.join()

    def _run(self) -> None:
        seen: tuple[int, Path | None] | None = None
        wanted: Wanted | None = None
        while not self._ending.is_set():
            try:
                there = self._log.last.change, self._live.artefact
                if there != seen:
                    seen, wanted = there, self.wanted()
                self._follow(wanted)
                asked = self._waiting.get(timeout=EVERY)
                if asked is not None:
                    self._compare(asked)
            except queue.Empty:
                continue
            except Exception:  # of nothing here may anybody else take notice
                log.exception("the shadow")
                self._fail("an error of the service; its log has the details")
        self._end()

    def _follow(self, wanted: Wanted | None) -> None:
        """Start or end what is to be started or ended."""
        if self._running is not None and (wanted is None or wanted.name != self._running.name):
            self._end()
        if wanted is None:
            self.trouble, self._paused = None, 0.0
        elif self._running is not None:
            self._running = wanted  # the share may be another
        elif time.monotonic() >= self._paused and self._is_here():
            self._begin(wanted)

    def _is_here(self) -> bool:
        """Is no other process over this log the one that has the shadow?"""
        if self._held is None:
            held = self._log.path.with_name(f"{self._log.path.name}.shadow").open("ab")
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                held.close()
                return False
            self._held = held
        return True

    def _begin(self, wanted: Wanted) -> None:
        folder = self._live.artefact
        if folder is None:
            return
        command = [sys.executable, "-m", "engine.service.shadowing", str(folder.with_name(wanted.name))]
        self._process = subprocess.Popen(  # noqa: S603
            [*command, str(self._log.path), *(["warm"] if self._warm else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the service, which ends it
        )
        os.setpriority(os.PRIO_PROCESS, self._process.pid, BEHIND)
        told = self._heard(wanted)
        if told is None or "error" in told:
            self._fail("it did not start" if told is None else told["error"])
            return
        self.trouble, self._running = None, wanted

    def _compare(self, asked: _Waiting) -> None:
        running, process = self._running, self._process
        if running is None or process is None or process.stdin is None:
            return  # it was switched off meanwhile
        try:
            process.stdin.write(asked.line)
            process.stdin.flush()
            told = self._heard(running)
        except OSError:
            told = None
        if told is None:
            self._agreement.missed(running.name, asked.on, "ended")
            self._fail(f"it ended, or gave no answer for {SLOWEST} seconds")
        elif "error" in told:
            self._agreement.missed(running.name, asked.on, told["error"])
        else:
            self._agreement.add(running.name, asked.on, asked.seconds, **told)

    def _heard(self, asked: Wanted) -> dict[str, Any] | None:
        """The next line of the process; None where it ended, is not wanted any more, or takes too long."""
        if self._process is None or self._process.stdout is None:
            return None
        until = time.monotonic() + SLOWEST
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._process.stdout, selectors.EVENT_READ)
            while not waiting.select(EVERY):
                wanted = self.wanted()
                if self._ending.is_set() or time.monotonic() > until or wanted is None or wanted.name != asked.name:
                    return None
        line = self._process.stdout.readline()
        return dict(json.loads(line)) if line else None

    def _fail(self, why: str) -> None:
        self._end()
        if not self._ending.is_set():
            self.trouble, self._paused = why, time.monotonic() + PAUSE
            log.warning("the shadow: %s; it is tried again in %d seconds", why, PAUSE)

    def _end(self) -> None:
        """End the process, and let another process of the service have the next one."""
        process, self._process, self._running = self._process, None, None
        if process is not None:
            process.kill()
            process.communicate()
        while not self._waiting.empty():
            self._waiting.get_nowait()
        if self._held is not None:
            self._held.close()
            self._held = None
