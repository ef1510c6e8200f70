"""From histories to ranked items: generators, fusion, reranker, each with what it added."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine import calibration, fusion, rerank
from engine.calibration import Calibration
from engine.candidates import Features, Generator
from engine.fusion import Fusion, Signals
from engine.history import Histories
from engine.rerank import Candidates, Reranker
from engine.signals import Frame

BATCH_FLOATS = 50_000_000
"""Most floats of signals that a benchmark holds at once (200 MB)."""
EXTRA = 6
"""Arrays as large as a signal that come beside the signals: the fused score, what may be shown, who is before whom."""

Arrange = Callable[[Candidates, NDArray[np.float32], NDArray[np.float32], int], tuple[NDArray[np.int64], Candidates]]
"""From candidates, best first by user, their scores, (rows,), and the users' spread, (users,), to at most n rows a user
in the order of the list."""


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
    batch_mib: int = 64
    """Most MiB of numbers, a score of an item by a signal each, that are held at once: users are ranked in batches."""

    @cached_property
    def _frame(self) -> Frame:
        return Frame(self.generators, self.known)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that a score is made of."""
        names = [name.split(".")[0] for name in self._columns()]
        return tuple(dict.fromkeys([*names, "base"]))

    def _columns(self) -> list[str]:
        return rerank.feature_names(self.fusion.names) if self.reranker else list(self.fusion.names)

    def batches(self, histories: Histories) -> list[NDArray[np.int64]]:
        """Rows of `histories` in batches that fit the memory budget."""
        size = max(1, self.batch_mib * 2**18 // max(1, len(self.features) * (len(self.fusion.names) + EXTRA)))
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
        wanted: Sequence[tuple[NDArray[np.bool_], int]] = (),
    ) -> Ranked:
        """The best `n` of the allowed items, (users, items), for each history; all of them fit one batch.

        `lift` (users, items) is added to the scores, in units of the user's spread. `arrange` puts the candidates,
        `depth` a user at least, into another order than that of their scores. Of each of the `wanted` (users, items)
        so many of the best allowed ones are candidates in any case.
        """
        signals, trust = self._frame.signals(histories), fusion.trust(histories)
        gates = self.fusion.gates(trust)
        fused = signals.weighed(gates, self.fusion.offset)
        spread = calibration.unit(signals.spread(fused) * self._share)
        if lift is not None:
            lift = lift * spread[:, None]
        depth = max(n, depth, self.reranker.depth if self.reranker else 0)
        lifted = fused if lift is None else fused + lift / self._share
        best = rerank.best(lifted, allowed, depth)
        for mask, number in wanted:
            best = rerank.joined(best, rerank.best(lifted, allowed & mask, number), lifted)
        scores = fused[best.user, best.item]
        table = rerank.feature_table(best, signals.at(best.user, best.item), trust, self.known[best.item])
        if self.reranker is not None:
            scores = self.reranker.share * scores + self.reranker.correct(table)
        chances = None
        if self.calibration is not None:
            chances = self.calibration.chance(scores / spread[best.user], trust[best.user])
        if lift is not None:
            scores = scores + lift[best.user, best.item]
        rows, cut = top(best, scores, n) if arrange is None else arrange(best, scores, spread, n)
        parts = np.zeros((len(rows), 0), np.float32)
        if explain:
            parts = self._parts(cut, gates, table[rows])
        return Ranked(cut, scores[rows], parts, spread, None if chances is None else chances[rows])

    @property
    def _share(self) -> float:
        """What the fused score weighs in the final one."""
        return self.reranker.share if self.reranker else 1.0

    def _parts(self, rows: Candidates, gates: Signals, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows, parts) exact contributions: the fused terms and the trees' SHAP values, summed by part.

        `gates` is (2, users, signals), `table` (rows, features).
        """
        new = (~self.known[rows.item]).astype(int)
        width = len(self.fusion.names)
        terms = table[:, :width] * gates[new, rows.user]
        base = self.fusion.offset[new]
        if self.reranker is not None:
            shap = self.reranker.terms(table)
            terms = np.hstack([self.reranker.share * terms + shap[:, :width], shap[:, width:-1]])
            base = self.reranker.share * base + shap[:, -1]
        result: NDArray[np.float32] = terms @ self._owners
        result[:, -1] += base
        return result

    @cached_property
    def _owners(self) -> NDArray[np.float32]:
        """(columns, parts) 1 where a column speaks for a part."""
        owners = np.array([name.split(".")[0] for name in self._columns()])
        return np.asarray(owners[:, None] == np.array(self.parts), np.float32)


def top(candidates: Candidates, scores: NDArray[np.float32], n: int) -> tuple[NDArray[np.int64], Candidates]:
    """Row numbers of the `n` best of each user, best first (ties by item), and those rows as candidates."""
    order = np.lexsort((candidates.item, -scores, candidates.user))
    starts = np.cumsum(candidates.sizes) - candidates.sizes
    place = np.arange(len(order)) - np.repeat(starts, candidates.sizes)
    rows = order[place < n]
    sizes = np.minimum(candidates.sizes, n)
    return rows, Candidates(candidates.user[rows], candidates.item[rows], sizes)


def placed(
    candidates: Candidates, scores: NDArray[np.float32], choose: Callable[[int, NDArray[np.int64]], Sequence[int]]
) -> tuple[NDArray[np.int64], Candidates]:
    """As `top`, where `choose` picks: of a user and of their rows, best first, the places that make the list."""
    order, cut = top(candidates, scores, int(candidates.sizes.max(initial=0)))
    kept, sizes, at = [np.zeros(0, np.int64)], [], 0
    for user, size in enumerate(cut.sizes.tolist()):
        rows = order[at : at + size]
        kept.append(rows[list(choose(user, rows))])
        sizes.append(len(kept[-1]))
        at += size
    chosen = np.concatenate(kept)
    return chosen, Candidates(candidates.user[chosen], candidates.item[chosen], np.array(sizes, np.int64))
