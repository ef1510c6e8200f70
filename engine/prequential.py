"""Lists of what came after a ranker was made: it is asked for new events before it learns from them (Dawid 1984).

Nothing has to be fitted a second time for that, since what was made before had not seen the answers. The kinds of lists
are those of cases.py: warm (who has new events, asked for the last of them), short (who has just arrived, the first few
events shown) and cold (items that nobody had met, among themselves).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine import listwise
from engine.cases import DRAWS, LIST_FLOATS, Case, arrived, candidates
from engine.config import Config
from engine.evaluation import metrics
from engine.gating import pooled
from engine.history import Histories
from engine.lists import joined
from engine.ranker import Ranker


@dataclass(frozen=True)
class Stream:
    """Histories of the same users in the same order, over the same items, as they grow."""

    whole: Histories
    step: NDArray[np.int8]
    """(events,) 0 for what was learned from already, then 1, 2 and so on."""

    def upto(self, step: int) -> Histories:
        return self.whole.select(self.step <= step)

    def of(self, step: int) -> Histories:
        return self.whole.select(self.step == step)


def cases(ranker: Ranker, stream: Stream, step: int, config: Config, rng: np.random.Generator) -> list[Case]:
    """Lists that ask a ranker, which has learned all before a step, for the events of that step."""
    known, made = ranker.known, list[Case]()
    names = ranker.fusion.names
    generators = [one for one in ranker.generators if set(one.signals) & set(names)]
    before, after = stream.upto(step - 1), stream.upto(step)
    new = (stream.step == step)[stream.step <= step]
    everything = np.ones(after.n_items, bool)

    def add(kind: str, inputs: Histories, answers: Histories, of: NDArray[np.bool_], users: NDArray[np.int64]) -> None:
        size = max(1, LIST_FLOATS // (after.n_items * len(names)))
        parts = []
        for few in np.split(np.arange(len(users)), range(size, len(users), size)):
            parts.append(candidates(generators, known, inputs.take(few), answers.take(few), of, rng))
        found = joined(parts)
        useful = np.flatnonzero(found.chosen.any(axis=1))
        if len(useful):
            found = found.of(useful)
            signals = tuple(name for one in generators for name in one.signals)
            case = Case(kind, signals, found, listwise.sample(found), users[useful])
            made.append(pooled(case, ranker.fusion.over(signals), config.fusion.depth))

    def drawn(users: NDArray[np.int64], most: int) -> NDArray[np.int64]:
        return np.sort(rng.permutation(users)[:most])

    last = new & latest(after, config)
    inputs, asked = after.select(~last), after.select(last)
    some = drawn(np.flatnonzero(asked.lengths), config.fusion.users)
    if len(some):
        add("warm", inputs.take(some), asked.take(some), everything, some)
    arriving = np.flatnonzero((before.lengths == 0) & (after.lengths > 1))
    some = drawn(np.repeat(arriving, DRAWS), config.fusion.users // 2)
    if len(some):
        add("short", *arrived(after.take(some), rng), everything, some)
    fresh = ~known[after.items] & new
    some = drawn(np.unique(after.rows[fresh]), config.fusion.users)
    if len(some) and not ranker.features.empty:
        add("cold", after.select(~fresh).take(some), after.select(fresh).take(some), ~known, some)
    return made


def latest(histories: Histories, config: Config) -> NDArray[np.bool_]:
    """(events,) those that a build would hold out: as many as it learns a fusion from and judges it by."""
    share = config.evaluation.test_share + config.evaluation.valid_share
    most = np.maximum(1, (share * histories.lengths[histories.rows]).astype(np.int64))
    return np.asarray(histories.ages < most)


def quality(ranker: Ranker, inputs: Histories, answers: Histories, k: int) -> NDArray[np.float64]:
    """(users,) NDCG@k of lists for histories, by what was chosen then and not before; NaN where that is nothing."""
    found = np.full(len(inputs), np.nan)
    for batch in ranker.batches(inputs):
        past = inputs.take(batch)
        seen = past.seen().toarray() > 0
        relevant = sparse.csr_array((answers.take(batch).seen().toarray() > 0) & ~seen)
        asked = np.flatnonzero(np.diff(relevant.indptr))
        if len(asked):
            best = ranker.rank(past.take(asked), ~seen[asked], k, explain=False)
            ranked = np.full((len(asked), k), -1, np.int64)
            sizes = best.candidates.sizes
            place = np.arange(len(best.scores)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            ranked[best.candidates.user, place] = best.candidates.item
            found[batch[asked]] = metrics.list_metrics(ranked, relevant[asked], k)[f"ndcg@{k}"]
    return found
