"""What an encoder is: a batch of things in, one unit vector each out."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch
    from torch import nn

Vectors = NDArray[np.float32]
Thing = TypeVar("Thing", contravariant=True)
Same = TypeVar("Same")
TEXTS, PICTURES = "texts", "pictures"
"""What an encoder may read."""


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


class Networked(Protocol[Same]):
    """An encoder that is one network of PyTorch, which can be run otherwise (`encoders.fast`)."""

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def kind(self) -> str:
        """TEXTS or PICTURES."""
        ...

    @property
    def network(self) -> "nn.Module":
        """Takes `inputs` by name, gives (n, dim)."""
        ...

    @property
    def inputs(self) -> "Callable[[Sequence[Same]], dict[str, torch.Tensor]]":
        """What the network takes of a few things."""
        ...

    def batched(self, batch: Sequence[Same], run: Callable[[list[Same]], Vectors]) -> Vectors:
        """(n, dim) unit rows of what `run` gives for a few things at a time."""
        ...
