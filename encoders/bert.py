"""The BERT family, in torch; from any folder."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from encoders.base import TEXTS, Vectors
from encoders.errors import EncoderError
from encoders.text import MAX_TOKENS, by_length
from encoders.weights import first_line, folder_hash, no_progress_bar


class BertEncoder:
    """A BERT-family encoder from a folder as transformers or sentence-transformers write it, with safetensors.

    Pools by the mean over tokens, or by the first token where the folder's 1_Pooling/config.json says so. Looks at the
    first 256 tokens. An `adapter` (encoders.adapters) is merged into it. Raises EncoderError for a folder that cannot
    be used.
    """

    kind = TEXTS

    def __init__(self, folder: Path, name: str, adapter: Path | None = None) -> None:
        from transformers import AutoModel, AutoTokenizer

        try:
            with no_progress_bar():
                self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
                model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
            self.dim = int(model.config.hidden_size)
            self._tokens = min(MAX_TOKENS, int(model.config.max_position_embeddings))
        except (OSError, ValueError, AttributeError, ImportError) as error:
            raise EncoderError(f"{folder}: no BERT-family encoder with its tokenizer ({first_line(error)})") from None
        self.name = name
        first = _pools_first(folder)
        pooling = "first" if first else "mean"
        self.fingerprint = f"bert-{pooling}-{self._tokens}/{folder_hash(folder)[:16]}"
        model = model.float().eval()
        if adapter:
            from encoders.adapters import merged

            model = merged(model, adapter)
            self.fingerprint += f"+{folder_hash(adapter)[:16]}"
        self.network = Pooled(model, first)

    def encode(self, batch: Sequence[str]) -> Vectors:
        """(n, dim) unit rows."""
        return self.batched(batch, self.run)

    def batched(self, batch: Sequence[str], run: Callable[[list[str]], Vectors]) -> Vectors:
        """(n, dim) unit rows of what `run` gives for a few texts of like length."""
        return by_length(batch, self.dim, run)

    def inputs(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """What the network takes: (n, tokens) each."""
        tokens = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=self._tokens, return_tensors="pt"
        )
        return {name: tokens[name] for name in ("input_ids", "attention_mask")}

    @torch.inference_mode()
    def run(self, texts: Sequence[str]) -> Vectors:
        """(n, dim) as the network gives them."""
        return np.asarray(self.network(**self.inputs(texts)).numpy(), np.float32)


class Pooled(nn.Module):
    """Tokens, (n, tokens), to one row a text, (n, dim)."""

    def __init__(self, model: nn.Module, first: bool) -> None:
        super().__init__()
        self.model, self.first = model, first

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask[..., None]
        return states[:, 0] if self.first else (states * mask).sum(1) / mask.sum(1)


def _pools_first(folder: Path) -> bool:
    path = folder / "1_Pooling" / "config.json"
    return path.is_file() and bool(json.loads(path.read_text(encoding="utf-8")).get("pooling_mode_cls_token"))
