"""Learning the ranker: every score it learns from comes from generators that had not seen the answer.

Each user's events are cut by position into a base, a part to learn the fusion from, and a part to judge it on. Four
kinds of candidate lists come out of that, so that one fusion serves every case:

    warm    all items, full history: what a known person meets next
    short   all items, only the last few events: somebody who has just arrived
    mixed   all items, some of them hidden from the generators: new items among known ones
    cold    only the hidden items, every interaction with them an answer
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine import fusion, rerank
from engine.candidates import Features, Generator, enabled, fit_all
from engine.config import Config
from engine.fusion import Fusion, Lists, Sample
from engine.gating import Gate, compare, ndcg
from engine.history import Histories
from engine.rerank import Reranker

log = logging.getLogger(__name__)
LIST_FLOATS = 120_000_000
"""Most floats of one set of candidate lists (480 MB); users are sampled to stay below."""
BASE, LEARN, JUDGE = 0, 1, 2


@dataclass(frozen=True)
class Trained:
    """What training gives: generators, the fusion over their signals, a reranker if it helps, the evidence."""

    generators: list[Generator]
    fusion: Fusion
    reranker: Reranker | None
    gates: list[Gate]
    curves: dict[str, list[float]]


@dataclass(frozen=True)
class Case:
    """Candidate lists of one kind, with the signals' names and the histories that they were read from."""

    kind: str
    names: tuple[str, ...]
    lists: Lists
    sample: Sample
    inputs: Histories


def train(histories: Histories, features: Features, config: Config, stage: Callable[[str], None] = log.info) -> Trained:
    """Fit generators out of fold, learn fusion and reranker, gate every part, then refit on everything that is kept."""
    torch.set_num_threads(config.threads)
    with threadpool_limits(config.threads):
        return _train(histories, features, config, stage)


def _train(histories: Histories, features: Features, config: Config, stage: Callable[[str], None]) -> Trained:
    rng = np.random.default_rng(config.seed)
    part = parts(histories, config, rng)
    hidden = hidden_items(histories, config.fusion.hidden_share, rng)
    owners = enabled(config, features)

    stage("generators that have not seen what the fusion learns from")
    learn = cases(histories, part, LEARN, hidden == LEARN, features, config, rng)
    stage("generators that have not seen what the fusion is judged on")
    judge = cases(histories, part, JUDGE, hidden == JUDGE, features, config, rng)
    if not learn or not judge:
        log.warning("too little history to learn a fusion from: every signal weighs the same, and nothing is gated")
        generators = fit_all(histories, features, config, owners)
        return Trained(generators, fusion.even([s for g in generators for s in g.signals]), None, [], {})
    stage("fusion, each part gated on validation")
    kept, gates = gate_parts(learn, judge, owners, config)
    stage("reranker")
    reranker, curves, gate = gate_reranker(learn, judge, kept, features, config)
    final = fuse(learn + judge, kept, config).only(kept_signals(learn, kept))
    if reranker is not None:
        everything = tables(learn + judge, final, features, config)
        reranker, _ = rerank.fit(everything, [], config.fusion, config.seed, config.threads, reranker.rounds)
    stage("generators on everything")
    generators = fit_all(histories, features, config, kept)
    return Trained(generators, final, reranker, gates + gate, curves)


def parts(histories: Histories, config: Config, rng: np.random.Generator) -> NDArray[np.int8]:
    """(events,) BASE, LEARN or JUDGE: by position in time within a user, or by chance where there are no times."""
    position = histories.lengths[histories.rows] - 1 - histories.ages
    if not histories.times.any():
        order = np.lexsort((rng.random(len(position)), histories.rows))
        position = position[np.argsort(order)]
    share = position / histories.lengths[histories.rows]
    judged, learned = config.evaluation.test_share, config.evaluation.valid_share
    return np.where(share >= 1 - judged, JUDGE, np.where(share >= 1 - judged - learned, LEARN, BASE)).astype(np.int8)


def hidden_items(histories: Histories, share: float, rng: np.random.Generator) -> NDArray[np.int8]:
    """(items,) which items are hidden while learning (LEARN) and which while judging (JUDGE), two disjoint draws."""
    touched = np.unique(histories.items)
    drawn = rng.permutation(touched)[: 2 * int(share * len(touched))]
    hidden = np.zeros(histories.n_items, np.int8)
    hidden[drawn[::2]] = LEARN
    hidden[drawn[1::2]] = JUDGE
    return hidden


def cases(
    histories: Histories,
    part: NDArray[np.int8],
    asked: int,
    hidden: NDArray[np.bool_],
    features: Features,
    config: Config,
    rng: np.random.Generator,
) -> list[Case]:
    """The four kinds of lists asking for the events of part `asked`, by generators fitted on what came before."""
    before, answers = histories.select(part < asked), histories.select(part == asked)
    names, everything = enabled(config, features), np.ones(histories.n_items, bool)
    made = []
    generators = fit_all(before, features, config, names)
    for kind, inputs in (("warm", before), ("short", shortened(before, rng))):
        made.append(case(kind, generators, before, inputs, answers, everything, config, rng))
    if hidden.any():
        visible = before.select(~hidden[before.items])
        generators = fit_all(visible, features, config, names)
        touched = histories.select(hidden[histories.items] & (part <= asked))
        made.append(case("mixed", generators, visible, visible, answers, everything, config, rng))
        made.append(case("cold", generators, visible, visible, touched, hidden, config, rng))
    return [one for one in made if one.lists.chosen.any()]


def shortened(histories: Histories, rng: np.random.Generator) -> Histories:
    """Each user with only the last one to ten events."""
    length = rng.integers(1, 11, len(histories))
    return histories.select(histories.ages < length[histories.rows])


def case(
    kind: str,
    generators: Sequence[Generator],
    fitted_on: Histories,
    inputs: Histories,
    answers: Histories,
    candidates: NDArray[np.bool_],
    config: Config,
    rng: np.random.Generator,
) -> Case:
    """Candidate lists of a sample of the users who have answers; what they had seen before is not asked again."""
    width = sum(len(generator.signals) for generator in generators)
    wanted = config.fusion.users if kind in ("warm", "cold") else config.fusion.users // 2
    most = min(wanted, max(1, LIST_FLOATS // (fitted_on.n_items * width)))
    users = np.flatnonzero(answers.lengths > 0)
    users = np.sort(rng.permutation(users)[:most])
    inputs = inputs.take(users)
    known = np.bincount(fitted_on.items, minlength=fitted_on.n_items) > 0
    allowed = ~(fitted_on.take(users).seen().toarray() > 0) & candidates
    chosen = (answers.take(users).seen().toarray() > 0) & allowed
    signals = fusion.standardised(generators, inputs, known)
    names = tuple(name for generator in generators for name in generator.signals)
    lists = Lists(signals, fusion.trust(inputs), known, allowed, chosen)
    return Case(kind, names, lists, fusion.sample(lists, rng), inputs)


def fuse(made: Sequence[Case], kept: Collection[str], config: Config) -> Fusion:
    """The fusion learned from these cases, over the signals of the parts that are kept."""
    names = made[0].names
    return fusion.fit([one.sample for one in made], names, [part_of(name) in kept for name in names], config.fusion.l2)


def part_of(signal: str) -> str:
    """The part that a signal belongs to: `ease` of `ease.10`."""
    return signal.split(".")[0]


def judged(made: Sequence[Case], model: Fusion, k: int) -> dict[str, NDArray[np.float64]]:
    """(users,) NDCG@k of the fused ranking for each kind of list."""
    quality = {}
    for one in made:
        lists = one.lists
        scores = model.score(lists.signals, lists.trust, lists.known)
        best = rerank.best(scores, lists.allowed, k)
        at = (best.user, best.item)
        quality[one.kind] = ndcg(best.sizes, scores[at], lists.chosen[at], lists.chosen.sum(1), k)
    return quality


def gate_parts(
    learn: Sequence[Case], judge: Sequence[Case], owners: Sequence[str], config: Config
) -> tuple[list[str], list[Gate]]:
    """Take away, one at a time, the part that is missed least, until every part left is missed by somebody.

    A part stays when its paired gain's interval is above zero for known items, for newcomers (short), or for new items
    (cold). Popularity always stays: it is the answer to somebody without a history, whom no list here stands for.
    """
    kept, k = list(owners), config.evaluation.k
    gates: list[Gate] = []
    asked = [one for one in judge if one.kind != "mixed"]
    while True:
        full = judged(asked, fuse(learn, kept, config), k)
        trials = {}
        for part in kept if len(kept) > 1 else []:
            less = judged(asked, fuse(learn, [p for p in kept if p != part], config), k)
            trials[part] = [compare(part, kind, full[kind], less[kind], config) for kind in full]
        useless = {
            part: max(gate.gain for gate in found)
            for part, found in trials.items()
            if part != "popularity" and not any(gate.low > 0 for gate in found)
        }
        if not useless or not config.fusion.gate:
            return kept, [g for found in trials.values() for g in found] + gates
        worst = min(useless, key=lambda part: useless[part])
        gates = [replace(gate, kept=False) for gate in trials[worst]] + gates
        kept.remove(worst)


def gate_reranker(
    learn: Sequence[Case], judge: Sequence[Case], kept: Collection[str], features: Features, config: Config
) -> tuple[Reranker | None, dict[str, list[float]], list[Gate]]:
    """Learn the reranker on one half of the cases and keep it when the other half is the better for it."""
    if not config.fusion.rerank:
        return None, {}, []
    model = fuse(learn, kept, config).only(kept_signals(learn, kept))
    taught, asked = (tables(made, model, features, config) for made in (learn, judge))
    reranker, curves = rerank.fit(taught, asked, config.fusion, config.seed, config.threads)
    gates = []
    for one, rows in zip(judge, asked, strict=True):
        k = config.evaluation.k
        corrected = config.fusion.share * rows.fused + reranker.correct(rows.features)
        relevant = one.lists.chosen.sum(1)
        plain, better = (ndcg(rows.sizes, scores, rows.chosen, relevant, k) for scores in (rows.fused, corrected))
        gates.append(compare("reranker", one.kind, better, plain, config))
    keep = not config.fusion.gate or (any(g.low > 0 for g in gates) and not any(g.high < 0 for g in gates))
    return reranker if keep else None, curves, [replace(gate, kept=keep) for gate in gates]


def tables(made: Sequence[Case], model: Fusion, features: Features, config: Config) -> list[rerank.Table]:
    """The reranker's rows of each case, with the signals of the fusion only."""
    columns = [made[0].names.index(name) for name in model.names] if made else []
    narrow = [replace(one.lists, signals=one.lists.signals[:, :, columns]) for one in made]
    return [
        rerank.table(lists, one.inputs, model, features, config.fusion.depth)
        for lists, one in zip(narrow, made, strict=True)
    ]


def kept_signals(made: Sequence[Case], kept: Collection[str]) -> tuple[str, ...]:
    """Names of the signals of the parts that are kept."""
    return tuple(name for name in made[0].names if part_of(name) in kept)
