"""What an encoder is: a batch of things in, one unit vector each out."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Thing = TypeVar("Thing", contravariant=True)


class Encoder(Protocol[Thing]):
    """Turns texts or pictures into vectors.

    `name` is what people read, `dim` the width of a vector, and `fingerprint` changes whenever the same input could
    give another vector (weights, pooling, preprocessing): the embedding store keys on it.
    """

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    def encode(self, batch: Sequence[Thing]) -> Vectors:
        """Return (len(batch), dim) float32 rows of length 1; an input with nothing in it gives a row of zeros."""
        ...
