"""`weft embeddings` on a store."""

from pathlib import Path

from encoders import EmbeddingStore
from tests.encoders.samples import Counting
from tests.engine.command import weft


def test_what_is_kept_is_told_and_taken_out(tmp_path: Path) -> None:
    EmbeddingStore(tmp_path).texts(Counting(), ["a", "b"])
    told = weft("embeddings", "report", tmp_path)
    assert told.exit_code == 0 and "counting/1" in told.stdout and "on the disk" in told.stdout
    assert "0 vectors taken out" in weft("embeddings", "clean", tmp_path).stdout
    assert "2 vectors taken out" in weft("embeddings", "clean", tmp_path, "--days", "0").stdout
    wrong = weft("embeddings", "report", tmp_path / "nowhere")
    assert wrong.exit_code == 2 and "no embeddings are kept here" in wrong.stderr
