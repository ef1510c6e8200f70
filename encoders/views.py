"""Views of a picture for training: another part of it, mirrored or not, in other light. (Inception crops, flips and
colour jitter, as ImageNet trunks are trained with; colours move little, for they tell products apart.)
"""

import math

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

AREA = (0.4, 1.0)
"""Share of the picture that a view shows."""
LONGEST = 4 / 3
"""How much longer one side of it may be than the other, before it is squeezed into a square."""
LIGHT = 0.3
"""Brightness, contrast and colour go up or down by as much."""
HUE = 0.02
"""Of the colour circle, either way."""


class View:
    """Draws views, each other than the last."""

    def __init__(self, side: int, rng: np.random.Generator) -> None:
        """`side` is the width and height of a view in pixels."""
        self._side, self._rng = side, rng

    def __call__(self, picture: Image.Image) -> Image.Image:
        """One view of an RGB picture."""
        rng = self._rng
        seen = picture.resize((self._side, self._side), Image.Resampling.BICUBIC, self._part(*picture.size))
        if rng.random() < 0.5:
            seen = ImageOps.mirror(seen)
        for change in rng.permutation(3):
            enhance = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)[change]
            seen = enhance(seen).enhance(rng.uniform(1 - LIGHT, 1 + LIGHT))
        return _turned(seen, rng.uniform(-HUE, HUE))

    def _part(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the part that is shown."""
        area = self._rng.uniform(*AREA) * width * height
        ratio = math.exp(self._rng.uniform(-math.log(LONGEST), math.log(LONGEST)))
        w, h = min(width, math.sqrt(area * ratio)), min(height, math.sqrt(area / ratio))
        left, top = self._rng.uniform(0, width - w), self._rng.uniform(0, height - h)
        return left, top, min(width, left + w), min(height, top + h)


def _turned(picture: Image.Image, hue: float) -> Image.Image:
    """With every hue moved along the colour circle, from 0 to 1."""
    bands = list(picture.convert("HSV").split())
    bands[0] = Image.fromarray(np.asarray(bands[0]) + np.uint8(round(hue * 256) % 256))
    return Image.merge("HSV", bands).convert("RGB")
