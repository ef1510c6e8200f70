"""From histories to ranked items: generators, fusion, reranker, each with what it added."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine import calibration, fusion, rerank
from engine.calibration import Calibration
from engine.candidates import Features, Generator
from engine.fusion import Fusion
from engine.history import Histories
from engine.rerank import Candidates, Reranker

BATCH_FLOATS = 50_000_000
"""Most floats of signals held at once (200 MB); users are ranked in batches below it."""


Arrange = Callable[[Candidates, NDArray[np.float32], int], tuple[NDArray[np.int64], Candidates]]
"""From candidates, best first by user, and their scores, (rows,), to at most n rows a user in the order of the list."""


@dataclass(frozen=True)
class Ranked:
    """The best items of some users, flat, best first. Shapes: candidates and scores (rows,), parts (rows, parts)."""

    candidates: Candidates
    scores: NDArray[np.float32]
    parts: NDArray[np.float32]
    """What each part added; a row sums to its score, less what was lifted."""
    spread: NDArray[np.float32]
    """(users,) standard deviation of the user's scores over the known items: the unit of `lift`."""
    chances: NDArray[np.float32] | None = None
    """(rows,) that the user chooses the item next; what was lifted is no likelier for it."""


@dataclass(frozen=True)
class Ranker:
    generators: Sequence[Generator]
    fusion: Fusion
    reranker: Reranker | None
    features: Features
    known: NDArray[np.bool_]
    """(items,) items that had history when the generators were fitted."""
    calibration: Calibration | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that a score is made of."""
        names = [name.split(".")[0] for name in self._columns()]
        return tuple(dict.fromkeys([*names, "base"]))

    def _columns(self) -> list[str]:
        return rerank.feature_names(self.fusion.names) if self.reranker else list(self.fusion.names)

    def batches(self, histories: Histories) -> list[NDArray[np.int64]]:
        """Rows of `histories` in batches that fit the memory budget."""
        size = max(1, BATCH_FLOATS // max(1, len(self.features) * len(self.fusion.names)))
        return [np.arange(at, min(at + size, len(histories))) for at in range(0, len(histories), size)]

    def rank(
        self,
        histories: Histories,
        allowed: NDArray[np.bool_],
        n: int,
        explain: bool = True,
        lift: NDArray[np.float32] | None = None,
        arrange: Arrange | None = None,
        depth: int = 0,
    ) -> Ranked:
        """The best `n` of the allowed items, (users, items), for each history; all of them fit one batch.

        `lift` (users, items) is added to the scores, in units of the user's spread. `arrange` puts the candidates,
        `depth` a user at least, into another order than that of their scores.
        """
        signals = fusion.standardised(self.generators, histories, self.known)
        trust = fusion.trust(histories)
        fused = self.fusion.score(signals, trust, self.known)
        spread = calibration.spread(fused, self.known, self._share)
        if lift is not None:
            lift = lift * spread[:, None]
        depth = max(n, depth, self.reranker.depth if self.reranker else 0)
        best = rerank.best(fused if lift is None else fused + lift / self._share, allowed, depth)
        scores = fused[best.user, best.item]
        table = None
        if self.reranker is not None:
            table = rerank.feature_table(best, signals, trust, self.known)
            scores = self.reranker.share * scores + self.reranker.correct(table)
        chances = None
        if self.calibration is not None:
            chances = self.calibration.chance(scores / spread[best.user], trust[best.user])
        if lift is not None:
            scores = scores + lift[best.user, best.item]
        rows, cut = (arrange or top)(best, scores, n)
        parts = np.zeros((len(rows), 0), np.float32)
        if explain:
            parts = self._parts(cut, signals, trust, None if table is None else table[rows])
        return Ranked(cut, scores[rows], parts, spread, None if chances is None else chances[rows])

    @property
    def _share(self) -> float:
        """What the fused score weighs in the final one."""
        return self.reranker.share if self.reranker else 1.0

    def _parts(
        self,
        rows: Candidates,
        signals: NDArray[np.float32],
        trust: NDArray[np.float32],
        table: NDArray[np.float32] | None,
    ) -> NDArray[np.float32]:
        """(rows, parts) exact contributions: the fused terms and the trees' SHAP values, summed by part."""
        new = (~self.known[rows.item]).astype(int)
        gates = self.fusion.gates(trust)[new, rows.user]  # (rows, signals)
        terms = signals[rows.user, rows.item] * gates
        base = self.fusion.offset[new]
        if self.reranker is not None and table is not None:
            shap = self.reranker.terms(table)
            width = terms.shape[1]
            terms = np.hstack([self.reranker.share * terms + shap[:, :width], shap[:, width:-1]])
            base = self.reranker.share * base + shap[:, -1]
        owners = [self.parts.index(name.split(".")[0]) for name in self._columns()]
        result = np.zeros((len(terms), len(self.parts)), np.float32)
        np.add.at(result.T, owners, terms.T)
        result[:, -1] += base
        return result


def top(candidates: Candidates, scores: NDArray[np.float32], n: int) -> tuple[NDArray[np.int64], Candidates]:
    """Row numbers of the `n` best of each user, best first (ties by item), and those rows as candidates."""
    order = np.lexsort((candidates.item, -scores, candidates.user))
    starts = np.cumsum(candidates.sizes) - candidates.sizes
    place = np.arange(len(order)) - np.repeat(starts, candidates.sizes)
    rows = order[place < n]
    sizes = np.minimum(candidates.sizes, n)
    return rows, Candidates(candidates.user[rows], candidates.item[rows], sizes)
