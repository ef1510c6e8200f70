"""What the first searches would wait for, made in the background while the service answers already."""

import gc
import logging
import threading
from collections.abc import Callable
from typing import Any

from engine import assisted
from engine.service.live import Live

log = logging.getLogger(__name__)


class Warming:
    """A thread that asks the engine what people will ask, once: encoders are opened and indices made by it."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name="warming")
        self.done = False
        """Whether nothing is left that a first search would wait for."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the step that is being done; seconds."""
        self._stopping.set()
        self._thread.join()
        gc.unfreeze()  # so that all is taken apart at the end of the process

    def run(self) -> None:
        live = self._live
        nobody: dict[str, Any] = {"user": None, "history": None, "exclude": []}
        steps: list[Callable[[], object]] = [
            lambda: live.engine.similar(live.engine.recommend(history=[], n=1)[0].item_id, n=1),
            lambda: live.engine.suggest("a", n=1),
            lambda: live.engine.facets(None, {}, n=1),
            lambda: assisted.search(live.engine, "white", {}, nobody, {"n": 1, "explain": True}),
            lambda: assisted.search(live.engine, "白色", {}, nobody, {"n": 1, "explain": True}),
            lambda: live.engine.answer("what is it made of?"),
        ]
        gc.freeze()  # what stays need not be looked through again and again for garbage
        for step in steps:
            if self._stopping.is_set():
                return
            try:
                step()
            except Exception:  # it can still answer the rest, and says itself what it cannot
                log.exception("warming up")
        gc.collect()
        gc.freeze()
        self.done = True
