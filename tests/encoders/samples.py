"""What the tests of the encoders share; quick to import."""

import numpy as np
from PIL import Image


def drawn(seed, size=(48, 40)):
    """A picture of coloured noise, smooth enough that a resize keeps it."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    return coarse.resize(size, Image.Resampling.BICUBIC)


class Counting:
    """An encoder that is quick and says what it was asked, for tests of the store and not of the vectors."""

    name, dim = "counting", 4

    def __init__(self, fingerprint="counting/1"):
        self.fingerprint = fingerprint
        self.asked = []

    def encode(self, batch):
        self.asked += list(batch)
        rows = np.array([[len(str(thing)) + 1, 1, 2, 3] for thing in batch], np.float32).reshape(-1, 4)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)
