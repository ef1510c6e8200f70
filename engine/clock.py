"""The seconds that each stage of a build takes."""

import time
from collections.abc import Callable


class Clock:
    """Tells each stage as it starts and keeps its seconds."""

    def __init__(self, stage: Callable[[str], None]) -> None:
        self._stage, self._name, self._start = stage, "", time.perf_counter()
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str) -> None:
        now = time.perf_counter()
        if self._name:
            self.seconds[self._name] = self.seconds.get(self._name, 0.0) + now - self._start
        self._name, self._start = name, now
        if name:
            self._stage(name)
