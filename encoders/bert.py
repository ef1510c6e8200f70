"""The BERT family, in torch; from any folder."""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

from encoders.base import TEXTS, Vectors
from encoders.errors import EncoderError
from encoders.text import MAX_TOKENS, by_length, clean
from encoders.weights import first_line, folder_hash, no_progress_bar, unit


class BertEncoder:
    """A BERT-family encoder from a folder as transformers or sentence-transformers write it, with safetensors.

    Pools by the mean over tokens, or by the first token where the folder's 1_Pooling/config.json says so. Looks at the
    first 256 tokens, or with `passages` at all of them, 256 at a time, and gives the mean. An `adapter`
    (encoders.adapters) is merged into it. Raises EncoderError for a folder that cannot be used.
    """

    kind = TEXTS

    def __init__(self, folder: Path, name: str, adapter: Path | None = None, passages: bool = False) -> None:
        from transformers import AutoModel, AutoTokenizer

        try:
            with no_progress_bar():
                self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
                model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
            self.dim = int(model.config.hidden_size)
            self._tokens = min(MAX_TOKENS, int(model.config.max_position_embeddings))
        except (OSError, ValueError, AttributeError, ImportError) as error:
            raise EncoderError(f"{folder}: no BERT-family encoder with its tokenizer ({first_line(error)})") from None
        if passages and not self.tokenizer.is_fast:
            raise EncoderError(f"{folder}: its tokenizer does not tell where tokens stand; leave `passages` off")
        self.name, self._passages = name, passages
        first = _pools_first(folder)
        pooling = "first" if first else "mean"
        self.fingerprint = f"bert-{pooling}-{self._tokens}{'-passages' * passages}/{folder_hash(folder)[:16]}"
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
        if not self._passages or not batch:
            return by_length(batch, self.dim, run)
        cut = [self.passages(text) for text in batch]
        rows = by_length([passage for some in cut for passage, _ in some], self.dim, run)
        rows *= np.array([[tokens] for some in cut for _, tokens in some], np.float32)
        starts = np.cumsum([0, *map(len, cut)])[:-1]
        return unit(np.add.reduceat(rows, starts, axis=0))

    def passages(self, text: str) -> list[tuple[str, int]]:
        """A text cut between words into parts that the network sees whole, at least one; and the tokens of each."""
        text = clean(text)
        found = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        room, words = self._tokens - self.tokenizer.num_special_tokens_to_add(), found.word_ids()
        cuts = [0]
        while len(words) - cuts[-1] > room:
            last = cuts[-1] + room
            begins = (at for at in range(last, cuts[-1], -1) if words[at] != words[at - 1])
            cuts.append(next(begins, last))  # within a word where one is longer than all the room
        edges = [0, *(found["offset_mapping"][at][0] for at in cuts[1:]), len(text)]
        tokens = np.diff([*cuts, len(words)]).tolist()
        return [(text[start:end], max(1, many)) for (start, end), many in zip(pairwise(edges), tokens, strict=True)]

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
