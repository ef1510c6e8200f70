"""Encoders: text and pictures in, unit vectors out, each content encoded once."""

from pathlib import Path

from PIL import Image

from encoders.base import Encoder, Vectors
from encoders.errors import EncoderError, PictureError
from encoders.store import EmbeddingStore, Encoded

__all__ = [
    "EmbeddingStore", "Encoded", "Encoder", "EncoderError", "PictureError", "Vectors", "open_image", "open_text",
]  # fmt: skip


def open_text(spec: str) -> Encoder[str]:
    """A text encoder: `multilingual`, `minilm`, a directory, or a hub id. Raises EncoderError."""
    from encoders import text  # torch and transformers load only when an encoder is opened

    return text.MultilingualEncoder() if spec == "multilingual" else text.BertEncoder(spec)


def open_image(spec: str) -> Encoder[Image.Image]:
    """An image encoder: `efficientnet-lite0`, or open_clip as MODEL:CHECKPOINT or hf-hub:ID. Raises EncoderError."""
    from encoders import clip, image

    if spec == "efficientnet-lite0":
        return image.TrunkEncoder()
    model, _, checkpoint = spec.partition(":")
    return clip.ClipModel(model, Path(checkpoint) if checkpoint else None).image
