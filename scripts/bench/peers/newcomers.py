"""New users: every peer learns from the others, is told a few events of each new one, and writes a run for each number.

Settings are chosen by NDCG@20 for each number of events apart, on new users drawn from among those it may learn from
(FOLDER/told-LENGTH/tuning); lists are written for those of FOLDER/told-LENGTH/split. In both, valid.tsv has the first
events of the new users, and whom to learn from is the same for every number.
Run by a peer's own Python, so it needs numpy and scipy only and nothing of Weft.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from peer_choice import ndcg
from peer_split import Events, Ints, Split, pairs, read, write_run
from scipy import sparse

Score = Callable[[Events, Ints], NDArray[Any]]
"""What was told of all users, and some of them, to (users, items) scores of these."""
Fit = Callable[[Events, dict[str, Any], int], Iterator[tuple[int, Score]]]
"""Learn from events with settings and a seed; now and then say how many epochs that took, and give what scores."""


@dataclass(frozen=True)
class Task:
    """Whom to learn from, what the new users did first, and what they are asked."""

    split: Split
    known: Events
    first: Events
    answers: Events

    def told(self, length: int) -> Events:
        """The first `length` events of each new user."""
        starts = np.searchsorted(self.first.users, self.first.users)
        early = np.arange(len(self.first.users)) - starts < length
        return Events(self.first.users[early], self.first.items[early], self.first.shape)


def task(folder: Path) -> Task:
    split = read(folder)
    assert split.valid is not None
    others = ~np.isin(split.known.users, split.asked)
    known = Events(split.known.users[others], split.known.items[others], split.known.shape)
    place = [{name: row for row, name in enumerate(names)} for names in (split.users, split.items)]
    rows = np.array([(place[0][user], place[1][item]) for user, item in pairs(folder / "test.tsv")], np.int64)
    return Task(split, known, split.valid, Events(rows[:, 0], rows[:, 1], split.known.shape))


def tasks(folder: Path, lengths: list[int], name: str) -> dict[int, Task]:
    return {length: task(folder / f"told-{length}" / name) for length in lengths}


def linear(matrix: Any) -> Score:
    """Scores of an (items, items) matrix: the sum of the rows of the items told."""

    def score(told: Events, users: Ints) -> NDArray[Any]:
        found = told.matrix()[users] @ matrix
        return found.toarray() if sparse.issparse(found) else np.asarray(found)

    return score


def choose(tuning: dict[int, Task], fit: Fit, grid: list[dict[str, Any]], seed: int, budget: float) -> Any:
    """By number of events: the settings and epochs with the best NDCG@20, as far as a budget of CPU seconds goes.

    A setting is given up after three looks in a row without a gain at any number.
    """
    start = time.process_time()
    best: dict[int, dict[str, Any]] = {length: {"ndcg": -1.0} for length in tuning}
    for settings in grid:
        top, worse = dict.fromkeys(tuning, -1.0), 0
        for epochs, score in fit(next(iter(tuning.values())).known, settings, seed):
            worse += 1
            for length, one in tuning.items():
                asked = partial(score, one.told(length))
                value = ndcg(asked, one.split.known, one.answers, one.split.candidates)
                if value > top[length]:
                    top[length], worse = value, 0
                if value > best[length]["ndcg"]:
                    best[length] = {"settings": settings, "epochs": epochs, "ndcg": value}
            if worse == 3 or time.process_time() - start > budget:
                break
        print(settings, {length: round(value, 4) for length, value in top.items()}, flush=True)
        if time.process_time() - start > budget:
            break
    return best


def compete(models: dict[str, tuple[Fit, list[dict[str, Any]]]], versions: dict[str, str]) -> None:
    """Choose, learn from everybody who is not new, and write FOLDER/told-LENGTH/MODEL.tsv and FOLDER/MODEL.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--model", choices=models, required=True)
    parser.add_argument("--lengths", type=int, nargs="+", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget", type=float, default=600, help="seconds of CPU for choosing settings")
    parser.add_argument("--chosen", type=Path, help="a MODEL.json whose settings to use instead of choosing anew")
    choice = parser.parse_args()
    fit, grid = models[choice.model]
    if choice.chosen:
        kept = json.loads(choice.chosen.read_text(encoding="utf-8"))["chosen"]
        best = {length: kept[str(length)] for length in choice.lengths}
    else:
        best = choose(tasks(choice.folder, choice.lengths, "tuning"), fit, grid, choice.seed, choice.budget)
    asked = tasks(choice.folder, choice.lengths, "split")
    for settings in grid:
        wanted = {length: one["epochs"] for length, one in best.items() if one["settings"] == settings}
        for epochs, score in fit(next(iter(asked.values())).known, settings, choice.seed) if wanted else ():
            for length in [length for length, last in wanted.items() if last == epochs]:
                path = choice.folder / f"told-{length}" / f"{choice.model}.tsv"
                write_run(path, asked[length].split, partial(score, asked[length].told(length)))
            if epochs >= max(wanted.values()):
                break
    facts = {"model": choice.model, "seed": choice.seed, "chosen": best, "versions": versions}
    (choice.folder / f"{choice.model}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
