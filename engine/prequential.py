"""Lists of what came after a ranker was made: it is asked for new events before it learns from them (Dawid 1984).

The kinds are those of cases.py. For short ones (who has just arrived, the first few events shown) and cold ones (items
that nobody had met, among themselves) nothing has to be fitted, since what was made before had not seen the answers.
Warm ones (who has been there) ask for the latest events, by generators that have not seen these.
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

OLD, NEW, NEWEST = 0, 1, 2
"""What was learned from before, what is new, and the newest of that."""


@dataclass(frozen=True)
class Stream:
    """Histories of the same users in the same order, over the same items, as they grow."""

    whole: Histories
    step: NDArray[np.int8]
    """(events,) OLD, FIRST, LAST or NEWEST."""

    def upto(self, step: int) -> Histories:
        return self.whole.select(self.step <= step)

    def of(self, step: int) -> Histories:
        return self.whole.select(self.step == step)


def arriving(ranker: Ranker, stream: Stream, config: Config, rng: np.random.Generator) -> list[Case]:
    """Lists of users (short) and of items (cold) that a ranker has not met, which has learned what is OLD."""
    before, after = stream.upto(OLD), stream.upto(NEW)
    made = []
    users = np.flatnonzero((before.lengths == 0) & (after.lengths > 1))
    some = drawn(np.repeat(users, DRAWS), config.fusion.users // 2, rng)
    if len(some):
        shown, hidden = arrived(after.take(some), rng)
        made += asked("short", ranker, shown, hidden, np.ones(after.n_items, bool), some, config, rng)
    fresh = ~ranker.known[after.items] & (stream.step > OLD)[stream.step <= NEW]
    some = drawn(np.unique(after.rows[fresh]), config.fusion.users, rng)
    if len(some) and not ranker.features.empty:
        inputs, answers = after.select(~fresh).take(some), after.select(fresh).take(some)
        made += asked("cold", ranker, inputs, answers, ~ranker.known, some, config, rng)
    return made


def returning(
    ranker: Ranker, inputs: Histories, answers: Histories, config: Config, rng: np.random.Generator
) -> list[Case]:
    """Lists (warm) of users that a ranker has met, which has learned the inputs."""
    some = drawn(np.flatnonzero((answers.lengths > 0) & (inputs.lengths > 0)), config.fusion.users, rng)
    if not len(some):
        return []
    everything = np.ones(inputs.n_items, bool)
    return asked("warm", ranker, inputs.take(some), answers.take(some), everything, some, config, rng)


def drawn(users: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(rng.permutation(users)[:most])


def asked(
    kind: str,
    ranker: Ranker,
    inputs: Histories,
    answers: Histories,
    of: NDArray[np.bool_],
    users: NDArray[np.int64],
    config: Config,
    rng: np.random.Generator,
) -> list[Case]:
    """Lists of one kind, of some items, cut down to their best; none where no user has an answer among them."""
    names = ranker.fusion.names
    generators = [one for one in ranker.generators if set(one.signals) & set(names)]
    size = max(1, LIST_FLOATS // (inputs.n_items * len(names)))
    parts = []
    for few in np.split(np.arange(len(users)), range(size, len(users), size)):
        parts.append(candidates(generators, ranker.known, inputs.take(few), answers.take(few), of, rng))
    found = joined(parts)
    useful = np.flatnonzero(found.chosen.any(axis=1))
    if not len(useful):
        return []
    found = found.of(useful)
    signals = tuple(name for one in generators for name in one.signals)
    case = Case(kind, signals, found, listwise.sample(found), users[useful])
    return [pooled(case, ranker.fusion.over(signals), config.fusion.depth)]


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
