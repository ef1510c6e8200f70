"""Popularity: how many users chose an item, the same for everybody."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.candidates.base import Features, Scores, Tensors
from engine.history import Histories

NAME = "popularity"


@dataclass(frozen=True)
class Popularity:
    """log(1 + users who chose the item), (items,)."""

    log_count: NDArray[np.float32]
    name: str = NAME
    signals: tuple[str, ...] = (NAME,)

    def score(self, histories: Histories) -> Scores:
        return np.broadcast_to(self.log_count, (1, len(histories), len(self.log_count)))

    @property
    def places(self) -> Scores:
        return self.log_count[:, None]

    def points(self, histories: Histories) -> Scores:
        return np.ones((1, len(histories), 1), np.float32)

    def credit(self, history: Histories, item: int) -> Scores:
        return np.zeros((1, len(history.items)), np.float32)

    def grow(self, features: Features) -> "Popularity":
        return replace(self, log_count=np.pad(self.log_count, (0, len(features))))

    def change(self, rows: NDArray[np.int64], features: Features, known: NDArray[np.bool_]) -> "Popularity":
        return self

    def tensors(self) -> Tensors:
        return {"log_count": self.log_count}


def fit(histories: Histories) -> Popularity:
    return Popularity(np.log1p(np.asarray(histories.seen().sum(axis=0)).ravel()).astype(np.float32))
