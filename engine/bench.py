"""A bench: Weft, its rivals and, if wanted, its peers on one split, over some seeds, as one file anybody can check.

Of each ranker there are means over users and seeds, with intervals over users; a user counts with the mean over seeds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from engine import assess, atomic, benchmark, groups
from engine.benchmark import Compared, Row, Stage
from engine.candidates import Features
from engine.config import Config
from engine.evaluation import bootstrap, plots
from engine.evaluation.report import Gate, Metric, Segment
from engine.evaluation.splits import Split
from engine.provenance import Provenance, provenance
from engine.tables.catalogue import Catalogue


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Interval(Part):
    """A mean over users with its 95% interval."""

    mean: float
    low: float
    high: float


class Ranker(Part):
    """A row of the table."""

    name: str
    metrics: dict[str, Metric]
    lead: Interval
    """Weft's paired gain in NDCG@k over it."""


class Dropped(Part):
    """A generator that no gate kept, and what its absence saves at each fit and in an artefact."""

    part: str
    seeds: int
    """Of so many seeds it was dropped."""
    seconds: float
    """Of the processor, to fit it once."""
    bytes: int


class Bench(Part):
    """What `weft bench` writes to bench.json."""

    provenance: Provenance
    users: int
    rankers: list[Ranker]
    gates: dict[int, list[Gate]]
    """By seed, in NDCG@k on validation."""
    dropped: list[Dropped]
    rival: str
    segments: list[Segment]


@dataclass(frozen=True)
class Made:
    """A bench, and the rows behind it: those of the first seed, for run files."""

    bench: Bench
    rows: list[Row]


Peers = Callable[[int], list[Row]]
"""The rows of the peers for a seed."""


def run(
    tables: Catalogue,
    split: Split,
    features: Features,
    config: Config,
    seeds: Sequence[int],
    stage: Stage,
    peers: Peers = lambda seed: [],
) -> Made:
    """Train and compare once a seed, and say what comes out on average."""
    asked, found, rows = benchmark.question(tables, split), list[Compared](), list[list[Row]]()
    for seed in seeds:
        if len(seeds) > 1:
            stage(f"seed {seed}")
        one = benchmark.compare(tables, split, features, config.model_copy(update={"seed": seed}), stage)
        found.append(one)
        rows.append([*one.rows, *peers(seed)])
    stage("segments")
    averaged = averages(rows)
    rival = groups.best_rival(averaged, config)
    bench = Bench(
        provenance=provenance(tables, split, config, seeds),
        users=len(asked.users),
        rankers=[ranker(row, averaged[0], config) for row in averaged],
        gates={seed: [assess.gate(gate) for gate in one.trained.gates] for seed, one in zip(seeds, found, strict=True)},
        dropped=dropped(found),
        rival=rival.name if rival else "",
        segments=groups.gains(tables, split, asked, features, rows, rival, config),
    )
    return Made(bench, rows[0])


def averages(runs: Sequence[list[Row]]) -> list[Row]:
    """The rows that every run has, each user's metrics averaged over the runs; lists are those of the first."""
    names = [row.name for row in runs[0] if all(row.name in {other.name for other in run} for run in runs)]
    made = []
    for name in names:
        own = [next(row for row in run if row.name == name) for run in runs]
        means = {metric: np.mean([row.metrics[metric] for row in own], axis=0) for metric in own[0].metrics}
        made.append(Row(name, means, own[0].ranked, own[0].scores))
    return made


def ranker(row: Row, best: Row, config: Config) -> Ranker:
    """Means with intervals, and the lead of `best` over it."""
    k, resamples, seed = config.evaluation.k, config.evaluation.resamples, config.seed
    cells = {name: assess.metric(row, name, config) for name in (f"recall@{k}", f"ndcg@{k}", f"mrr@{k}", f"hit@{k}")}
    lead = bootstrap.gain(best.metrics[f"ndcg@{k}"], row.metrics[f"ndcg@{k}"], resamples, seed)
    return Ranker(name=row.name, metrics=cells, lead=Interval(mean=lead.mean, low=lead.low, high=lead.high))


def dropped(found: Sequence[Compared]) -> list[Dropped]:
    """Generators that were dropped with some seed, the dearest first."""
    made = []
    for part in found[0].costs:
        absent = [one for one in found if part not in {generator.name for generator in one.trained.generators}]
        if absent:
            costs = [one.costs[part] for one in found]
            seconds = float(np.mean([cost.seconds for cost in costs]))
            made.append(Dropped(part=part, seeds=len(absent), seconds=seconds, bytes=costs[0].bytes))
    return sorted(made, key=lambda one: -one.seconds)


def write(made: Bench, folder: Path) -> list[Path]:
    """bench.json and the plots, each written whole; the paths of all."""
    k = next(name for name in made.rankers[0].metrics if name.startswith("ndcg"))
    bars = [
        (row.name, row.metrics[k].mean or 0, row.metrics[k].low or 0, row.metrics[k].high or 0) for row in made.rankers
    ]
    bars[1:] = sorted(bars[1:], key=lambda bar: -bar[1])
    gains = [
        plots.Span(f"{one.by}: {one.label}", one.gain, one.low, one.high, solid=not one.harmed) for one in made.segments
    ]
    drawn = {"rankers.svg": plots.bars(bars, k)}
    if gains:
        drawn["segments.svg"] = plots.spans(gains, f"gain over {made.rival}")
    atomic.write_text(folder / "bench.json", made.model_dump_json(indent=1) + "\n")
    for name, svg in drawn.items():
        atomic.write_text(folder / name, plots.page(svg))
    return [folder / "bench.json", *(folder / name for name in drawn)]
