"""The course of a tuning by an adapter: epochs of AdamW, of which the best on pairs kept aside is kept; it can be cut.

The model as it begins is one of those compared: if no epoch is better, nothing was learned that is worth keeping.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from encoders.checkpoint import Checkpoint
from encoders.schedule import warm_up_and_cosine

K = 10
"""Of the recall by which epochs are compared."""
FEWEST_PAIRS = 50
Progress = Callable[[int, int], None]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Settings:
    """How to tune; the same settings and pairs give the same adapter on the same machine."""

    seed: int = 0
    kind: str = "lora"
    rank: int = 8
    epochs: int = 4
    """At most; tuning ends when `patience` epochs have not raised recall@10 on the pairs kept aside."""
    patience: int = 2
    batch: int = 32
    learning_rate: float = 1e-3
    """The highest, after a tenth of the steps; from there it falls to zero along a cosine."""
    weight_decay: float = 0.01
    valid_share: float = 0.1

    def steps(self, pairs: int) -> int:
        """Of an epoch of so many pairs, all of one size: what is left over waits for another epoch."""
        return pairs // min(self.batch, pairs)


class Course(ABC):
    """A training of what in a model requires a gradient, by pairs: row `left[i]` belongs to row `right[i]`, (m,) each.

    What the rows are of, and what is learned of some pairs, a subclass says.
    """

    def __init__(self, model: Any, left: Rows, right: Rows, settings: Settings, steps: int) -> None:
        self.model, self.left, self.right, self.settings, self.steps = model, left, right, settings, max(1, steps)
        self.learned = nn.ParameterList([one for one in model.parameters() if one.requires_grad])
        self.optimizer = torch.optim.AdamW(
            self.learned.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )

    @abstractmethod
    def loss(self, some: Rows) -> torch.Tensor:
        """Of the pairs `some` (b,)."""

    @abstractmethod
    def recall(self, valid: Rows) -> float:
        """Of the model as it is, on the pairs `valid`."""

    def run(
        self, train: Rows, valid: Rows, checkpoint: Path | None = None, progress: Progress | None = None
    ) -> list[float]:
        """Train, and end with the best epoch; returns recall on `valid` before and after each.

        The `checkpoint` is for a tuning that is cut; AdaLoRA has none, for it would not hold the choice of ranks.
        """
        if self.settings.kind == "adalora":
            checkpoint = None
        best = deepcopy(self.learned)
        task = (asdict(self.settings), torch.from_numpy(self.left), torch.from_numpy(self.right))
        kept = Checkpoint(checkpoint, task, self.learned, best, self.optimizer)
        curve = [float(value or 0) for value in kept.resume()] or [self.recall(valid)]
        for epoch in range(len(curve) - 1, self.settings.epochs):
            self.epoch(epoch, train, progress)
            curve.append(self.recall(valid))
            if curve[-1] > max(curve[:-1]):
                best.load_state_dict(self.learned.state_dict())
            kept.keep([*curve])
            if len(curve) - 1 - int(np.argmax(curve)) >= self.settings.patience:
                break
        self.learned.load_state_dict(best.state_dict())
        if self.settings.kind == "adalora":
            # The choice of ranks may be of a later epoch than the best, and peft would save no other; what it leaves
            # out is zero from then on anyway.
            self.model.peft_config["default"].rank_pattern = None
        self.model.eval()
        kept.forget()
        return curve

    def epoch(self, number: int, train: Rows, progress: Progress | None) -> None:
        settings = self.settings
        self.model.train()
        for module in self.model.modules():
            if isinstance(module, _BatchNorm):
                module.eval()  # its statistics are numbers of the base, which does not move
        torch.manual_seed(settings.seed * 1000 + number)
        batch, each = min(settings.batch, len(train)), settings.steps(len(train))
        order = np.random.default_rng((settings.seed, number)).permutation(train)[: each * batch]
        for step, some in enumerate(np.split(order, each), number * each):
            for group in self.optimizer.param_groups:
                group["lr"] = settings.learning_rate * warm_up_and_cosine(step, self.steps)
            self.optimizer.zero_grad()
            self.loss(some).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.learned.parameters(), 1.0)
            self.optimizer.step()
            if settings.kind == "adalora":
                self.model.base_model.update_and_allocate(step)
            if progress:
                progress(step + 1, self.steps)


def aside(groups: Rows, share: float, seed: int) -> NDArray[np.bool_]:
    """(m,) which pairs are kept aside, all of a group together: a share of the groups, drawn by the seed.

    At least twice K: of fewer nearly all would be among the first K.
    """
    known = np.unique(groups)
    drawn = np.random.default_rng(seed).permutation(known)[: max(2 * K, round(share * len(known)))]
    return np.isin(groups, drawn)
