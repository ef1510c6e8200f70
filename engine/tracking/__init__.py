"""Where the course of a training is written: TensorBoard by default, W&B or MLflow where they are installed.

A tracker takes scalars by step and vectors with labels; each backend is one file. `record` says what of a build, of an
evaluation and of a search is worth keeping.
"""

import logging
import re
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.config import Tracking
from engine.errors import ConfigError

log = logging.getLogger(__name__)


class Tracker(Protocol):
    """What a backend takes. Names are `group/name`; steps of a group grow."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Values at a step: an epoch, a round, a trial."""
        ...

    def embeddings(self, name: str, vectors: NDArray[np.float32], labels: Sequence[str]) -> None:
        """Vectors (n, d) with a label each, to be looked at in a projector."""
        ...

    def close(self) -> None:
        """Everything is on the disk, or sent."""
        ...


class Nothing:
    """The tracker of `to = ""`."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None: ...

    def embeddings(self, name: str, vectors: NDArray[np.float32], labels: Sequence[str]) -> None: ...

    def close(self) -> None: ...


def open_tracker(settings: Tracking, what: str, facts: Mapping[str, Any]) -> Tracker:
    """A tracker for a run called `what` and the time of day; `facts` (JSON) are kept beside it, such as its settings.

    A folder that cannot be written is a warning, and nothing is tracked: an artefact may have moved to another machine.
    Raises ConfigError when the backend is not installed or cannot begin.
    """
    if not settings.to:
        return Nothing()
    package = "mlflow-skinny" if settings.to == "mlflow" else settings.to
    if find_spec(settings.to) is None:
        raise ConfigError(
            f"[tracking] to = {settings.to!r}: it is not installed; `pip install {package}`, or choose another"
        )
    try:
        settings.folder.mkdir(parents=True, exist_ok=True)
        return _begin(settings, free(settings.folder, f"{what}-{time.strftime('%Y%m%d-%H%M%S')}"), facts)
    except OSError as error:
        log.warning("not tracked: %s: %s", settings.folder, error.strerror or error)
        return Nothing()


def _begin(settings: Tracking, name: str, facts: Mapping[str, Any]) -> Tracker:
    # Each backend is imported where it is wanted only: MLflow alone takes seconds.
    if settings.to == "wandb":
        from engine.tracking.wandb import WeightsAndBiases

        return WeightsAndBiases(settings.folder, name, facts)
    if settings.to == "mlflow":
        from engine.tracking.mlflow import MLflow

        return MLflow(settings.folder, name, facts)
    from engine.tracking.tensorboard import TensorBoard

    return TensorBoard(settings.folder / name, facts)


def free(folder: Path, name: str) -> str:
    """`name` or, where there is a run of that second, `name-2` and so on; fit to name a folder."""
    name = re.sub(r"[^\w.-]+", "-", name)
    number, wanted = 1, name
    while (folder / wanted).exists():
        number += 1
        wanted = f"{name}-{number}"
    return wanted
