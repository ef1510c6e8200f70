"""What does each part add? Weft trained anew without one thing at a time, beside the whole, the same users.

A part is a generator, the reranker, a modality (what is known of items, of one kind), or the order of events.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from engine import atomic, benchmark
from engine.benchmark import Question, Row, Stage
from engine.candidates import Features, enabled
from engine.candidates.base import nothing, says
from engine.config import Config
from engine.evaluation import bootstrap, plots
from engine.provenance import Provenance

ORDERED = ("transitions", "later", "attention")
"""Generators that say what follows what."""


@dataclass(frozen=True)
class Less:
    """Weft with one part taken away."""

    part: str
    kind: str
    features: Features
    config: Config


class Addition(BaseModel):
    """What a part adds: the whole's paired gain in NDCG@k over Weft without it, with its 95% interval."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    part: str
    kind: str
    recall: float
    """Of Weft without it, as is `ndcg`."""
    ndcg: float
    gain: float
    low: float
    high: float
    seconds: float
    """Of the processor, that learning without it saves; below zero it would cost more."""


class Ablation(BaseModel):
    """What `weft ablate` writes to ablate.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provenance: Provenance
    whole: dict[str, float]
    """Means of the whole."""
    parts: list[Addition]


def ablate(
    asked: Question, features: Features, config: Config, stage: Stage, depth: int = 100
) -> tuple[list[Row], list[Addition]]:
    """The row of the whole and of Weft without each part, and what each part adds, the largest gain first."""
    stage("the whole")
    whole, seconds = _timed(asked, features, config, stage, depth, "weft")
    k, settings = config.evaluation.k, config.evaluation
    rows, found = [whole], []
    for less in parts(features, config):
        stage(f"without {less.part}")
        row, took = _timed(asked, less.features, less.config, stage, depth, f"weft without {less.part}")
        gain = bootstrap.gain(whole.metrics[f"ndcg@{k}"], row.metrics[f"ndcg@{k}"], settings.resamples, config.seed)
        rows.append(row)
        found.append(
            Addition(
                part=less.part, kind=less.kind, recall=float(row.metrics[f"recall@{k}"].mean()),
                ndcg=float(row.metrics[f"ndcg@{k}"].mean()), gain=gain.mean, low=gain.low, high=gain.high,
                seconds=seconds - took,
            )
        )  # fmt: skip
    return rows, sorted(found, key=lambda one: -one.gain)


def modalities(asked: Question, features: Features, config: Config, stage: Stage, depth: int = 100) -> list[Row]:
    """Rows of Weft without each modality and without the order of events, and of nothing else: quicker than all."""
    wanted = [one for one in parts(features, config) if one.kind in ("modality", "sequence")]
    rows = []
    for less in wanted:
        stage(f"without {less.part}")
        rows.append(_timed(asked, less.features, less.config, stage, depth, f"weft without {less.part}")[0])
    return rows


def write(made: Ablation, folder: Path) -> list[Path]:
    """ablate.json and a plot, each written whole; their paths."""
    metric = list(made.whole)[-1]
    spans = [plots.Span(f"{one.part}, {one.kind}", one.gain, one.low, one.high, one.low > 0) for one in made.parts]
    atomic.write_text(folder / "ablate.json", made.model_dump_json(indent=1) + "\n")
    atomic.write_text(folder / "ablate.svg", plots.page(plots.spans(spans, f"what it adds to {metric}")))
    return [folder / "ablate.json", folder / "ablate.svg"]


def parts(features: Features, config: Config) -> Iterator[Less]:
    """Weft without each of its parts that there is; the last generator is never taken away."""
    names = enabled(config, features)
    for name in names if len(names) > 1 else ():
        yield Less(name, "generator", features, switched(config, name, {"enabled": False}))
    if config.fusion.rerank:
        fusion = config.fusion.model_copy(update={"rerank": False})
        yield Less("reranker", "reranker", features, config.model_copy(update={"fusion": fusion}))
    for name, part in features.parts.items():
        less = without(features, name)
        if says(part) and enabled(config, less):
            yield Less(name, "modality", less, config)
    if set(names) - set(ORDERED):
        yield Less("sequence", "sequence", features, unordered(config))


def without(features: Features, name: str) -> Features:
    """The same items with one modality blanked."""
    blank = nothing(name, *features.parts[name].shape)
    return Features.of(features.parts | {name: blank}, features.relations)


def unordered(config: Config) -> Config:
    """No transitions, and histories that do not fade: what is left when the order of events says nothing."""
    for name in ORDERED:
        config = switched(config, name, {"enabled": False})
    for name, section in config.candidates:
        if hasattr(section, "half_lives") and name not in ORDERED:
            config = switched(config, name, {"half_lives": (np.inf,)})
    return config


def switched(config: Config, generator: str, change: dict[str, Any]) -> Config:
    """The same settings but for some of one generator's."""
    section = getattr(config.candidates, generator).model_copy(update=change)
    return config.model_copy(update={"candidates": config.candidates.model_copy(update={generator: section})})


def _timed(
    asked: Question, features: Features, config: Config, stage: Stage, depth: int, name: str
) -> tuple[Row, float]:
    """The row of a training, and the seconds of the processor that it took."""
    start = time.process_time()
    ranker, _ = benchmark.trained_ranker(asked, features, config, stage)
    seconds = time.process_time() - start
    return benchmark.row_of(name, asked, config, *benchmark.ranked(ranker, asked, depth)), seconds
