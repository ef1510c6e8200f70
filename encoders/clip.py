"""The CLIP family: words and pictures in one space (Radford et al. 2021), through open_clip."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from encoders.base import Vectors
from encoders.errors import EncoderError
from encoders.weights import file_hash, unit

BATCH = 32


class ClipImageEncoder:
    """The picture side of a CLIP model."""

    def __init__(self, name: str, dim: int, fingerprint: str, encode: Callable[[list[Image.Image]], Vectors]) -> None:
        self.name, self.dim, self.fingerprint, self._encode = name, dim, fingerprint, encode

    def encode(self, batch: Sequence[Image.Image]) -> Vectors:
        """(n, dim) unit rows in the space of the texts."""
        rows = [self._encode(list(batch[at : at + BATCH])) for at in range(0, len(batch), BATCH)]
        return unit(np.concatenate(rows)) if rows else np.zeros((0, self.dim), np.float32)


class ClipTextEncoder:
    """The text side of a CLIP model."""

    def __init__(self, name: str, dim: int, fingerprint: str, encode: Callable[[list[str]], Vectors]) -> None:
        self.name, self.dim, self.fingerprint, self._encode = name, dim, fingerprint, encode

    def encode(self, batch: Sequence[str]) -> Vectors:
        """(n, dim) unit rows in the space of the pictures; a blank text is a row of zeros."""
        result = np.zeros((len(batch), self.dim), np.float32)
        rows = [row for row, text in enumerate(batch) if text.strip()]
        for at in range(0, len(rows), BATCH):
            some = rows[at : at + BATCH]
            result[some] = self._encode([batch[row] for row in some])
        return unit(result)


class ClipModel:
    """An open_clip model by name (`ViT-B-32`) with a local checkpoint, or by hub id (`hf-hub:org/model`)."""

    def __init__(self, name: str, checkpoint: Path | None = None) -> None:
        import open_clip

        if checkpoint is not None and checkpoint.suffix != ".safetensors":
            raise EncoderError(
                f"{checkpoint}: only .safetensors checkpoints are read; convert it with safetensors.torch"
            )
        if checkpoint is None and not name.startswith("hf-hub:"):
            raise EncoderError(
                f"{name}: name a checkpoint as {name}:weights.safetensors, or a hub id as hf-hub:org/model"
            )
        try:
            self._model, _, self._transform = open_clip.create_model_and_transforms(
                name, pretrained=str(checkpoint) if checkpoint else None, weights_only=True
            )
        except (RuntimeError, OSError, ValueError) as error:
            raise EncoderError(f"image encoder {name!r}: {str(error).splitlines()[0]}") from None
        self._model.eval()
        self._tokenizer = open_clip.get_tokenizer(name)
        mark = file_hash(checkpoint)[:16] if checkpoint else "hub"
        dim = int(self._model.encode_text(self._tokenizer(["a"])).shape[1])
        self.image = ClipImageEncoder(name, dim, f"open-clip/{name}/{mark}/image", self._pictures)
        self.text = ClipTextEncoder(name, dim, f"open-clip/{name}/{mark}/text", self._texts)

    @torch.inference_mode()
    def _pictures(self, pictures: list[Image.Image]) -> Vectors:
        stacked = torch.stack([self._transform(picture) for picture in pictures])
        return np.asarray(self._model.encode_image(stacked).numpy(), np.float32)

    @torch.inference_mode()
    def _texts(self, texts: list[str]) -> Vectors:
        return np.asarray(self._model.encode_text(self._tokenizer(texts)).numpy(), np.float32)
