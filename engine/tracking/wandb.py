"""Weights & Biases. `WANDB_MODE=offline` keeps the run in the folder, for `wandb sync` later."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import wandb
from numpy.typing import NDArray

from engine.errors import ConfigError

PROJECT = "weft"
ROWS = 5_000
"""Most vectors of a table: more are slow to send, and no easier to look at."""


class WeightsAndBiases:
    """A run of the project `weft`, with its files in `folder`/wandb."""

    def __init__(self, folder: Path, name: str, facts: Mapping[str, Any]) -> None:
        quiet = wandb.Settings(silent=True, console="off", disable_git=True, save_code=False)
        try:
            self._run = wandb.init(project=PROJECT, dir=str(folder), name=name, config=dict(facts), settings=quiet)
        except (wandb.Error, ValueError) as error:  # no key, no network
            raise ConfigError(
                f"[tracking] wandb cannot begin: {error}; `wandb login`, or set WANDB_MODE=offline"
            ) from None
        self._groups = set[str]()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        # W&B has one step for all that a run logs; here each group counts its own.
        steps = {f"{group}/step": step for group in {name.split("/")[0] for name in values}}
        for group in {name.split("/")[0] for name in values} - self._groups:
            self._run.define_metric(f"{group}/*", step_metric=f"{group}/step")
            self._groups.add(group)
        self._run.log({**values, **steps})

    def embeddings(self, name: str, vectors: NDArray[np.float32], labels: Sequence[str]) -> None:
        columns: list[str | int] = ["label", *(f"d{number}" for number in range(vectors.shape[1]))]
        rows = [[label, *vector] for label, vector in zip(labels[:ROWS], vectors[:ROWS].tolist(), strict=True)]
        self._run.log({name: wandb.Table(columns=columns, data=rows)})

    def close(self) -> None:
        self._run.finish()
