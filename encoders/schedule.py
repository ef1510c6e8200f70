"""The learning rate of every training here, as a share of the highest."""

import math


def warm_up_and_cosine(step: int, steps: int) -> float:
    """It rises over the first tenth of the steps, and falls to zero along a cosine over all of them."""
    return min((step + 1) / max(1, steps // 10), 0.5 + 0.5 * math.cos(math.pi * step / steps))
