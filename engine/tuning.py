"""A search for settings: Optuna proposes, folds inside the training part judge, and a fold of its own confirms.

The test part is never looked at. What comes before it is cut again, by the same protocol: the latest cut is kept apart
to confirm what was found, those before it are the folds of the search. The gain that is told is on the fold that the
search has not seen, so it is not flattered by having been the best of many.

The study is a file of JSON lines: a search that was cut, or that ended, goes on from it.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import optuna
import polars as pl
from numpy.typing import NDArray
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.trial import TrialState

from engine import benchmark, space
from engine.benchmark import Question
from engine.candidates import Features
from engine.config import Config
from engine.errors import DataError
from engine.evaluation import bootstrap, metrics, splits
from engine.evaluation.bootstrap import Gain
from engine.evaluation.splits import Protocol, Split
from engine.space import Value
from engine.tables.catalogue import Catalogue, fingerprint
from engine.tracking import Tracker

NAME = "weft"
Stage = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """What a search came to."""

    best: dict[str, Value]
    """The best value of each knob."""
    changed: dict[str, tuple[Value, Value]]
    """Before and after, of those that differ."""
    score: float
    """Mean NDCG@k of the best on the folds of the search; `start` is that of the configuration as it was."""
    start: float
    gain: Gain
    """Of the best over the start, paired, on the fold that confirms."""
    trials: int
    pruned: int


@dataclass(frozen=True)
class Limits:
    """When a search ends: after so many trials in all, and no trial begins after so many minutes (none: no limit)."""

    trials: int
    minutes: float | None = None


def search(
    tables: Catalogue, split: Split, features: Features, config: Config, file: Path, limits: Limits, folds: int,
    stage: Stage, tracker: Tracker,
) -> Found:  # fmt: skip
    """Search until a limit is reached, going on from `file` if it is there.

    Raises DataError when the file is of another search, or when too little is left to cut folds from.
    """
    confirming, *asked = [benchmark.question(tables, one) for one in cuts(split, config, folds)]
    study = opened(file, task(tables, split, config, folds))
    started, deadline = time.monotonic(), None if limits.minutes is None else 60 * limits.minutes
    while sum(trial.state.is_finished() for trial in study.trials) < limits.trials:
        if deadline is not None and time.monotonic() - started > deadline:
            break
        run(study, asked, features, config, stage, limits.trials, tracker)
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    if not complete:
        raise DataError(f"no trial was finished; go on with more time: the search in {file} is kept")
    best: dict[str, Value] = dict(study.best_params)
    changed = {key: (now, value) for key, value in best.items() if (now := space.get(config, key)) != value}
    stage("confirming on a fold that the search has not seen")
    gain = Gain(0.0, 0.0, 0.0)
    if changed:
        before, after = (quality(confirming, features, one) for one in (config, space.put(config, best)))
        gain = bootstrap.gain(after, before, config.evaluation.resamples, config.seed)
    start = next(trial.value for trial in complete if trial.user_attrs.get("start"))
    pruned = len(study.get_trials(states=(TrialState.PRUNED,), deepcopy=False))
    return Found(best, changed, study.best_value, float(start or 0), gain, len(complete) + pruned, pruned)


def run(
    study: optuna.Study, asked: list[Question], features: Features, config: Config, stage: Stage, trials: int,
    tracker: Tracker,
) -> None:  # fmt: skip
    """One trial, given up when after a fold it is below the median of those before."""
    trial = study.ask()
    settings = space.put(config, {knob.key: space.suggest(trial, knob) for knob in space.knobs(config)})
    scores = list[float]()
    for number, fold in enumerate(asked):
        best = f", best {study.best_value:.4f}" if study.get_trials(states=(TrialState.COMPLETE,)) else ""
        stage(f"trial {trial.number + 1} of {trials}, fold {number + 1} of {len(asked)}{best}")
        scores.append(float(quality(fold, features, settings).mean()))
        trial.report(float(np.mean(scores)), number)
        if number + 1 < len(asked) and trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return
    study.tell(trial, float(np.mean(scores)))
    tracker.scalars(trial.number + 1, {"tune/ndcg": float(np.mean(scores)), "tune/best": study.best_value})


def opened(file: Path, task: dict[str, Any]) -> optuna.Study:
    """The study of a file, which begins with the configuration as it is. Raises DataError if it is of another task."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    file.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(file))),
        study_name=NAME,
        load_if_exists=True,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
    )
    for key, value in task.items():
        if study.user_attrs.get(key, value) != value:
            raise DataError(f"{file}: a search with other {key}; name another file, or delete it to begin anew")
        study.set_user_attr(key, value)
    for trial in study.get_trials(states=(TrialState.RUNNING,)):  # of a process that was killed
        study.tell(trial.number, state=TrialState.FAIL)
    waiting = study.get_trials(states=(TrialState.WAITING, TrialState.COMPLETE))
    if not any(trial.user_attrs.get("start") for trial in waiting):
        study.enqueue_trial(task["start"], user_attrs={"start": True})
    study.sampler = optuna.samplers.TPESampler(seed=len(study.trials))
    return study


def task(tables: Catalogue, split: Split, config: Config, folds: int) -> dict[str, Any]:
    """What must be the same for a search to go on."""
    settings = config.model_dump_json(exclude={"data", "encoders", "tracking", "threads"})
    return {
        "data": fingerprint(tables),
        "split": splits.fingerprint(split),
        "settings": hashlib.sha256(settings.encode()).hexdigest(),
        "folds": folds,
        "start": {knob.key: space.get(config, knob.key) for knob in space.knobs(config)},
    }


def cuts(split: Split, config: Config, folds: int) -> list[Split]:
    """The split that confirms, then those of the search: cut from what comes before the test, by its protocol."""
    known = pl.concat([split.train, split.valid]).sort("user_id", "time", maintain_order=True)
    protocol, made = protocol_of(split), list[Split]()
    for number in range(folds + 1):
        one = splits.split(
            known, protocol, test_share=config.evaluation.test_share, valid_share=0, seed=config.seed + number
        )
        splits.refuse_empty(one)
        made.append(one)
        # In time each fold goes back a step; items or users are drawn anew, but never those that confirm.
        if number == 0 or not protocol.startswith("cold"):
            known = one.train
    return made


def protocol_of(split: Split) -> Protocol:
    """That of the split, or of one from outside what it looks like: nobody has touched its candidates, or somebody."""
    for protocol in get_args(Protocol):
        if split.protocol == protocol:
            return protocol  # type: ignore[no-any-return]
    touched = pl.concat([split.train, split.valid])["item_id"]
    return "cold-item" if split.candidates and not touched.is_in(split.candidates).any() else "time"


def quality(asked: Question, features: Features, config: Config) -> NDArray[np.float64]:
    """(users,) NDCG@k of Weft with these settings."""
    ranker, _ = benchmark.trained_ranker(asked, features, config, lambda stage: None)
    k = config.evaluation.k
    ranked, _ = benchmark.ranked(ranker, asked, k)
    return metrics.list_metrics(ranked, asked.relevant, k)[f"ndcg@{k}"]
