"""The heads of weft-small: linear maps that bring the vectors of its frozen trunks into one space.

Neither head has a bias and neither trunk moves, so what the open_clip model (clip.py) gives is the trunk's vector times
the head. Who has vectors of `efficientnet-lite0` or `minilm` already gets weft-small's from them for one product.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from encoders.base import Vectors
from encoders.errors import EncoderError
from encoders.weights import unit, vouched

DIM = 256
"""Width of weft-small's space."""
TEXT_HEAD, IMAGE_HEAD, SCALE = "text.proj.weight", "visual.head.proj.weight", "logit_scale"
"""Names of the trained tensors in the open_clip model: (256, 384), (256, 1280) and one number."""
MULTILINGUAL_HEAD = "multilingual.proj.weight"
"""(256, 512), from the vectors of `multilingual`: no part of the open_clip model, and not in all heads there are."""
MULTILINGUAL = 512
"""Width of a vector of `multilingual`."""
SHAPES = {TEXT_HEAD: (DIM, 384), IMAGE_HEAD: (DIM, 1280), SCALE: ()}
HEADS = "weft-small"
"""Files of weft-small: the trained tensors (.safetensors) and what is known of them (.json)."""
FOLDER = Path(__file__).parent / "weights"
"""Where the heads lie that come along."""


@dataclass(frozen=True)
class SmallHeads:
    """Both heads, and what tells them from heads trained otherwise."""

    tensors: dict[str, Vectors]
    """By their names in the open_clip model."""
    fingerprint: str
    """Of the file that they come from."""

    def text(self, vectors: Vectors) -> Vectors:
        """(n, 384) of `minilm` to (n, 256) unit rows; rows of zeros stay."""
        return self._through(TEXT_HEAD, vectors)

    def image(self, vectors: Vectors) -> Vectors:
        """(n, 1280) of `efficientnet-lite0` to (n, 256) unit rows; rows of zeros stay."""
        return self._through(IMAGE_HEAD, vectors)

    @property
    def reads_many_languages(self) -> bool:
        return MULTILINGUAL_HEAD in self.tensors

    def multilingual(self, vectors: Vectors) -> Vectors:
        """(n, 512) of `multilingual` to (n, 256) unit rows; only where they read many languages."""
        return self._through(MULTILINGUAL_HEAD, vectors)

    def _through(self, name: str, vectors: Vectors) -> Vectors:
        head = self.tensors[name]
        if vectors.ndim != 2 or vectors.shape[1] != head.shape[1]:
            raise EncoderError(
                f"vectors of shape {vectors.shape}; weft-small's heads take (n, {SHAPES[TEXT_HEAD][1]}) of `minilm`, "
                f"(n, {MULTILINGUAL}) of `multilingual` and (n, {SHAPES[IMAGE_HEAD][1]}) of `efficientnet-lite0`"
            )
        return unit(np.asarray(vectors, np.float32) @ head.T)


def load_heads(folder: Path = FOLDER) -> SmallHeads:
    """The heads in `folder`: without one, those that come along.

    Raises EncoderError for heads that are missing, not what their .json says, or not weft-small's.
    """
    tensors, found = vouched(folder, HEADS)
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if shapes not in (SHAPES, SHAPES | {MULTILINGUAL_HEAD: (DIM, MULTILINGUAL)}):
        raise EncoderError(f"{folder / HEADS}.safetensors does not hold the heads of weft-small; train it again")
    return SmallHeads(tensors, found[:16])
