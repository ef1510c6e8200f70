"""Ten slices of time, learned one after the other: python scripts/bench/continual.py [--seeds 0 1 2] [--choose].

movielens-100k is cut by time into ten slices of as many events. Of each user's events in a slice the last fifth (of
five events or more) is held out, for good. After each slice a ranker that has learned the rest of the slices so far is
asked for what was held out in that slice, in all before it, and in the next one, which it has not learned; a user's
history is what is not held out, up to and with that slice. Beside each other stand

    refit    a build on all slices so far, each time
    frozen   the build of the first slice, whose histories grow and whose weights stay
    naive    as ours, but attention, iALS and fusion go on with the new slice alone, and nothing holds them
    ours     what `weft update` does

NDCG@20 by engine/evaluation. Forgetting of a slice is the best that a ranker ever was on it less what it is at the end;
forward transfer is how it does on the next slice. Seconds are of the processor. With --choose what is held out are the
events before those, the rest is not looked at, and only the first five slices are gone through: settings are chosen so.
"""

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine import prequential, updating
from engine.candidates import Features, als, attention
from engine.cases import met
from engine.config import Config
from engine.history import Histories
from engine.prequential import Stream
from engine.ranker import Ranker
from engine.reservoir import Reservoir
from engine.training import train
from engine.updating import Learned, Stage

SLICES, CHOOSING = 10, 5
HELD = 0.2
METHODS = ("refit", "frozen", "naive", "ours")
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Slices:
    """All events with the slice of each, from 1, and whether it is held out."""

    whole: Histories
    slice: NDArray[np.int8]
    held: NDArray[np.bool_]

    def told(self, upto: int) -> Histories:
        return self.whole.select((self.slice <= upto) & ~self.held)

    def asked(self, one: int) -> Histories:
        return self.whole.select((self.slice == one) & self.held)

    def stream(self, upto: int) -> tuple[Histories, NDArray[np.bool_]]:
        """The events told up to a slice, and which of them are of it."""
        there = (self.slice <= upto) & ~self.held
        return self.whole.select(there), self.slice[there] == upto


def cut(whole: Histories, choose: bool) -> Slices:
    edges = np.quantile(whole.times, np.arange(1, SLICES) / SLICES)
    slices = (1 + np.searchsorted(edges, whole.times, side="left")).astype(np.int8)
    made = Slices(whole, slices, held(whole.rows * 16 + slices))
    if not choose:
        return made
    rest = whole.select(~made.held)
    slices = slices[~made.held]
    return Slices(rest, slices, held(rest.rows * 16 + slices))


def held(group: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(events,) the last fifth of each group of five events or more; groups lie together."""
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    sizes = np.diff(np.append(starts, len(group)))
    place, size = np.arange(len(group)) - np.repeat(starts, sizes), np.repeat(sizes, sizes)
    return np.asarray((size >= 5) & (place >= size - np.maximum(1, (HELD * size).astype(np.int64))))


def built(told: Histories, features: Features, config: Config, stage: Stage) -> tuple[Learned, bool]:
    made = train(told, features, config, stage)
    ranker = Ranker(made.generators, made.fusion, made.reranker, features, met(told), made.calibration)
    return Learned(ranker, made.old), updating.was_smooth(made.gates)


def naive(learned: Learned, whole: Histories, new: NDArray[np.bool_], smooth: bool, config: Config) -> Learned:
    """One step in which what is trained sees the new events alone."""
    stream, quiet = Stream(whole, new.astype(np.int8)), lambda _: None
    free = config.model_copy(update={"update": config.update.model_copy(update={"distance": 0.0, "cases": 0})})
    old = {one.name: one for one in learned.ranker.generators}
    made, _ = updating.advanced(Learned(learned.ranker, Reservoir()), stream, 1, smooth, free, quiet)
    fresh, none = stream.of(1), stream.whole.select(np.zeros(len(new), bool))
    candidates, generators = config.candidates, []
    for one in made.ranker.generators:
        if one.name == "als":
            one = als.alternate(fresh, old["als"].factors, candidates.als, config.update.rounds)
        if one.name == "attention":
            one = attention.update(
                old["attention"], none, fresh, learned.ranker.features, candidates.attention, config.update, config.seed
            )
        generators.append(one)
    return Learned(replace(made.ranker, generators=generators), Reservoir())


def run(slices: Slices, features: Features, config: Config, methods: list[str], steps: int) -> dict[str, object]:
    """By method, per-user NDCG of each step on each slice, and seconds of each step."""
    scores: dict[str, dict[str, list[float]]] = {name: {} for name in methods}
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    now: dict[str, Learned] = {}
    smooth, quiet = False, lambda _: None
    for step in range(1, steps + 1):
        whole, new = slices.stream(step)
        for name in methods:
            start = time.process_time()
            if step == 1:
                if not now:
                    base, smooth = built(whole, features, config, quiet)
                now[name] = base
            elif name == "refit":
                now[name] = built(whole, features, config, quiet)[0]
            elif name == "naive":
                now[name] = naive(now[name], whole, new, smooth, config)
            elif name == "ours":
                now[name] = updating.learn(now[name], whole, new, smooth, config, quiet).learned
            seconds[name].append(time.process_time() - start)
            for one in range(1, min(step + 1, steps) + 1):
                found = prequential.quality(now[name].ranker, slices.told(one), slices.asked(one), config.evaluation.k)
                scores[name][f"{step} {one}"] = found[np.isfinite(found)].tolist()
            print(
                step,
                name,
                f"{seconds[name][-1]:.1f} s",
                *(f"{np.mean(scores[name][f'{step} {one}']):.4f}" for one in range(1, min(step + 1, steps) + 1)),
                flush=True,
            )
    return {"scores": scores, "seconds": seconds}
