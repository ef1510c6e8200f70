"""New users on movielens-100k: a fifth of the users held out whole, who then show their first few events.

    python scripts/bench/new_users.py [--seeds 0 1 2]
    python scripts/bench/new_users.py --rankers closed sasrec      # these anew; the other run files stand
    python scripts/bench/new_users.py --apart 10                   # asked for what follows the tenth event only

Each seed draws its users. Nothing is learned from them: a ranker is told their first 1, 3, 5 or 10 items, without
ratings or times, and is asked for all that they chose after. With `--apart 10` the first ten are neither shown nor
asked for, however few of them were told, so that candidates and answers are the same at every length, and what comes
next counts for nothing. Rivals choose their settings, for each length apart, on new users drawn from among the others.
The judge scores the run files, and a user whom several seeds held out counts with the mean.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
from movielens import movielens
from numpy.typing import NDArray
from peers import environments

from engine import benchmark, history, memory
from engine.benchmark import Question
from engine.candidates import Features, Generator, fit_all
from engine.config import Config
from engine.describe import describe
from engine.evaluation import bootstrap, metrics, runs, splits
from engine.evaluation.splits import Split
from engine.history import Histories
from engine.tables.catalogue import Catalogue

SHARE, FEWEST = 0.2, 15
"""Users held out, and how many events one must have to be asked."""
METRICS = ("recall@20", "ndcg@20")
PEERS = Path(__file__).parent / "peers"
MODELS = {
    "closed": ("closed_form_newcomers.py", ("ease-closed-form", "item-knn", "rp3beta")),
    "implicit": ("implicit_newcomers.py", ("implicit-als", "implicit-knn")),
    "sasrec": ("recbole_newcomers.py", ("recbole-sasrec",)),
}
"""Rivals of other people, by who runs them: the script and its models."""
PLAIN = ("ease", "transitions", "popularity")
"""Generators of Weft that are rankers of other people too: what they do alone counts as a rival."""
RANKERS = ("weft", "plain", *MODELS)
RIVALS = {*PLAIN, "random", *(model for _, models in MODELS.values() for model in models)}
Values = dict[str, NDArray[np.float64]]
"""By ranker: (users, 2) recall and NDCG, the mean over the seeds that held the user out."""


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the held out users and the rankers")
    parser.add_argument("--lengths", type=int, nargs="+", default=[1, 3, 5, 10], help="events that new users show")
    parser.add_argument("--apart", type=int, help="first events that are never asked for; those told if left out")
    parser.add_argument("--rankers", nargs="*", choices=RANKERS, default=RANKERS)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/ and judge/")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    choice = parser.parse_args()
    tables, settings = movielens(choice.shared / "data" / "movielens-100k", choice.work / "movielens")
    items, features = tables.items["item_id"].to_list(), describe(tables, settings).features
    work = choice.work / (f"new-users-apart-{choice.apart}" if choice.apart else "new-users")
    folders = [work / f"seed-{seed}" for seed in choice.seeds]
    for seed, folder in zip(choice.seeds, folders, strict=True):
        asked: dict[int, Question] = {}
        for length in choice.lengths:
            split = new_users(tables.interactions, items, seed, choice.apart or length)
            splits.write(split, folder / f"told-{length}" / "split")
            tuning = new_users(split.train, items, seed, choice.apart or length)
            splits.write(tuning, folder / f"told-{length}" / "tuning")
            asked[length] = question(tables, split)
        config = settings.model_copy(update={"seed": seed})
        if "weft" in choice.rankers:
            weft(asked, features, config, folder)
        if "plain" in choice.rankers:
            plain(asked, features, config, folder)
        for name in MODELS:
            if name in choice.rankers:
                rival(name, seed, choice.lengths, folder, folders[0])
    judge = load(choice.shared / "judge" / "judge.py")
    found = {k: scored(judge, folders, k) for k in choice.lengths}
    show(found)
    (work / "new_users.json").write_text(json.dumps(facts(found, choice.seeds), indent=1) + "\n")


def new_users(interactions: pl.DataFrame, items: list[str], seed: int, first: int) -> Split:
    """A draw of users held out whole: `valid` has their `first` events, of which a ranker is told, `test` the others.

    Users with fewer than `FEWEST` events are not asked, nor learned from where they are drawn.
    """
    drawn = splits.split(interactions, "cold-user", test_share=SHARE, valid_share=0, seed=seed)
    asked = drawn.test.filter(pl.len().over("user_id") >= FEWEST)
    place = asked.select(place=pl.int_range(pl.len()).over("user_id"))["place"]
    return Split(drawn.train, asked.filter(place < first), asked.filter(place >= first), items, "new-users", seed)


def question(tables: Catalogue, split: Split) -> Question:
    """`known` has the users to learn from, `asked` the first events of the new ones: items alone, nothing else told."""
    items = tables.items["item_id"].to_list()
    index = {item: row for row, item in enumerate(items)}
    users = split.train["user_id"].unique(maintain_order=True).to_list()
    testers = split.test["user_id"].unique(maintain_order=True).to_list()
    known = history.from_frame(split.train, users, index, len(items))
    asked = history.from_frame(split.valid, testers, index, len(items))
    bare = replace(asked, values=np.full_like(asked.values, np.nan), times=np.zeros_like(asked.times))
    relevant = history.from_frame(split.test, testers, index, len(items)).seen()
    return Question(testers, items, known, bare, np.ones(len(items), bool), relevant)


def told(first: Histories, length: int) -> Histories:
    """The first `length` events of each user."""
    return first.select(first.lengths[first.rows] - 1 - first.ages < length)


def weft(asked: dict[int, Question], features: Features, config: Config, folder: Path) -> None:
    """Run files of Weft, learned once from those who are not new, without its reranker, and of each part it kept."""
    ranker, trained = benchmark.trained_ranker(next(iter(asked.values())), features, config, print)
    for gate in trained.gates:
        kept = "kept" if gate.kept else "off"
        print(f"  {gate.part:>12} {gate.kind:<6} {gate.gain:+.4f} ({gate.low:+.4f} to {gate.high:+.4f}) {kept}")
    variants = {"weft": ranker}
    if ranker.reranker is not None:
        variants["weft-without-the-reranker"] = replace(ranker, reranker=None)
    for length, one in asked.items():
        allowed = one.asked.seen().toarray() == 0
        for name, each in variants.items():
            best = each.rank(told(one.asked, length), allowed, 100, explain=False)
            rows = best.candidates
            ranked, scores = (np.full((len(one.users), 100), empty) for empty in (-1, -np.inf))
            place = np.arange(len(rows.user)) - np.repeat(np.cumsum(rows.sizes) - rows.sizes, rows.sizes)
            ranked[rows.user, place], scores[rows.user, place] = rows.item, best.scores
            runs.write(folder / f"told-{length}" / f"{name}.tsv", one.users, one.items, ranked, scores)
    alone(ranker.generators, asked, folder)


def plain(asked: dict[int, Question], features: Features, config: Config, folder: Path) -> None:
    """Run files of what Weft has in common with others, and of chance."""
    chance = np.random.default_rng(config.seed)
    alone(fit_all(next(iter(asked.values())).known, features, config, PLAIN), asked, folder)
    for length, one in asked.items():
        write(folder / f"told-{length}" / "random.tsv", one, chance.random((len(one.users), len(one.items))))


def alone(generators: Sequence[Generator], asked: dict[int, Question], folder: Path) -> None:
    """Run files of each signal alone."""
    for generator in generators:
        for length, one in asked.items():
            for name, scores in zip(generator.signals, generator.score(told(one.asked, length)), strict=True):
                write(folder / f"told-{length}" / f"{name}.tsv", one, scores)


def write(path: Path, asked: Question, scores: NDArray[np.floating[Any]]) -> None:
    """A run file of (users, items) scores; the first events of the users are not shown."""
    runs.write(path, asked.users, asked.items, *metrics.rank(scores, 100, asked.asked.seen()))


def rival(name: str, seed: int, lengths: Sequence[int], folder: Path, first: Path) -> None:
    """Run files of somebody else's models, by the Python of their environment; what is dear is chosen once."""
    script, models = MODELS[name]
    python = sys.executable
    if name != "closed":
        made = environments.ready(script.split("_")[0])
        if made.error:
            print(f"{name}: not installed: {made.error}")
            return
        python = str(made.python)
    for model in models:
        command = [python, str(PEERS / script), "--folder", str(folder), "--model", model, "--seed", str(seed)]
        command += ["--lengths", *map(str, lengths)]
        if name == "sasrec" and folder != first:
            command += ["--chosen", str(first / f"{model}.json")]
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        with (folder / f"{model}.log").open("w", encoding="utf-8") as log:
            done = subprocess.run(command, check=False, stdout=log, stderr=log, env=os.environ | threads)
        if done.returncode:
            print(f"{model}, seed {seed}: failed, see {log.name}")


def load(path: Path) -> ModuleType:
    """The judge, for its own figures user by user."""
    spec = importlib.util.spec_from_file_location("judge", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scored(judge: ModuleType, folders: Sequence[Path], length: int) -> Values:
    """What the judge says of each ranker that all seeds have; users in order of id."""
    names = [{path.stem for path in (folder / f"told-{length}").glob("*.tsv")} for folder in folders]
    found: dict[str, dict[int, list[NDArray[np.float64]]]] = {}
    for folder in folders:
        split = judge.Split(folder / f"told-{length}" / "split")
        for name in set.intersection(*names):
            run = judge.read_run(folder / f"told-{length}" / f"{name}.tsv", split)
            for user, row in zip(sorted(split.test), judge.per_user(run, split), strict=True):
                found.setdefault(name, {}).setdefault(user, []).append(row[:2])
    return {name: np.array([np.mean(rows, axis=0) for _, rows in sorted(one.items())]) for name, one in found.items()}


def leads(values: Values) -> list[dict[str, Any]]:
    """Weft's paired gain over the best rival, and over the best part of its own, with 95% intervals over users."""
    others: dict[str, list[str]] = {"rival": [], "part": []}
    for name in values:
        if not name.startswith("weft"):
            others["rival" if name.split(".")[0] in RIVALS else "part"].append(name)
    found = []
    for column, metric in enumerate(METRICS if "weft" in values else ()):
        for what, names in others.items():
            if names:
                best = max(names, key=lambda name: float(values[name][:, column].mean()))
                gain = bootstrap.gain(values["weft"][:, column], values[best][:, column])
                found.append({"metric": metric, "over": what, "name": best} | gain._asdict())
    return found


def facts(found: dict[int, Values], seeds: Sequence[int]) -> dict[str, Any]:
    told = {}
    for length, values in found.items():
        rankers = {name: dict(zip(METRICS, one.mean(0).tolist(), strict=True)) for name, one in values.items()}
        users = len(next(iter(values.values())))
        told[length] = {"users": users, "leads": leads(values), "rankers": rankers}
    return {"seeds": list(seeds), "events told": told}


def show(found: dict[int, Values]) -> None:
    """A row a ranker, two columns a length, best mean NDCG first; then Weft's lead at each length."""
    names = set.intersection(*(set(values) for values in found.values()))
    mean = {name: float(np.mean([values[name][:, 1].mean() for values in found.values()])) for name in names}
    print(f"\n{'recall@20 / NDCG@20, told':28}" + "".join(f"{length:>16}" for length in found))
    for name in sorted(names, key=lambda name: -mean[name]):
        cells = (values[name].mean(0) for values in found.values())
        print(f"{name:28}" + "".join(f"{recall:>8.4f} /{ndcg:.4f}" for recall, ndcg in cells))
    for length, values in found.items():
        for one in leads(values):
            gain = f"{one['mean']:+.4f} ({one['low']:+.4f} to {one['high']:+.4f})"
            print(f"told {length}, {one['metric']}: {gain} over {one['name']}, the best {one['over']}")


if __name__ == "__main__":
    main()
