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
from sklearn.linear_model import LogisticRegression

from engine import rerank
from engine.fusion import Fusion, Lists
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


def spread(fused: NDArray[np.float32], known: NDArray[np.bool_], share: float) -> NDArray[np.float32]:
    """(users,) deviation over the known items of `share` times scores (users, items); 1 where scores are all equal."""
    found = (fused[:, known] if known.any() else fused).std(axis=1) * share
    return np.where(found > EVEN, found, 1).astype(np.float32)


def fit(made: Sequence[Lists], fusion: Fusion, reranker: Reranker | None, depth: int) -> Calibration | None:
    """Learn from the `depth` best of lists over the fusion's signals; None where they do not tell what is chosen."""
    rows, labels = [np.zeros((0, 2), np.float32)], [np.zeros(0, bool)]
    for lists in made:
        fused = fusion.score(lists.signals, lists.trust, lists.known)
        best = rerank.best(fused, lists.allowed, depth)
        scores, share = fused[best.user, best.item], 1.0
        if reranker is not None:
            share = reranker.share
            table = rerank.feature_table(best, lists.signals[best.user, best.item], lists.trust, lists.known)
            scores = share * scores + reranker.correct(table)
        z = scores / spread(fused, lists.known, share)[best.user]
        rows.append(np.column_stack([z, lists.trust[best.user]]))
        labels.append(lists.chosen[best.user, best.item])
    chosen = np.concatenate(labels)
    if not 0 < chosen.sum() < len(chosen):
        return None
    model = LogisticRegression(C=1e3, max_iter=1000).fit(np.concatenate(rows).astype(np.float64), chosen)
    slope, trust = model.coef_[0].tolist()
    return Calibration(float(model.intercept_[0]), slope, trust) if slope > 0 else None
