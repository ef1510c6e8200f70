"""Ten slices of time, learned one after the other: python scripts/bench/continual.py [--seeds 0 1 2] [--choose].

What a run finds is kept in --work after each slice; --methods runs some of them, beside those found before.

movielens-100k is cut by time into ten slices of as many events. Of each user's events in a slice the last fifth (of
five events or more) is held out, for good. After each slice a ranker that has learned the rest of the slices so far is
asked for what was held out in that slice, in all before it, and in the next one, which it has not learned; a user's
history is what is not held out, up to and with that slice. Beside each other stand

    refit    a build on all slices so far, each time
    frozen   the build of the first slice, whose histories grow and whose weights stay
    naive    as ours, but fusion and attention see nobody without new events, and nothing holds them
    ours     what `weft update` does

NDCG@20 by engine/evaluation. Forgetting of a slice is the best that a ranker ever was on it less what it is at the end;
forward transfer is how it does on the next slice. Seconds are of the processor, on one thread: of more, those
that wait for another count too. With --choose what is held out are the events before those, the rest is not looked at,
and only the first five slices are gone through: settings are chosen so.
--without attention gnn leaves out the parts whose fits are most of a build.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from movielens import movielens
from numpy.typing import NDArray

from engine import atomic, history, memory, prequential, updating
from engine.candidates import Features
from engine.cases import met
from engine.config import Config
from engine.describe import describe
from engine.evaluation import bootstrap
from engine.history import Histories
from engine.ranker import Ranker
from engine.reservoir import Reservoir
from engine.training import train
from engine.updating import Learned, Stage

SLICES = 10
HELD = 0.2
METHODS = ("refit", "frozen", "naive", "ours")
Found = tuple[dict[str, dict[str, list[float]]], dict[str, list[float]]]
"""By method, NDCG of each user by "step slice", and seconds of each step."""


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
    return Learned(ranker, made.held, made.old), updating.was_smooth(made.gates)


def naive(learned: Learned, whole: Histories, new: NDArray[np.bool_], smooth: bool, config: Config) -> Learned:
    """An update that nothing holds back."""
    free = {"update": config.update.model_copy(update={"distance": 0.0, "replay": 0.0, "everyone": False})}
    start = Learned(learned.ranker, [], Reservoir())
    return updating.learn(start, whole, new, smooth, config.model_copy(update=free), lambda _: None).learned


def run(slices: Slices, features: Features, config: Config, methods: list[str], to: Path) -> Found:
    """Go through the slices with each method; returns what these and earlier ones found."""
    scores: dict[str, dict[str, list[float]]] = {name: {} for name in methods}
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    kept = scores, seconds
    now: dict[str, Learned] = {}
    smooth = False

    def quiet(name: str) -> None: ...

    for step in range(1, SLICES + 1):
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
            for one in range(1, min(step + 1, SLICES) + 1):
                found = prequential.quality(now[name].ranker, slices.told(one), slices.asked(one), config.evaluation.k)
                scores[name][f"{step} {one}"] = found[np.isfinite(found)].tolist()
            print(step, name, f"{seconds[name][-1]:.1f} s", *line(scores[name], step), flush=True)
        kept = beside(to, (scores, seconds))
    return kept


def beside(to: Path, found: Found) -> Found:
    """What was found, put beside what the file has of other methods."""
    scores, seconds = json.loads(to.read_text(encoding="utf-8")) if to.exists() else ({}, {})
    kept = scores | found[0], seconds | found[1]
    atomic.write_text(to, json.dumps(kept) + "\n")
    return kept


def line(scores: dict[str, list[float]], step: int) -> list[str]:
    """The mean on each slice after a step, the next one's last."""
    return [f"{np.mean(scores[f'{step} {one}']):.4f}" for one in range(1, min(step + 1, SLICES) + 1)]


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--without", nargs="*", default=[], help="generators that are off")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=NUMBER", help="of [update]")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    choice = parser.parse_args()
    tables, settings = movielens(choice.shared / "data" / "movielens-100k", choice.work / "movielens")
    tree = settings.model_dump()
    for name in choice.without:
        tree["candidates"][name]["enabled"] = False
    tree["update"] |= {key: float(value) for key, value in (one.split("=") for one in choice.set)}
    tree["threads"] = 1
    settings = Config.model_validate(tree)
    features = describe(tables, settings).features
    index = {item: row for row, item in enumerate(tables.items["item_id"])}
    users = tables.interactions["user_id"].unique(maintain_order=True).to_list()
    slices = cut(history.from_frame(tables.interactions, users, index), choice.choose)
    name = "-".join(["continual", *["choose"] * choice.choose, *[f"no-{each}" for each in choice.without]])
    seeds = list[Found]()
    for seed in choice.seeds:
        config = settings.model_copy(update={"seed": seed})
        seeds.append(run(slices, features, config, choice.methods, choice.work / f"{name}-{seed}.json"))
        print(f"seed {seed}")
        show(seeds[-1])
    if len(seeds) > 1:
        print(f"mean of seeds {choice.seeds}")
        show(mean(seeds))


def mean(seeds: list[Found]) -> Found:
    """The mean over seeds of what each user got and each step took."""
    scores = {
        name: {key: np.mean([one[0][name][key] for one in seeds], axis=0).tolist() for key in found}
        for name, found in seeds[0][0].items()
        if all(one[0].get(name, {}).keys() == found.keys() for one in seeds)
    }
    return scores, {name: np.mean([one[1][name] for one in seeds], axis=0).tolist() for name in scores}


def show(found: Found) -> None:
    """A line for each method that is through: means over steps and slices, and paired gains over refit, all users
    together.
    """
    columns = (
        "",
        "new slice",
        "next slice",
        "all at the end",
        "forgetting",
        "s a step",
        "new to refit",
        "all to refit",
    )
    print("|", " | ".join(columns), "|")
    print("|---" * len(columns) + "|")
    scores = {name: each for name, each in found[0].items() if f"{SLICES} {SLICES}" in each}
    seconds = found[1]
    for name in scores:
        of = {key: float(np.mean(each)) for key, each in scores[name].items()}
        new = np.mean([of[f"{step} {step}"] for step in range(2, SLICES + 1)])
        ahead = np.mean([of[f"{step} {step + 1}"] for step in range(1, SLICES)])
        end = np.mean([of[f"{SLICES} {one}"] for one in range(1, SLICES + 1)])
        best = {one: max(of[f"{step} {one}"] for step in range(one, SLICES)) for one in range(1, SLICES)}
        lost = np.mean([best[one] - of[f"{SLICES} {one}"] for one in range(1, SLICES)])
        cells = [f"{new:.4f}", f"{ahead:.4f}", f"{end:.4f}", f"{lost:+.4f}", f"{np.mean(seconds[name][1:]):.1f}"]
        if name != "refit" and "refit" in scores:
            newest, every = range(2, SLICES + 1), range(1, SLICES + 1)
            for keys in ([f"{step} {step}" for step in newest], [f"{SLICES} {one}" for one in every]):
                cells.append(told(scores[name], scores["refit"], keys))
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


def told(one: dict[str, list[float]], other: dict[str, list[float]], keys: list[str]) -> str:
    """The paired gain of one method over another, of everybody asked."""
    mine, theirs = (np.concatenate([np.array(each[key]) for key in keys]) for each in (one, other))
    gain = bootstrap.gain(mine, theirs)
    return f"{gain.mean:+.4f} ({gain.low:+.4f} to {gain.high:+.4f}), {gain.mean / theirs.mean():+.1%}"


if __name__ == "__main__":
    main()
