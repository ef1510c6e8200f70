"""Search with a picture: how much the pictures of items look like one that is given, alone or beside words.

Pictures are compared where the image encoder puts them, not in the space that weft-small shares with words: that one
keeps what words say and forgets the rest (docs/search.md has the figures).
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders import PictureError, Vectors, pictures
from engine.errors import DataError
from engine.search.vectors import QueryEncoders

Picture = Path | str | bytes | Image.Image
"""The path of a file, the bytes of one, or a picture in memory."""
LOOKS = "looks"
"""The signal's name among the contributions."""
SHARE = 0.5
"""What the picture weighs beside words; the words have the rest. Chosen on the shop of seed 0."""

Scores = NDArray[np.float64]


def opened(picture: Picture) -> Image.Image:
    """A picture that an encoder can read: upright, RGB, the first frame of an animated one.

    Raises DataError, with the reason, for what is no picture, damaged, or beyond the limits of `encoders.pictures`.
    """
    try:
        return pictures.load(Path(picture) if isinstance(picture, str) else picture)
    except PictureError as error:
        name = f"{picture}: " if isinstance(picture, (str, Path)) else ""
        raise DataError(f"{name}the picture cannot be used: {error}") from None


def looks(picture: Picture, queries: QueryEncoders, items: Vectors) -> Scores:
    """(items,) how much each looks like the picture, from 0 to 1 for the one that does most.

    `items` (items, dim) are their picture vectors; without a picture an item has zeros, and 0 here. What is no nearer
    than the mean item has 0 too. Raises DataError where no item has a picture vector, and as `opened` does.
    """
    shown = items.any(axis=1)
    if not queries.settings.image or not shown.any():
        raise DataError(
            "this engine cannot compare pictures: "
            + ("no item has a picture" if queries.settings.image else "it was built without encoders.image")
        )
    cosine: Scores = (items @ queries.picture(opened(picture))).astype(np.float64)
    floor = float(cosine[shown].mean())
    above = np.where(shown, np.maximum(cosine - floor, 0), 0)
    best = float(above.max())
    # One item, or many of the same look: nothing is nearer than the mean, and all with a picture fit alike.
    return np.asarray(above / best if best > 1e-6 else shown, np.float64)


def beside(words: Mapping[str, Scores], look: Scores | None) -> dict[str, Scores]:
    """By signal, (items,) what it adds to the scores: words and look share the weight, and either alone has all."""
    if look is None:
        return dict(words)
    share = SHARE if words else 1.0
    return {name: (1 - share) * scores for name, scores in words.items()} | {LOOKS: share * look}
