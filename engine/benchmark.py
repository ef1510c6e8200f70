"""A table anybody can check: Weft and its rivals on one split, with intervals, and run files for a judge outside."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import fusion, history
from engine.candidates import Features, Scores, enabled, fit_timed
from engine.config import Config
from engine.evaluation import metrics, runs
from engine.evaluation.splits import Split
from engine.history import Histories, Matrix
from engine.ranker import BATCH_FLOATS, Ranker
from engine.tables.catalogue import Catalogue
from engine.training import Trained, train

Stage = Callable[[str], None]
Best = tuple[NDArray[np.int64], NDArray[np.floating[Any]]]
"""Best items and their scores, (users, depth) each."""


@dataclass(frozen=True)
class Row:
    """One ranker's result. Shapes: metrics (users,) each; ranked and scores (users, depth)."""

    name: str
    metrics: dict[str, NDArray[np.float64]]
    ranked: NDArray[np.int64]
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class Question:
    """A split as the rankers see it: what is known of each asked user, what may be shown, what is right."""

    users: list[str]
    items: list[str]
    known: Histories
    asked: Histories
    allowed: NDArray[np.bool_]
    relevant: Matrix


def question(catalogue: Catalogue, split: Split) -> Question:
    """`known` holds everybody's train and valid events, `asked` those of users with a test."""
    items = catalogue.items["item_id"].to_list()
    index = {item: row for row, item in enumerate(items)}
    before = pl.concat([split.train, split.valid])
    users = before["user_id"].unique(maintain_order=True).to_list()
    testers = split.test["user_id"].unique(maintain_order=True).to_list()
    known = history.from_frame(before, users, index, len(items))
    asked = history.from_frame(before, testers, index, len(items))
    allowed = np.ones(len(items), bool)
    if split.candidates is not None:
        allowed[:] = False
        allowed[[index[item] for item in split.candidates if item in index]] = True
    relevant = history.from_frame(split.test, testers, index, len(items)).seen()
    return Question(testers, items, known, asked, allowed, relevant)


@dataclass(frozen=True)
class Cost:
    """What a generator takes: seconds of the processor to fit, and bytes in an artefact."""

    seconds: float
    bytes: int


class Compared(NamedTuple):
    """The engine's row first, then its rivals'; what was trained; the cost of each generator."""

    rows: list[Row]
    trained: Trained
    costs: dict[str, Cost]


def compare(
    catalogue: Catalogue, split: Split, features: Features, config: Config, stage: Stage, depth: int = 100
) -> Compared:
    """Weft and the rivals it must beat, all from the same histories; the engine's row comes first."""
    asked = question(catalogue, split)
    ranker, trained = trained_ranker(asked, features, config, stage)
    rows = [row_of("weft", asked, config, *ranked(ranker, asked, depth))]
    if trained.reranker is not None:
        plain = replace(ranker, reranker=None)
        rows.append(row_of("weft without the reranker", asked, config, *ranked(plain, asked, depth)))
    stage("rivals")
    found, costs = rivals(asked, features, config, depth, trained)
    rows += [row_of(name, asked, config, *best) for name, best in found]
    return Compared(rows, trained, costs)


def trained_ranker(asked: Question, features: Features, config: Config, stage: Stage) -> tuple[Ranker, Trained]:
    """The ranker that this configuration gives on what is known."""
    trained = train(asked.known, features, config, stage)
    return ranker_of(trained, features, asked), trained


def ranker_of(trained: Trained, features: Features, asked: Question) -> Ranker:
    """What was trained on the known events, ready to rank."""
    known = np.bincount(asked.known.items, minlength=len(asked.items)) > 0
    return Ranker(trained.generators, trained.fusion, trained.reranker, features, known, trained.calibration)


def rivals(
    asked: Question, features: Features, config: Config, depth: int = 100, trained: Trained | None = None
) -> tuple[list[tuple[str, Best]], dict[str, Cost]]:
    """The best items by each generator's signals alone, and by chance; and what each generator takes.

    Those that were `trained` on what is known are not fitted again. Left out: signals that say the same of every item
    that may be shown, whose order would be that of the table.
    """
    chance = np.random.default_rng(config.seed)
    found = best_by(asked, ("random",), lambda some: chance.random((1, len(some), some.n_items), np.float32), depth)
    costs = {}
    fitted = {} if trained is None else {one.name: one for one in trained.generators}
    seconds = {} if trained is None else dict(trained.seconds)
    for name in enabled(config, features):
        if name not in seconds:
            [generator], took = fit_timed(asked.known, features, config, [name])
            seconds |= took
        else:
            generator = fitted[name]
        costs[name] = Cost(seconds[name], sum(one.nbytes for one in generator.tensors().values()))
        found += best_by(asked, generator.signals, generator.score, depth)
    return found, costs


def best_by(
    asked: Question, signals: Sequence[str], score: Callable[[Histories], Scores], depth: int
) -> list[tuple[str, Best]]:
    """The best items by each of the signals that tells any two items apart; `score` gives (signals, users, items)."""
    users = np.arange(len(asked.users))
    size = max(1, BATCH_FLOATS // (len(asked.items) * len(signals)))
    found: list[list[Best]] = [[] for _ in signals]
    telling = np.zeros(len(signals), bool)
    for start in range(0, len(users), size):
        some = asked.asked.take(users[start : start + size])
        for at, scores in enumerate(score(some)):
            telling[at] |= np.ptp(scores[:, asked.allowed], axis=1).any()
            found[at].append(metrics.rank(scores, depth, some.seen(), asked.allowed))
    joined = [(np.concatenate([one[0] for one in each]), np.concatenate([one[1] for one in each])) for each in found]
    return [(name, best) for name, best, tells in zip(signals, joined, telling, strict=True) if tells]


def ranked(ranker: Ranker, asked: Question, depth: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(users, depth) the best items of each asked user and their scores, padded with -1 and -inf."""
    items = np.full((len(asked.users), depth), -1, np.int64)
    scores = np.full((len(asked.users), depth), -np.inf, np.float32)
    for batch in ranker.batches(asked.asked):
        some = asked.asked.take(batch)
        best = ranker.rank(some, open_to(asked, some), depth, explain=False)
        sizes = best.candidates.sizes
        place = np.arange(len(best.scores)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        at = (batch[best.candidates.user], place)
        items[at], scores[at] = best.candidates.item, best.scores
    return items, scores


def chances(ranker: Ranker, asked: Question, n: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
    """(rows,) the chance of each of the `n` best of every asked user, and whether it was chosen; None if unknown."""
    if ranker.calibration is None:
        return None
    given, chosen = [np.zeros(0, np.float32)], [np.zeros(0, bool)]
    for batch in ranker.batches(asked.asked):
        some = asked.asked.take(batch)
        best = ranker.rank(some, open_to(asked, some), n, explain=False)
        if best.chances is not None:
            given.append(best.chances)
        chosen.append(asked.relevant[batch].toarray()[best.candidates.user, best.candidates.item] > 0)
    return np.concatenate(given), np.concatenate(chosen)


def open_to(asked: Question, some: Histories) -> NDArray[np.bool_]:
    """(users, items) what may be shown to these users: the candidates that are not in their history."""
    allowed = np.broadcast_to(asked.allowed, (len(some), len(asked.items))).copy()
    allowed[some.rows, some.items] = False
    return allowed


def row_of(name: str, asked: Question, config: Config, ranked: NDArray[np.int64], scores: NDArray[np.float32]) -> Row:
    """The row of a ranker from its lists, (users, depth) each."""
    return Row(name, metrics.list_metrics(ranked, asked.relevant, config.evaluation.k), ranked, scores)


def write_runs(rows: list[Row], asked: Question, folder: Path) -> None:
    """One file a ranker, of user, item and score, for a judge outside."""
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        name = row.name.replace(" ", "-").replace(":", "-")
        runs.write(folder / f"{name}.tsv", asked.users, asked.items, row.ranked, row.scores)


def fused(ranker: Ranker, histories: Histories) -> NDArray[np.float32]:
    """(users, items) fused scores of every item, before the reranker; the users fit one batch."""
    signals = fusion.standardised(ranker.generators, histories, ranker.known)
    return ranker.fusion.score(signals, fusion.trust(histories), ranker.known)


def shares(trained: Trained, features: Features, asked: Question, users: int = 200, n: int = 20) -> dict[str, float]:
    """Share of each part in the scores of what is shown to some users: mean absolute contribution, summing to 1."""
    ranker = ranker_of(trained, features, asked)
    some = asked.asked.take(np.arange(min(users, len(asked.users))))
    parts = np.abs(ranker.rank(some, open_to(asked, some), n).parts[:, :-1]).mean(0)
    return dict(zip(ranker.parts[:-1], (parts / max(parts.sum(), 1e-9)).tolist(), strict=True))
