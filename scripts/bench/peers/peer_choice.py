"""How every peer chooses its settings: on events held out of what is known, by NDCG@20, within a budget of time.

Time is that of the CPU, which is what one thread takes on a machine that does nothing else.
Run by a peer's own Python, so it needs numpy and scipy only and nothing of Weft.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from peer_split import Events, Ints, Scorer, Split, blocks, rank, read, write_run

K = 20
MOST_VALIDATED = 5000  # users; on more of them a choice would hardly change, and every check costs

Fit = Callable[[Events, dict[str, Any], int], Iterator[tuple[int, Scorer]]]
"""Learn from events with settings and a seed; now and then say how many epochs that took, and give a scorer."""


def hold_out(split: Split, seed: int = 0) -> tuple[Events, Events, Ints]:
    """What to learn from while choosing settings, what to ask, and the items that may be shown. All of it is known.

    Asked are the split's own valid events if it has some; a fifth of the items if the test asks for items that nobody
    has touched; else the last tenth of each user's events, at least one of those who have three.
    """
    known = split.known
    if split.cold:
        touched = np.unique(known.items)
        shown = np.random.default_rng(seed).choice(touched, len(touched) // 5, replace=False)
        late = np.isin(known.items, shown)
    else:
        shown = split.candidates
        counts = np.bincount(known.users, minlength=known.shape[0])
        tail = np.where(counts >= 3, np.maximum(counts // 10, 1), 0)
        if split.valid is not None:
            tail = np.bincount(split.valid.users, minlength=known.shape[0])
        left = np.cumsum(counts)[known.users] - np.arange(len(known.users))
        late = left <= tail[known.users]
    early, asked = (Events(known.users[part], known.items[part], known.shape) for part in (~late, late))
    return early, asked, shown


def ndcg(scorer: Scorer, early: Events, asked: Events, shown: Ints) -> float:
    """Mean NDCG@20 over (at most `MOST_VALIDATED` of) those who have events in `asked`."""
    users = np.unique(asked.users)
    if len(users) > MOST_VALIDATED:
        users = np.sort(np.random.default_rng(0).choice(users, MOST_VALIDATED, replace=False))
    seen, right = early.matrix(), asked.matrix()
    discounts = 1 / np.log2(np.arange(2, K + 2))
    total = 0.0
    for block in blocks(users):
        best, scores = rank(scorer(block), seen[block], shown, K)
        hits = np.take_along_axis(right[block].toarray(), best, axis=1) * np.isfinite(scores)
        ideal = np.cumsum(discounts)[np.minimum(np.diff(right[block].indptr), K) - 1]
        total += float((hits @ discounts[: hits.shape[1]] / ideal).sum())
    return total / len(users)


def choose(split: Split, fit: Fit, grid: list[dict[str, Any]], seed: int, budget: float) -> dict[str, Any]:
    """The settings and the number of epochs with the best NDCG@20 on validation, as far as the budget goes.

    One setting is given up after three checks in a row without a gain.
    """
    early, asked, shown = hold_out(split)
    start = time.process_time()
    best: dict[str, Any] = {"ndcg": -1.0}
    tried = 0
    for settings in grid:
        if tried and time.process_time() - start > budget:
            break
        tried += 1
        top, worse = -1.0, 0
        for epochs, scorer in fit(early, settings, seed):
            value = ndcg(scorer, early, asked, shown)
            print(f"  {settings} epochs {epochs}: {value:.4f} ({time.process_time() - start:.0f} s)", flush=True)
            if value > best["ndcg"]:
                best = {"settings": settings, "epochs": epochs, "ndcg": value}
            top, worse = (value, 0) if value > top else (top, worse + 1)
            if worse == 3 or time.process_time() - start > budget:
                break
    return best | {"tried": f"{tried} of {len(grid)}", "tuning seconds": round(time.process_time() - start, 1)}


def arguments(models: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--items", type=Path, help="folder of items.txt, image.npy, text.npy and facts.tsv")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", choices=models, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget", type=float, default=600, help="seconds of CPU for choosing settings")
    parser.add_argument("--given", default="", help="a name for what is learned from; kept in MODEL.json")
    parser.add_argument("--chosen", type=Path, help="a MODEL.json whose settings to use instead of choosing anew")
    return parser.parse_args()


def compete(choice: argparse.Namespace, fit: Fit, grid: list[dict[str, Any]], versions: dict[str, str]) -> None:
    """Choose, learn from everything known, and write MODEL.tsv and MODEL.json."""
    split = read(choice.split)
    if choice.chosen:
        best = json.loads(choice.chosen.read_text(encoding="utf-8"))["chosen"]
    else:
        best = choose(split, fit, grid, choice.seed, choice.budget)
    start = time.process_time()
    scorer = next(made for epochs, made in fit(split.known, best["settings"], choice.seed) if epochs >= best["epochs"])
    seconds = time.process_time() - start
    write_run(choice.out / f"{choice.model}.tsv", split, scorer)
    facts = {
        "model": choice.model,
        "seed": choice.seed,
        "given": choice.given,
        "chosen": best,
        "fit seconds": round(seconds, 2),
        "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "versions": versions,
    }
    (choice.out / f"{choice.model}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
