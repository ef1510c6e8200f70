"""Exploration: places that are drawn by a softmax over the scores, with the exact chance of what was drawn.

    w(i) = (1 - even) * exp(score(i) / temperature) / sum over the shortlist + even / shortlist
    p(i | those above) = w(i) / sum of w over what is left and may stand

w is worked out once, over the whole shortlist, so that every place is a choice among the same weights (Luce 1959;
Plackett 1975): whatever is taken away by the places above or by rules, the chances of the rest keep their proportion.
p is known to the last bit and at least even / shortlist, so that what is logged can be weighed by 1 / p
(engine/evaluation/offpolicy.py).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from engine.config import Exploration


@dataclass(frozen=True)
class Draws:
    """How the last places of one list are drawn: `places` of them, from rows with log w, (shortlist,)."""

    places: int
    logs: NDArray[np.float64]
    rng: np.random.Generator

    def draw(self, rows: NDArray[np.int64]) -> tuple[int, float]:
        """One of the rows, and the chance that it had."""
        chances = among(self.logs, rows)
        at = int(self.rng.choice(len(rows), p=chances))
        return int(rows[at]), float(chances[at])


def among(logs: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """(rows,) the chance of each row where only these may be drawn."""
    return np.asarray(softmax(logs[rows]))


def log_weights(scores: NDArray[np.float64], settings: Exploration) -> NDArray[np.float64]:
    """(shortlist,) log w, from scores in deviations, best first. As logs, the least of them still have proportions."""
    best = scores[: settings.shortlist]
    if not len(best):
        return best
    with np.errstate(divide="ignore"):  # the log of 0 is that of what is left out
        soft, even = np.log(1 - settings.even), np.log(settings.even / len(best))
    return np.asarray(np.logaddexp(soft + log_softmax(best / settings.temperature), even))
