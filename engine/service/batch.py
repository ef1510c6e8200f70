"""Lists that are asked for at the same time are made together, by one thread.

A list is many small steps. Threads that make one each wait for one another at every step, for Python runs one of them
at a time; and each goes through the places of all items, which for a few users costs little more than for one. So
whoever asks waits for the one thread, which makes the lists of all that wait when it is free. It waits for nobody.
"""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from engine.engine import Engine, Recommendation
from engine.service.live import Live

MOST = 8
"""Lists that are made together: their arrays stay in the cache, and who came first does not wait for long."""
Made = tuple[list[Recommendation], bool]
"""A list, and whether its user has a history."""


@dataclass(frozen=True)
class Asked:
    """A list that is wanted, as `Engine.recommend` takes it."""

    user: str | None
    history: Sequence[str] | None
    how: Mapping[str, Any]

    def alike(self, engine: Engine) -> str | None:
        """The same for all lists that one batch may make; None for one that is made alone."""
        how = self.how
        usual = (how.get("mode", "fused"), how.get("context") or [], how.get("diversity"), how.get("explore"))
        if self.user is None or self.history is not None or usual != ("fused", [], None, None):
            return None
        # What is drawn, and what waits for others of its list, is as it would be alone.
        varied = engine.config.diversity.weight or engine.config.exploration.places
        return None if varied else repr(sorted(self.common().items()))

    def common(self) -> dict[str, Any]:
        """What a batch takes."""
        return {name: value for name, value in self.how.items() if name not in ("mode", "context")}


class Together:
    """The thread that makes the lists of a service."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._arriving = threading.Lock()
        self._waiting: list[tuple[Asked, asyncio.Future[Made]]] = []
        self._busy = False
        self._thread = ThreadPoolExecutor(1, "lists")

    async def recommend(self, asked: Asked) -> Made:
        """The list, by an engine with all events that were acknowledged before. Raises as `Engine.recommend`."""
        made: asyncio.Future[Made] = asyncio.get_running_loop().create_future()
        with self._arriving:
            self._waiting.append((asked, made))
            idle, self._busy = not self._busy, True
        if idle:
            self._thread.submit(self._work)
        return await made

    def close(self) -> None:
        self._thread.shutdown(wait=True)

    def _work(self) -> None:
        while True:
            with self._arriving:
                some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                if not some:
                    self._busy = False
                    return
            found = self._made([asked for asked, _ in some])
            for (_, made), one in zip(some, found, strict=True):
                made.get_loop().call_soon_threadsafe(_tell, made, one)

    def _made(self, asked: Sequence[Asked]) -> list[Made | Exception]:
        found: dict[int, Made | Exception] = {}
        try:
            engine = self._live.engine
            groups: dict[str, list[int]] = {}
            for number, one in enumerate(asked):
                groups.setdefault(one.alike(engine) or f"alone {number}", []).append(number)
            with self._live.turn:
                for numbers in groups.values():
                    some = _lists(engine, [asked[number] for number in numbers])
                    found.update(zip(numbers, some, strict=True))
        except Exception as error:  # of whoever has no answer yet
            for number in range(len(asked)):
                found.setdefault(number, error)
        return [found[number] for number in range(len(asked))]


def _lists(engine: Engine, asked: Sequence[Asked]) -> Sequence[Made | Exception]:
    """The lists of some that are alike."""
    knows = [one.user is not None and engine.state.lookup.knows(one.user) for one in asked]
    try:
        if len(asked) == 1:
            one = asked[0]
            lists = [engine.recommend(one.user, one.history, **one.how)]
        else:
            lists = engine.recommend_batch([str(one.user) for one in asked], **asked[0].common())
    except Exception as error:
        return [error] * len(asked)
    return list(zip(lists, knows, strict=True))


def _tell(made: "asyncio.Future[Made]", found: Made | Exception) -> None:
    if made.done():
        return  # who asked has gone
    if isinstance(found, Exception):
        made.set_exception(found)
    else:
        made.set_result(found)
