"""A ranker that learns from new events without being built again.

Generators are corrected or trained on (`candidates.registry.UPDATE`). The fusion goes on from its weights, over lists
that ask for what was not learned yet (prequential.py) and old lists that the artefact kept (reservoir.py), held where
it was by a distance penalty. The lists that weigh most ask everybody for their latest events, which the generators that
there are have seen. So those that are quick to fit are fitted anew without them, and of those that are SLOW an artefact
keeps twins that never see anybody's latest.

Parts that a build found no use for are tried again, as far as they are quick. How long the reranker is boosted, and the
chances, stay. Judged by the newest share of the new events, which the trial that is judged has not learned.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine import gating, listwise, prequential, rerank
from engine.candidates import SLOW, Features, Generator, News, enabled, fit_all, update_all
from engine.candidates.base import Placed
from engine.candidates.registry import FIT
from engine.cases import JUDGE, Case, met, parts
from engine.config import Config
from engine.evaluation import bootstrap
from engine.evaluation.bootstrap import Gain
from engine.fusion import Fusion
from engine.gate import Gate
from engine.gating import ASKED, KNOWN, SHARES
from engine.history import Histories
from engine.prequential import NEW, NEWEST, OLD, Stream
from engine.ranker import Ranker
from engine.rerank import Reranker
from engine.reservoir import Reservoir

log = logging.getLogger(__name__)


Stage = Callable[[str], None]


@dataclass(frozen=True)
class Learned:
    """A ranker after new events, and what it may learn from again."""

    ranker: Ranker
    held: Sequence[Generator]
    """Its generators that are SLOW to fit once more, which have learned all but everybody's latest events."""
    old: Reservoir
    """Lists of before."""


@dataclass(frozen=True)
class Judgement:
    """NDCG@k on the newest events, of who has some: of the ranker as it was, and of the one that learned all before."""

    users: int
    before: float
    after: float
    gain: Gain

    @property
    def passed(self) -> bool:
        """Whether nothing was lost, on average."""
        return self.gain.mean >= 0


@dataclass(frozen=True)
class Outcome:
    """What came of an update."""

    learned: Learned
    judgement: Judgement | None
    """None where nobody chose anything new among the newest events."""
    asked: Mapping[str, NDArray[np.float64]]
    """By kind of list, (lists,) NDCG@k that the ranker had for what is new before it learned it."""


def learn(
    learned: Learned,
    whole: Histories,
    new: NDArray[np.bool_],
    smooth: bool,
    config: Config,
    stage: Stage,
) -> Outcome:
    """Learn from the events that are `new` (events,) among whole histories; `learned` has grown to all the items."""
    if not new.any():
        return Outcome(learned, None, {})
    threads = max(1, config.threads)
    with threadpool_limits(threads):
        torch.set_num_threads(1)  # as in training
        stream = Stream(whole, steps(whole, new, config))
        rng = np.random.default_rng([config.seed, len(whole.items)])
        trial, fresh = tried(learned, stream, smooth, config, rng, stage)
        changed = np.bincount(whole.rows[new], minlength=len(whole)) > 0
        found = gating.judged(fresh, learned.ranker.fusion, config.evaluation.k)
        concerned = {one.kind: changed[one.users] for one in fresh}
        asked = {kind: found[kind][some] for kind, some in concerned.items() if some.any()}
        stage("judged by the newest events")
        verdict = judged(learned.ranker, trial.ranker, stream, config)
        stage("generators, on the newest")
        after = stream.upto(NEW)
        ranker = fed(trial.ranker, after, whole, False, config)
        seen, now = (each.select(~latest(each, config, rng)) for each in (after, whole))
        held = twins(trial.held, seen, now, ranker.features, config)
        return Outcome(Learned(ranker, held, trial.old), verdict, asked)


def steps(whole: Histories, new: NDArray[np.bool_], config: Config) -> NDArray[np.int8]:
    """(events,) OLD for what was learned before, NEWEST for the newest share of what is new, NEW for the rest of that.

    The newest by time; where events have none, the last of each user. What has one time is not cut through, and where
    all has, nothing is NEWEST.
    """
    found = np.where(new, NEW, OLD).astype(np.int8)
    age = -whole.times if whole.times.any() else whole.ages
    newest = new & (age <= np.quantile(age[new], config.update.newest, method="lower"))
    if newest.sum() < new.sum():
        found[newest] = NEWEST
    return found


def tried(
    learned: Learned, stream: Stream, smooth: bool, config: Config, rng: np.random.Generator, stage: Stage
) -> tuple[Learned, list[Case]]:
    """What has learned all but the newest, and the lists that its fusion learned from."""
    before, after = stream.upto(OLD), stream.upto(NEW)
    ranker = widened(learned.ranker, before, config)
    stage("asked for what is new")
    fresh = prequential.arriving(ranker, stream, config, rng)
    stage("generators that have not seen the latest")
    everyone = config.update.everyone and SLOW.isdisjoint(names(ranker.generators) - names(learned.held))
    unaware, last = unseeing(ranker, learned.held if everyone else None, stream, config, rng)
    stage("asked for the latest")
    fresh += prequential.returning(unaware, after.select(~last), after.select(last), config, rng)
    held = [one for one in unaware.generators if one.name in SLOW] if everyone else []
    del unaware  # of a large catalogue gigabytes
    stage("fusion, on new and old lists")
    old = learned.old.without("warm") if everyone else learned.old  # what is asked anew of everybody is asked better
    model, reranker = taught(ranker, old, fresh, smooth, config)
    stage("generators, on what is new")
    ranker = fed(replace(ranker, fusion=model, reranker=reranker), before, after, True, config)
    return Learned(ranker, held, learned.old.after(fresh, config.update.cases, rng)), fresh


def fed(ranker: Ranker, before: Histories, after: Histories, whole: bool, config: Config) -> Ranker:
    """The ranker with generators that have learned what came between; what can only be fitted anew is, if `whole`."""
    if len(before.items) == len(after.items):
        return ranker
    generators, seconds = update_all(ranker.generators, News(before, after, ranker.features, config, whole))
    log.info("seconds of the processor: %s", ", ".join(f"{name} {each:.2f}" for name, each in seconds.items()))
    return replace(ranker, generators=generators, known=ranker.known | met(after))


def unseeing(
    ranker: Ranker, held: Sequence[Generator] | None, stream: Stream, config: Config, rng: np.random.Generator
) -> tuple[Ranker, NDArray[np.bool_]]:
    """The ranker with generators that have not seen everybody's latest events, and (events,) which those are.

    Of those that are SLOW to fit they are the twins that are `held`; without, they are the ranker's own, which have
    seen what is OLD, and only what is new is kept from them.
    """
    before, after = stream.upto(OLD), stream.upto(NEW)
    last = latest(after, config, rng)
    if held is None:
        last &= stream.step[stream.step <= NEW] != OLD
        held, seen = [one for one in ranker.generators if one.name in SLOW], before
    else:
        seen = before.select(~latest(before, config, rng))
    base = after.select(~last)
    made = {one.name: one for one in twins(held, seen, base, ranker.features, config)}
    made |= {one.name: one for one in fit_all(base, ranker.features, config, names(ranker.generators) - SLOW)}
    return replace(ranker, generators=[made[one.name] for one in ranker.generators], known=met(base)), last


def latest(histories: Histories, config: Config, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(events,) of each user the events that a build is judged by."""
    return np.asarray(parts(histories, config, rng) == JUDGE)


def twins(
    held: Sequence[Generator], before: Histories, after: Histories, features: Features, config: Config
) -> list[Generator]:
    """Generators that had learned what was before, over all the items there are now, after what came."""
    news = News(before, after, features, config, whole=False)
    return update_all([grown(one, features) for one in held], news)[0]


def grown(one: Generator, features: Features) -> Generator:
    assert isinstance(one, Placed)  # as all are that are SLOW
    return one.grow(features.take(np.arange(len(one.places), len(features))))


def names(generators: Sequence[Generator]) -> set[str]:
    return {one.name for one in generators}


def widened(ranker: Ranker, before: Histories, config: Config) -> Ranker:
    """With the parts that no use was found for, as learned from what is not new, and weights of zero: among more events
    they may be worth something. Not those that take minutes to fit.
    """
    there = {one.name: one for one in ranker.generators}
    spare = [name for name in enabled(config, ranker.features) if name not in there and name not in SLOW]
    if not spare:
        return ranker
    there |= {one.name: one for one in fit_all(before, ranker.features, config, spare)}
    generators = [there[name] for name in FIT if name in there]
    names = tuple(name for one in generators for name in one.signals)
    return replace(ranker, generators=generators, fusion=ranker.fusion.over(names))


def taught(
    ranker: Ranker, kept: Reservoir, fresh: Sequence[Case], smooth: bool, config: Config
) -> tuple[Fusion, Reranker | None]:
    """The fusion from its weights on, over new lists and old ones, and a reranker of as many rounds, if there is one.

    Each kind of list weighs what it weighs in a build, and an old list `memory` times a new one, since what scored it
    had learned less.
    """
    model, old = ranker.fusion, kept.only(ranker.fusion.names)
    if not fresh:
        return model, ranker.reranker
    samples, shares, kinds = [], [], []
    new = {one.kind: len(one.users) for one in fresh}
    aged = {kind: config.update.memory * old.met[kind] for kind in old.samples}
    for one in fresh:
        samples.append(one.sample.only([one.names.index(name) for name in model.names]))
        shares.append(SHARES[one.kind] * new[one.kind] / (new[one.kind] + aged.get(one.kind, 0)))
        kinds.append(one.kind)
    for kind, sample in old.samples.items():
        samples.append(sample)
        shares.append(SHARES[kind] * aged[kind] / max(aged[kind] + new.get(kind, 0), 1e-9))
        kinds.append(kind)
    on = np.ones((2, len(model.names)), bool)
    model = listwise.fit(
        samples, model.names, on, config.fusion.l2, model, smooth, shares, config.update.distance, listwise.STEPS_ON
    )
    if ranker.reranker is None:
        return model, None
    tables = [rerank.of_sample(each, model) for each, kind in zip(samples, kinds, strict=True) if kind in ASKED[KNOWN]]
    return model, rerank.fit(tables, [], config.fusion, config.seed, ranker.reranker.rounds)[0]


def judged(before: Ranker, after: Ranker, stream: Stream, config: Config) -> Judgement | None:
    """Both rankers on the newest events, from the histories before them."""
    past, answers = stream.upto(NEW), stream.of(NEWEST)
    asked = np.flatnonzero(answers.lengths)
    if not len(asked):
        return None
    settings = config.evaluation
    was, now = (prequential.quality(one, past.take(asked), answers.take(asked), settings.k) for one in (before, after))
    real = np.isfinite(was)
    if not real.any():
        return None
    gain = bootstrap.gain(now[real], was[real], settings.resamples, config.seed)
    return Judgement(int(real.sum()), float(was[real].mean()), float(now[real].mean()), gain)


def was_smooth(gates: Sequence[Gate]) -> bool:
    """Whether the build found that the fusion is better learned by a smooth NDCG."""
    return any(gate.part == "smooth-ndcg" and gate.kept for gate in gates)
