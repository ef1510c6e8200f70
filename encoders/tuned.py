"""An image encoder that was tuned on pictures with labels (`encoders.tune_images`), opened from its folder."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file

from encoders import lite
from encoders.base import Vectors
from encoders.errors import EncoderError
from encoders.image import BATCH, LITE0_SHA256
from encoders.weights import file_hash, unit

TUNED = "weft-images"
"""Files of a tuned encoder: the late half's tensors (.safetensors), and what is known of them (.json)."""


class TunedEncoder:
    """EfficientNet-Lite0 with a late half of one's own; the early half is the one that comes along."""

    dim = lite.WIDTH

    def __init__(self, folder: Path) -> None:
        """Raises EncoderError for files that are missing, changed, or not of this kind."""
        weights, about = folder / f"{TUNED}.safetensors", folder / f"{TUNED}.json"
        try:
            facts = json.loads(about.read_text(encoding="utf-8"))
            self.labels: list[str] = [str(label) for label in facts["labels"]]
            self.side, expected = int(facts["side"]), facts["sha256"]
            found = file_hash(weights)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EncoderError(f"{folder}: no {TUNED}.safetensors with its .json ({error}); tune it again") from None
        if found != expected:
            raise EncoderError(f"{weights} has SHA-256 {found}, expected {expected}; tune it again")
        early, late = lite.halves()
        network = lite.LateHalf(late, len(self.labels))
        try:
            network.load_state_dict(load_file(weights))
        except (SafetensorError, RuntimeError) as error:
            what = str(error).partition("\n")[0]
            raise EncoderError(f"{weights} does not hold a tuned encoder ({what}); tune it again") from None
        self._early, self._network = early, network.eval()
        self.centres: Vectors = unit(network.centres.detach().numpy())
        """(labels, 256) unit rows: the nearest to a picture's vector is its label."""
        self.name = str(folder)
        self.fingerprint = f"tuned-lite0-{self.side}/{LITE0_SHA256[:8]}-{found[:16]}"

    def encode(self, batch: Sequence[Image.Image]) -> Vectors:
        """(n, 256) unit rows."""
        rows = [self._rows(batch[at : at + BATCH]) for at in range(0, len(batch), BATCH)]
        return np.concatenate(rows) if rows else np.zeros((0, self.dim), np.float32)

    def _rows(self, pictures: Sequence[Image.Image]) -> Vectors:
        squares = [lite.whole(picture, self.side) for picture in pictures]
        return lite.vectors(self._network, lite.places(self._early, squares))
