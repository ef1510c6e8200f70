"""Films by their pictures: the mean of what an image encoder makes of frames, evenly over the length.

Mean pooling of frames is the plain baseline of text-to-video retrieval (CLIP4Clip, Luo et al. 2022, its parameter-free
form): it knows what is seen, not in which order.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from encoders.base import Encoder, Vectors
from encoders.media import FRAMES, SIDE
from encoders.weights import unit

Film = Sequence[Image.Image]
"""Frames in order of time."""


class FramesEncoder:
    """Films, as `encoders.media.frames` gives them, in the space of an image encoder."""

    def __init__(self, image: Encoder[Image.Image]) -> None:
        self._image = image
        self.name, self.dim = f"frames of {image.name}", image.dim
        self.fingerprint = f"frames-{FRAMES}-{SIDE}/{image.fingerprint}"

    def encode(self, batch: Sequence[Film]) -> Vectors:
        """(n, dim) unit rows; a film without frames gives zeros."""
        films = [self._image.encode(film).mean(axis=0) if len(film) else np.zeros(self.dim) for film in batch]
        return unit(np.array(films, np.float32)) if films else np.zeros((0, self.dim), np.float32)
