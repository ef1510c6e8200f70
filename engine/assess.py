"""Measure an engine on its own tables: split, train on the past, rank the future beside the rivals, report."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine import benchmark, generalise, groups
from engine.artifact import library_versions
from engine.benchmark import Row
from engine.candidates import Features
from engine.config import Config
from engine.evaluation import bootstrap, metrics, reliability, report, slices, splits
from engine.evaluation.report import Report
from engine.evaluation.splits import Split
from engine.gate import Gate
from engine.tables import catalogue
from engine.tables.catalogue import Catalogue


def assess(
    tables: Catalogue, features: Features, config: Config, stage: Callable[[str], None], timings: dict[str, float]
) -> Report:
    """Split by `config.evaluation`, train on what comes before, and compare on the test part, used once."""
    settings = config.evaluation
    split = own_split(tables, config)
    asked = benchmark.question(tables, split)
    rows, trained, _ = benchmark.compare(tables, split, features, config, stage)
    k, first = settings.k, rows[0]
    popularity = np.bincount(asked.known.items, minlength=len(asked.items))
    users = len(asked.known)
    rival = groups.best_rival(rows, config)
    given = benchmark.chances(benchmark.ranker_of(trained, features, asked), asked, k)
    stage("train, validation, test")
    fits = generalise.fits(asked, trained, features, config)
    return Report(
        title="Weft: evaluation",
        subtitle=f"{settings.split} split, seed {config.seed}, {len(asked.users)} users with test items",
        metric=f"recall@{k}",
        gate_metric=f"ndcg@{k}",
        data={
            "items": tables.items.height,
            "users": users,
            "interactions": tables.interactions.height,
            **({"users left out as made up": trained.left_out} if config.defence.fakes else {}),
            "data": catalogue.fingerprint(tables)[:16],
        },
        rejects=dict(tables.rejects["reason"].value_counts().iter_rows()),
        rankers=[ranker(row, config, popularity, users) for row in rows],
        gates=[gate(one) for one in trained.gates],
        by_history=slices.by_history_length(first.metrics[f"recall@{k}"], asked.asked.lengths),
        by_popularity=slices.by_item_popularity(first.ranked[:, :k], asked.relevant, popularity),
        rival=rival.name if rival else "",
        segments=groups.gains(tables, split, asked, features, [rows], rival, config),
        fits=fits,
        reliability=None if given is None else reliability.measure(*given),
        contributions=benchmark.shares(trained, features, asked),
        curves={name: list(values) for name, values in trained.curves.items()},
        timings=timings,
        environment=library_versions(),
    )


def own_split(tables: Catalogue, config: Config) -> Split:
    """The split that `[evaluation]` describes. Raises DataError where a part of it would be empty."""
    settings = config.evaluation
    shares = {"test_share": settings.test_share, "valid_share": settings.valid_share}
    split = splits.split(tables.interactions, settings.split, **shares, seed=config.seed)
    splits.refuse_empty(split)
    return split


def ranker(row: Row, config: Config, popularity: NDArray[np.int64], users: int) -> report.Ranker:
    """Means of a ranker with intervals; of coverage and novelty there is one figure only."""
    k = config.evaluation.k
    cells = {
        name: metric(row, name, config) for name in (f"recall@{k}", f"ndcg@{k}", f"mrr@{k}", f"map@{k}", f"hit@{k}")
    }
    top = row.ranked[:, :k]
    cells["coverage"] = report.Metric(mean=metrics.coverage(top, len(popularity)))
    cells["novelty"] = report.Metric(mean=metrics.novelty(top, popularity, users))
    return report.Ranker(name=row.name, metrics=cells)


def metric(row: Row, name: str, config: Config) -> report.Metric:
    """The mean over users with its interval."""
    low, high = bootstrap.interval(row.metrics[name], config.evaluation.resamples, config.seed)
    return report.Metric(mean=float(row.metrics[name].mean()), low=low, high=high)


def gate(one: Gate) -> report.Gate:
    """A gate with the reason in words."""
    why = "kept" if one.kept else "off: validation was ranked as well without it"
    if one.kept and one.low > 0:
        why = "kept: missed on these lists without it"
    elif one.kept and one.part == "popularity":
        why = "kept: the only answer to somebody without a history"
    elif one.kept and one.gain > 0:
        why = "kept: better with it on average, but by no more than chance"
    elif one.kept:
        why = "kept: missed on other lists, or the last of its side"
    return report.Gate(**vars(one), why=why)
