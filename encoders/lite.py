"""EfficientNet-Lite0 in two halves: an early one that stays as ImageNet left it, a late one that can be tuned.

Batch normalisation is folded into the convolutions: with its statistics frozen it is a factor and a shift for each
channel, and without it a step of training takes two thirds of the time. The early half takes most of the time of a
forward step, and what it gives is the same in every epoch: made once for each view of a picture, an epoch of tuning
runs the late half only.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import dropout, normalize
from torch.nn.utils.fusion import fuse_conv_bn_weights

from encoders.base import Vectors
from encoders.image import BATCH, lite0_trunk

CUT = 4
"""Stages of blocks in the early half; three and the last convolution are in the late one, with .98 of the weights."""
CHANNELS, STEP = 80, 16
"""Of what the early half gives: a place for every 16 pixels across and down."""
WIDTH = 256
"""Numbers of a tuned vector."""
POINTWISE = r".*\.conv_pwl?|3"
"""Names of the pointwise convolutions of the late half; the last one has its place as its name."""


def halves() -> tuple[nn.Module, nn.Module]:
    """(n, 3, side, side) to (n, 80, side / 16, side / 16), and that to pooled features (n, 1280)."""
    trunk = lite0_trunk()
    _fold(trunk)
    trunk.requires_grad_(True)
    blocks = list(trunk.blocks)  # type: ignore[arg-type]  # torch types modules loosely
    early = nn.Sequential(trunk.conv_stem, trunk.bn1, *blocks[:CUT])  # type: ignore[arg-type]
    late = nn.Sequential(*blocks[CUT:], trunk.conv_head, trunk.bn2, trunk.global_pool)  # type: ignore[arg-type]
    last = torch.channels_last
    return early.to(memory_format=last).eval().requires_grad_(False), late.to(memory_format=last)


def _fold(module: nn.Module) -> None:
    """Put every batch normalisation into the convolution before it, and leave its activation in its place."""
    before: nn.Conv2d | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and before is not None:
            mean, variance = child.running_mean, child.running_var
            assert mean is not None and variance is not None
            before.weight, before.bias = fuse_conv_bn_weights(
                before.weight, before.bias, mean, variance, child.eps, child.weight, child.bias
            )
            setattr(module, name, child.act)
            before = None
        elif isinstance(child, nn.Conv2d):
            before = child
        else:
            _fold(child)


class LateHalf(nn.Module):
    """The late half, a linear map of its features to a unit vector, and one vector for each label (cosine softmax)."""

    def __init__(self, late: nn.Module, labels: int, hidden: float = 0.0) -> None:
        """`hidden` is the share of features that are dropped in training."""
        super().__init__()
        self.late, self.hidden = late, hidden
        self.embed = nn.Linear(1280, WIDTH, bias=False)
        self.centres = nn.Parameter(torch.randn(labels, WIDTH) / 16)

    def vectors(self, places: torch.Tensor) -> torch.Tensor:
        """(n, 80, h, w) of the early half to (n, 256) unit rows."""
        return normalize(self.embed(dropout(self.late(places), self.hidden, self.training)), dim=1)

    def forward(self, places: torch.Tensor) -> torch.Tensor:
        """(n, labels) cosines."""
        return self.vectors(places) @ normalize(self.centres, dim=1).T


def with_lora(late: nn.Module, rank: int) -> Any:
    """The late half as a peft model, in which only LoRA (Hu et al. 2022) beside the pointwise convolutions learns.

    Those hold .94 of its weights. `merge_and_unload()` gives a plain late half again.
    """
    from peft import LoraConfig, get_peft_model

    return get_peft_model(late, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=POINTWISE))


def tensor(picture: Image.Image) -> torch.Tensor:
    """(3, height, width) from -1 to 1."""
    return torch.from_numpy(np.asarray(picture, np.float32) / 127.5 - 1).permute(2, 0, 1)


def whole(picture: Image.Image, side: int) -> Image.Image:
    """The picture squeezed into a square: nothing that may tell a product is cut off."""
    return picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)


@torch.inference_mode()
def places(early: nn.Module, pictures: Sequence[Image.Image]) -> torch.Tensor:
    """(n, 80, side / 16, side / 16) of square pictures of one size."""
    chunks = [pictures[at : at + BATCH] for at in range(0, len(pictures), BATCH)]
    return torch.cat([early(laid_out(torch.stack([tensor(one) for one in chunk]))) for chunk in chunks])


@torch.inference_mode()
def vectors(network: LateHalf, seen: torch.Tensor) -> Vectors:
    """(n, 256) unit rows of what the early half gave, (n, 80, h, w), in any precision."""
    chunks = [laid_out(seen[at : at + BATCH].float()) for at in range(0, len(seen), BATCH)]
    return np.asarray(torch.cat([network.vectors(chunk) for chunk in chunks]).numpy(), np.float32)


def laid_out(images: torch.Tensor) -> torch.Tensor:
    """The same numbers, channels last in memory, which convolutions here are faster with."""
    return images.contiguous(memory_format=torch.channels_last)
