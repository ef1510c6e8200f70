"""A table anybody can check: Weft and its rivals on one split, with intervals, and run files for a judge outside."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from engine import fusion, history
from engine.candidates import Features, enabled, fit_all
from engine.config import Config
from engine.evaluation import bootstrap, metrics, runs
from engine.evaluation.splits import Split
from engine.history import Histories, Matrix
from engine.ranker import Ranker
from engine.tables.catalogue import Catalogue
from engine.training import Trained, train

Stage = Callable[[str], None]


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


SPARSE = ("facts", "words")
MODALITIES = (*SPARSE, "text", "image")


def compare(
    catalogue: Catalogue, split: Split, features: Features, config: Config, stage: Stage, depth: int = 100
) -> tuple[list[Row], Trained]:
    """Weft and the rivals it must beat, all from the same histories; the engine's row comes first."""
    asked = question(catalogue, split)
    ranker, trained = trained_ranker(asked, features, config, stage)
    rows = [_row("weft", asked, config, *ranked(ranker, asked, depth))]
    if trained.reranker is not None:
        plain = replace(ranker, reranker=None)
        rows.append(_row("weft without the reranker", asked, config, *ranked(plain, asked, depth)))
    stage("rivals")
    for name, scores in rivals(asked, features, config):
        best = metrics.rank(scores, depth, asked.asked.seen(), asked.allowed)
        rows.append(_row(name, asked, config, *best))
    return rows, trained


def ablations(
    catalogue: Catalogue, split: Split, features: Features, config: Config, stage: Stage, depth: int = 100
) -> list[Row]:
    """Weft trained anew without one thing at a time: each modality, and the order of events."""
    asked = question(catalogue, split)
    rows = []
    for name in MODALITIES:
        if getattr(features, name).size:
            stage(f"without {name}")
            ranker, _ = trained_ranker(asked, without(features, name), config, stage)
            rows.append(_row(f"weft without {name}", asked, config, *ranked(ranker, asked, depth)))
    stage("without sequence")
    ranker, _ = trained_ranker(asked, features, unordered(config), stage)
    return [*rows, _row("weft without sequence", asked, config, *ranked(ranker, asked, depth))]


def trained_ranker(asked: Question, features: Features, config: Config, stage: Stage) -> tuple[Ranker, Trained]:
    """The ranker that this configuration gives on what is known."""
    trained = train(asked.known, features, config, stage)
    return ranker_of(trained, features, asked), trained


def ranker_of(trained: Trained, features: Features, asked: Question) -> Ranker:
    """What was trained on the known events, ready to rank."""
    known = np.bincount(asked.known.items, minlength=len(asked.items)) > 0
    return Ranker(trained.generators, trained.fusion, trained.reranker, features, known)


def without(features: Features, name: str) -> Features:
    """The same items with one modality blanked."""
    kept: Any = getattr(features, name)
    blank: dict[str, Any] = {name: sparse.csr_array(kept.shape, dtype=np.float32) if name in SPARSE else 0 * kept}
    return replace(features, **blank)


def unordered(config: Config) -> Config:
    """No transitions, and histories that do not fade: what is left when the order of events says nothing."""
    changes: dict[str, Any] = {name: {"enabled": False} for name in ("transitions", "later")}
    changes |= {name: {"half_lives": (np.inf,)} for name in ("ease", "content", "gnn")}
    candidates = {name: getattr(config.candidates, name).model_copy(update=change) for name, change in changes.items()}
    return config.model_copy(update={"candidates": config.candidates.model_copy(update=candidates)})


def rivals(asked: Question, features: Features, config: Config) -> list[tuple[str, NDArray[np.float32]]]:
    """(users, items) scores of each generator's signals alone, and of chance.

    Left out: signals that say the same of every item that may be shown, whose order would be that of the table.
    """
    chance = np.random.default_rng(config.seed).random((len(asked.users), len(asked.items)), np.float32)
    found = [("random", chance)]
    for generator in fit_all(asked.known, features, config, enabled(config, features)):
        scores = generator.score(asked.asked)
        found += [(name, np.array(one)) for name, one in zip(generator.signals, scores, strict=True)]
    return [(name, scores) for name, scores in found if np.ptp(scores[:, asked.allowed], axis=1).any()]


def ranked(ranker: Ranker, asked: Question, depth: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(users, depth) the best items of each asked user and their scores, padded with -1 and -inf."""
    items = np.full((len(asked.users), depth), -1, np.int64)
    scores = np.full((len(asked.users), depth), -np.inf, np.float32)
    for batch in ranker.batches(asked.asked):
        some = asked.asked.take(batch)
        allowed = np.broadcast_to(asked.allowed, (len(some), len(asked.items))).copy()
        allowed[some.rows, some.items] = False
        best = ranker.rank(some, allowed, depth, explain=False)
        sizes = best.candidates.sizes
        place = np.arange(len(best.scores)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        at = (batch[best.candidates.user], place)
        items[at], scores[at] = best.candidates.item, best.scores
    return items, scores


def _row(name: str, asked: Question, config: Config, ranked: NDArray[np.int64], scores: NDArray[np.float32]) -> Row:
    return Row(name, metrics.list_metrics(ranked, asked.relevant, config.evaluation.k), ranked, scores)


def write_runs(rows: list[Row], asked: Question, folder: Path) -> None:
    """One file a ranker, of user, item and score, for a judge outside."""
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        name = row.name.replace(" ", "-")
        runs.write(folder / f"{name}.tsv", asked.users, asked.items, row.ranked, row.scores)


def table(rows: list[Row], config: Config) -> pl.DataFrame:
    """Means with 95% intervals over users, and the paired gain in NDCG of the first row over each."""
    k, resamples, seed = config.evaluation.k, config.evaluation.resamples, config.seed
    made = []
    for row in rows:
        cells: dict[str, object] = {"ranker": row.name}
        for metric in (f"recall@{k}", f"ndcg@{k}", f"mrr@{k}", f"hit@{k}"):
            low, high = bootstrap.interval(row.metrics[metric], resamples, seed)
            cells |= {metric: float(row.metrics[metric].mean()), f"{metric} low": low, f"{metric} high": high}
        lead = bootstrap.gain(rows[0].metrics[f"ndcg@{k}"], row.metrics[f"ndcg@{k}"], resamples, seed)
        made.append(cells | {"lead": lead.mean, "lead low": lead.low, "lead high": lead.high})
    return pl.DataFrame(made)


def fused(ranker: Ranker, histories: Histories) -> NDArray[np.float32]:
    """(users, items) fused scores of every item, before the reranker; the users fit one batch."""
    signals = fusion.standardised(ranker.generators, histories, ranker.known)
    return ranker.fusion.score(signals, fusion.trust(histories), ranker.known)


def shares(trained: Trained, features: Features, asked: Question, users: int = 200, n: int = 20) -> dict[str, float]:
    """Share of each part in the scores of what is shown to some users: mean absolute contribution, summing to 1."""
    ranker = ranker_of(trained, features, asked)
    some = asked.asked.take(np.arange(min(users, len(asked.users))))
    allowed = np.broadcast_to(asked.allowed, (len(some), len(asked.items))).copy()
    allowed[some.rows, some.items] = False
    parts = np.abs(ranker.rank(some, allowed, n).parts[:, :-1]).mean(0)
    return dict(zip(ranker.parts[:-1], (parts / max(parts.sum(), 1e-9)).tolist(), strict=True))
