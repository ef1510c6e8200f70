"""TensorBoard: event files and the projector's tables in a folder of the run. `tensorboard --logdir .weft/tracking`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from engine import atomic


class TensorBoard:
    """A run in `folder`."""

    def __init__(self, folder: Path, facts: Mapping[str, Any]) -> None:
        self._writer = SummaryWriter(str(folder))
        atomic.write_text(folder / "facts.json", json.dumps(facts, indent=1, ensure_ascii=False) + "\n")

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def embeddings(self, name: str, vectors: NDArray[np.float32], labels: Sequence[str]) -> None:
        lines = [" ".join(label.split()) or "-" for label in labels]  # the projector reads a label a line
        self._writer.add_embedding(torch.from_numpy(vectors), lines, tag=name)

    def close(self) -> None:
        self._writer.close()
