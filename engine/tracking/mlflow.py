"""MLflow: a SQLite file in the folder, or the server that MLFLOW_TRACKING_URI names.

`mlflow ui --backend-store-uri sqlite:///.weft/tracking/mlflow.db` shows it.
"""

import os
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigError

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing is sent anywhere that nobody asked for

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

EXPERIMENT = "weft"


class MLflow:
    """A run of the experiment `weft`."""

    def __init__(self, folder: Path, name: str, facts: Mapping[str, Any]) -> None:
        folder = folder.resolve()
        uri = os.environ.get("MLFLOW_TRACKING_URI", "")
        self._client = MlflowClient(uri or f"sqlite:///{folder / 'mlflow.db'}")
        try:
            found = self._client.get_experiment_by_name(EXPERIMENT)
            files = None if uri else (folder / "mlflow").as_uri()
            experiment = found.experiment_id if found else self._client.create_experiment(EXPERIMENT, files)
            self._run = self._client.create_run(experiment, run_name=name).info.run_id
            self._client.log_dict(self._run, dict(facts), "facts.json")
        except MlflowException as error:
            raise ConfigError(f"[tracking] mlflow cannot begin: {error}") from None

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        now = int(1000 * time.time())
        metrics = [Metric(_name(name), float(value), now, step) for name, value in values.items()]
        self._client.log_batch(self._run, metrics)

    def embeddings(self, name: str, vectors: NDArray[np.float32], labels: Sequence[str]) -> None:
        # The two tables that projector.tensorflow.org and TensorBoard's projector read.
        with tempfile.TemporaryDirectory() as folder:
            rows = ("\t".join(f"{value:.6g}" for value in vector) for vector in vectors)
            lines = (" ".join(label.split()) or "-" for label in labels)
            for file, content in (("vectors.tsv", rows), ("labels.tsv", lines)):
                (Path(folder) / file).write_text("".join(f"{row}\n" for row in content), encoding="utf-8")
            self._client.log_artifacts(self._run, folder, _name(name))

    def close(self) -> None:
        self._client.set_terminated(self._run)


def _name(name: str) -> str:
    """MLflow takes letters, digits and some signs: `ndcg@20` is `ndcg_at_20`."""
    return re.sub(r"[^\w./ -]", "-", name.replace("@", "_at_"))
