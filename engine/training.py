"""Learning the ranker: every score it learns from comes from generators that had not seen the answer (see cases.py)."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from engine import calibration, cases, copies, fakes, fusion, rerank
from engine.calibration import Calibration
from engine.candidates import Features, Generator, attention, enabled, fit_all, fit_timed, gnn
from engine.config import Config
from engine.errors import ConfigError
from engine.fusion import Fusion
from engine.gate import Gate
from engine.gating import (
    KNOWN,
    NEW,
    fuse,
    gate_parts,
    gate_reranker,
    gate_smooth,
    judged,
    narrowed,
    of_known,
    pooled,
    tables,
)
from engine.history import Histories
from engine.rerank import Reranker
from engine.reservoir import Reservoir

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """What training gives: generators, the fusion over their signals, a reranker if it helps, the evidence."""

    generators: list[Generator]
    fusion: Fusion
    reranker: Reranker | None
    gates: list[Gate]
    curves: dict[str, list[float]]
    calibration: Calibration | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    """Of the processor, that each generator took to fit on everything."""
    held: list[Generator] = field(default_factory=list)
    """Those that are SLOW to fit, as learned from all but everybody's latest events. Without times there are none."""
    old: Reservoir = field(default_factory=Reservoir)
    """Some of the lists that the fusion learned from."""
    quality: dict[str, float] = field(default_factory=dict)
    """NDCG@k by kind of list, of a fusion that had not seen them."""
    left_out: int = 0
    """Users that nothing was learned from, since they look made up."""


def train(histories: Histories, features: Features, config: Config, stage: Callable[[str], None] = log.info) -> Trained:
    """Fit generators out of fold, learn fusion and reranker, gate every part, then refit on everything that is kept."""
    threads = max(1, config.threads // 2)  # half of them for each of the two things done at once
    with threadpool_limits(threads):
        torch.set_num_threads(1)  # several add up in any order, and the same seed would give other last digits
        if config.defence.copies:
            features = copies.unlent(features, np.bincount(histories.items, minlength=len(features)) > 0)
        if not config.defence.fakes:
            return _train(histories, features, config, stage)
        suspects = fakes.find(histories)
        if len(suspects.users):
            log.warning(
                "%d users look made up to push %d items: nothing is learned from them",
                len(suspects.users), len(suspects.items),
            )  # fmt: skip
        trained = _train(suspects.without(histories), features, config, stage)
        return replace(trained, left_out=len(suspects.users))


def _train(histories: Histories, features: Features, config: Config, stage: Callable[[str], None]) -> Trained:
    rng = np.random.default_rng(config.seed)
    owners = enabled(config, features)
    if not owners:
        raise ConfigError(
            "no generator is left: enable one under [candidates]; those of content need texts, pictures or attributes"
        )

    stage("generators that have not seen what the fusion learns from and is judged on")
    learn, judge, slow = cases.both(histories, features, config, rng)
    if not learn or not judge:
        log.warning("too little history to learn a fusion from: every signal weighs the same, and nothing is gated")
        generators = fit_all(histories, features, config, owners)
        return Trained(generators, fusion.even([s for g in generators for s in g.signals]), None, [], {})
    stage("fusion, each part gated on validation")
    first = fuse(learn, {(part, side) for part in owners for side in (KNOWN, NEW)}, config)
    learn, judge = ([pooled(one, first, config.fusion.depth) for one in made] for made in (learn, judge))
    smooth, loss = gate_smooth(learn, judge, owners, config)
    uses, gates = gate_parts(learn, judge, owners, config, not features.empty, smooth)
    stage("reranker")
    rounds, curves, gate = gate_reranker(learn, judge, uses, config, smooth)

    def taught(made: list[cases.Case]) -> tuple[Fusion, Reranker | None]:
        model = fuse(made, uses, config, None, smooth)
        if not rounds:
            return model, None
        return model, rerank.fit(tables(of_known(made), model, config), [], config.fusion, config.seed, rounds)[0]

    half, corrected = taught(learn)
    asked = [narrowed(one, half) for one in judge if one.kind == "warm"]
    chances = calibration.fit(asked, half, corrected, config.fusion.depth)
    final, reranker = taught(learn + judge)
    old = Reservoir()
    for made in (learn, judge):
        old = old.after(made, config.update.cases, rng)
    quality = {kind: float(each.mean()) for kind, each in judged(judge, half, config.evaluation.k).items()}
    stage("generators on everything")
    with threadpool_limits(config.threads):  # nothing is done beside it
        torch.set_num_threads(1)
        generators, seconds = fit_timed(histories, features, config, {part for part, _ in uses})
    curves |= gnn.curves(generators) | attention.curves(generators)
    held = [one for one in slow if one.name in seconds] if histories.times.any() else []
    return Trained(generators, final, reranker, loss + gates + gate, curves, chances, seconds, held, old, quality)
