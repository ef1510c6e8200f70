"""From scores to chances: the probability that a user chooses an item among their next events.

    p(u, i) = 1 / (1 + exp(-(bias + slope * z(u, i) + trust * l(u))))

z is the score in units of the user's spread and l the log of the history's length (see fusion.py). Next events are as
many as are held out to judge by: the share `evaluation.test_share` of a history, one at least. Whoever has chosen more
chooses more, hence l. Platt's scaling (1999), learned from lists whose answers neither generators nor fusion nor
reranker had seen. `slope` is above 0, so the order of chances is that of scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from engine import rerank
from engine.fusion import Fusion
from engine.lists import Lists
from engine.rerank import Reranker

EVEN = 1e-6
"""A deviation below it is rounding: the scores are equal."""


@dataclass(frozen=True)
class Calibration:
    bias: float
    slope: float
    trust: float

    def chance(self, z: NDArray[np.float32], trust: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows,) probabilities, from scores in units of the user's spread and the user's trust."""
        return np.asarray(expit(self.bias + self.slope * z + self.trust * trust), np.float32)


def unit(spread: NDArray[np.float32]) -> NDArray[np.float32]:
    """(users,) what scores are divided by: their spread over the known items, or 1 where they are all equal."""
    return np.where(spread > EVEN, spread, 1).astype(np.float32)


def fit(made: Sequence[Lists], fusion: Fusion, reranker: Reranker | None, depth: int) -> Calibration | None:
    """Learn from the `depth` best of lists over the fusion's signals; None where they do not tell what is chosen."""
    share = reranker.share if reranker else 1.0
    told, labels = [np.zeros((0, 2), np.float32)], [np.zeros(0, bool)]
    for lists in made:
        rows = rerank.table(lists, fusion, depth)
        scores = share * rows.fused + (reranker.correct(rows.features) if reranker else 0)
        user = np.repeat(np.arange(len(rows.sizes)), rows.sizes)
        told.append(np.column_stack([scores / unit(share * fusion.spread(lists))[user], lists.trust[user]]))
        labels.append(rows.chosen)
    chosen = np.concatenate(labels)
    if not 0 < chosen.sum() < len(chosen):
        return None
    from sklearn.linear_model import LogisticRegression  # a second of imports, and not for those who ask

    model = LogisticRegression(C=1e3, max_iter=1000).fit(np.concatenate(told).astype(np.float64), chosen)
    slope, trust = model.coef_[0].tolist()
    return Calibration(float(model.intercept_[0]), slope, trust) if slope > 0 else None
