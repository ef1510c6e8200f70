"""What a training leaves in TensorBoard, W&B (offline) and MLflow: each is written, and read back by its own reader."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from engine import tracking
from engine.candidates import Features, fit_all, gnn
from engine.candidates.factors import Factors
from engine.config import Config, Tracking
from engine.errors import ConfigError
from engine.fusion import Fusion
from engine.gate import Gate
from engine.history import Histories
from engine.tracking import record
from engine.training import Trained

VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)
LABELS = ["Shoe", "白色运动鞋", "two\nlines", ""]


class Kept:
    """A tracker that remembers."""

    def __init__(self) -> None:
        self.values: dict[str, list[tuple[int, float]]] = {}
        self.vectors: dict[str, tuple[np.ndarray, list[str]]] = {}

    def scalars(self, step, values):
        for name, value in values.items():
            self.values.setdefault(name, []).append((step, value))

    def embeddings(self, name, vectors, labels):
        self.vectors[name] = (vectors, list(labels))

    def close(self):
        pass


def write(to: str, folder: Path) -> None:
    tracker = tracking.open_tracker(Tracking(to=to, folder=folder), "build", {"seed": 7})
    tracker.scalars(1, {"gnn/loss": 0.5, "gnn/ndcg@20": 0.25})
    tracker.scalars(2, {"gnn/loss": 0.25})
    tracker.scalars(1, {"reranker/ndcg": 0.1})  # another group begins anew
    tracker.embeddings("items", VECTORS, LABELS)
    tracker.close()


def test_tensorboard_is_the_default_and_is_read_back(tmp_path: Path) -> None:
    assert Tracking().to == "tensorboard"
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write("tensorboard", tmp_path)
    (run,) = tmp_path.iterdir()
    assert run.name.startswith("build-")
    events = EventAccumulator(str(run)).Reload()
    assert [(one.step, one.value) for one in events.Scalars("gnn/loss")] == [(1, 0.5), (2, 0.25)]
    assert json.loads((run / "facts.json").read_text())["seed"] == 7
    assert "items" in (run / "projector_config.pbtxt").read_text()
    (labels,) = run.rglob("metadata.tsv")
    assert labels.read_text(encoding="utf-8").splitlines() == ["Shoe", "白色运动鞋", "two lines", "-"]
    (vectors,) = run.rglob("tensors.tsv")
    np.testing.assert_array_equal(np.loadtxt(vectors), VECTORS)


@pytest.mark.filterwarnings("ignore")  # of the library about itself
def test_wandb_offline_leaves_a_run_to_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb", reason="wandb is not installed: pip install 'weft[tracking]'")
    monkeypatch.setenv("WANDB_MODE", "offline")
    write("wandb", tmp_path)
    wandb.teardown()  # the process that writes the file has ended
    (run,) = (tmp_path / "wandb").glob("offline-run-*/run-*.wandb")
    content = run.read_bytes()
    assert all(word in content for word in (b"gnn/loss", b"gnn/step", b"reranker/ndcg"))
    (table,) = run.parent.rglob("*.table.json")
    assert json.loads(table.read_text())["data"][1][0] == "白色运动鞋"


@pytest.mark.filterwarnings("ignore")
def test_mlflow_keeps_a_local_file_and_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="mlflow is not installed: pip install 'weft[tracking]'")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    from mlflow import MlflowClient

    for _ in range(2):  # the second run finds the experiment
        write("mlflow", tmp_path)
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("weft")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 2 and all(run.info.status == "FINISHED" for run in runs)
    run = runs[0].info.run_id
    assert [(one.step, one.value) for one in client.get_metric_history(run, "gnn/loss")] == [(1, 0.5), (2, 0.25)]
    assert runs[0].data.metrics["gnn/ndcg_at_20"] == 0.25
    (labels,) = (tmp_path / "mlflow").rglob(f"{run}/**/labels.tsv")
    assert labels.read_text(encoding="utf-8").splitlines() == ["Shoe", "白色运动鞋", "two lines", "-"]


def test_nothing_writes_nothing(tmp_path: Path) -> None:
    write("", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_backend_that_is_absent_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install mlflow-skinny"):
        write("mlflow", tmp_path)


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING):
        write("tensorboard", tmp_path / "file" / "x")
    assert "not tracked" in caplog.text


def test_runs_of_one_second_have_names_of_their_own(tmp_path: Path) -> None:
    for name in ("build-1", "build-1-2"):
        (tmp_path / name).mkdir()
    assert tracking.free(tmp_path, "build-1") == "build-1-3"
    assert tracking.free(tmp_path, "../a b") == "..-a-b"


class Placer:
    def place(self, features):
        raise AssertionError

    def tensors(self):
        return {}


def test_a_training_is_recorded_with_curves_gates_gains_and_vectors() -> None:
    weight = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    fusion = Fusion(
        ("ease.10", "gnn.all"), np.stack([weight] * 2), np.ones((2, 2, 2), np.float32), np.zeros(2, np.float32)
    )
    network = Factors("gnn", (np.inf,), Placer(), VECTORS, VECTORS)
    gate = Gate("ease", "warm", 0.03, 0.02, 0.04, kept=True)
    made = Trained([network], fusion, None, [gate], {"reranker NDCG@20 on validation": [0.1, 0.2]})
    kept = Kept()
    record.trained(kept, made, LABELS)
    assert kept.values["reranker/NDCG@20-on-validation"] == [(1, 0.1), (2, 0.2)]
    steps, known = zip(*kept.values["gate-known/ease.10"], strict=True)
    assert steps == (1, 3, 10, 30, 100, 300)
    assert known[2] == pytest.approx(1, abs=0.01) and known[4] == pytest.approx(2, abs=0.01)  # slope 1 a decade
    assert kept.values["gate-new/gnn.all"][2][1] == pytest.approx(4, abs=0.01)
    assert kept.values["gain/warm/ease"] == [(0, 0.03)]
    np.testing.assert_array_equal(kept.vectors["gnn"][0], VECTORS)
    assert kept.vectors["gnn"][1] == LABELS


def test_the_course_of_the_network_is_among_the_curves() -> None:
    rng = np.random.default_rng(0)
    size = 60
    known = Histories(
        np.arange(0, size + 1, 6), rng.integers(0, 8, size).astype(np.int32), np.ones(size, np.float32),
        np.arange(size), 8,
    )  # fmt: skip
    nothing = sparse.csr_array((8, 0), dtype=np.float32)
    facts = sparse.csr_array((rng.random((8, 3)) < 0.5).astype(np.float32))
    features = Features(facts, nothing, np.zeros((8, 1), np.float32), np.zeros((8, 1), np.float32), np.arange(3))
    config = Config.model_validate({"candidates": {"gnn": {"epochs": 12, "held": 0.3}}})
    made = gnn.curves(fit_all(known, features, config, ["ease", "gnn"]))
    assert set(made) == {"gnn loss", "gnn held", "gnn learning rate", "gnn gradient"}
    assert len(made["gnn held"]) == 3 and len(made["gnn loss"]) == len(made["gnn learning rate"]) > 0
    assert record.slug("gnn learning rate") == "gnn/learning-rate" and record.slug("loss") == "loss/loss"
    assert gnn.curves([]) == {}


def test_the_projector_gets_so_many_items_spread_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "ITEMS", 2)
    vectors, labels = record.first(VECTORS, LABELS)
    np.testing.assert_array_equal(vectors, VECTORS[[0, 3]])
    assert labels == ["Shoe", ""]


def test_a_build_is_tracked_beside_its_configuration(small_artefact: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (run,) = (small_artefact.parent / "shop" / ".weft" / "tracking").glob("build-*")
    tags = EventAccumulator(str(run)).Reload().Tags()["scalars"]
    assert any(tag.startswith("gate-known/") for tag in tags) and "gnn/loss" in tags
    assert list(run.rglob("metadata.tsv"))
