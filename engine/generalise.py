"""How far quality carries: on events that were learned from, on those the choices were made by, on those never seen.

train and validation ask the same users for the same latest share of their known events. For train the generators had
been fitted on these events; for validation they are fitted anew on what came before, under the same fusion, whose
weights and gates were chosen by them. A wide gap between the two is remembering.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine import benchmark, cases
from engine.benchmark import Question
from engine.candidates import Features, fit_all
from engine.config import Config
from engine.evaluation import metrics
from engine.evaluation.metrics import Floats
from engine.evaluation.report import Fit
from engine.ranker import Ranker
from engine.training import Trained

USERS = 1000
"""Most users that are asked; those beyond are left out by chance."""


def fits(asked: Question, trained: Trained, features: Features, config: Config) -> list[Fit]:
    """Recall, NDCG and ROC-AUC on train, validation and test."""
    rng = np.random.default_rng(config.seed)
    part = cases.parts(asked.known, config, rng)
    before, latest = asked.known.select(part < cases.JUDGE), asked.known.select(part == cases.JUDGE)
    found = []
    relevant = (latest.seen() - latest.seen().multiply(before.seen())).tocsr()
    relevant.eliminate_zeros()
    users = some(np.flatnonzero(np.diff(relevant.indptr)), rng)
    if len(users) and len(before.items):
        ids = [str(user) for user in users]
        everything = np.ones(len(asked.items), bool)
        inner = Question(ids, asked.items, before, before.take(users), everything, relevant[users])
        ranker = benchmark.ranker_of(trained, features, asked)
        found.append(fit("train", ranker, inner, config))
        kept = {generator.name for generator in trained.generators}
        unseen = replace(trained, generators=fit_all(before, features, config, kept))
        found.append(fit("validation", benchmark.ranker_of(unseen, features, inner), inner, config))
    users = some(np.arange(len(asked.users)), rng)
    tested = replace(
        asked, users=[asked.users[at] for at in users], asked=asked.asked.take(users), relevant=asked.relevant[users]
    )
    return [*found, fit("test", benchmark.ranker_of(trained, features, asked), tested, config)]


def some(users: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """At most so many of them, in order."""
    return np.sort(rng.permutation(users)[:USERS])


def fit(part: str, ranker: Ranker, asked: Question, config: Config) -> Fit:
    """The figures of one part: lists as they are shown, and the area under the curve of the fused score."""
    k = config.evaluation.k
    ranked, _ = benchmark.ranked(ranker, asked, k)
    lists = metrics.list_metrics(ranked, asked.relevant, k)
    values = {name: float(lists[name].mean()) for name in (f"recall@{k}", f"ndcg@{k}")}
    area = auc(ranker, asked)
    defined = area[np.isfinite(area)]
    return Fit(
        part=part,
        users=len(asked.users),
        metrics={**values, "ROC-AUC": float(defined.mean()) if len(defined) else None},
    )


def auc(ranker: Ranker, asked: Question) -> Floats:
    """(users,) area under the ROC curve of the fused score, over the items that may be shown."""
    areas = []
    for batch in ranker.batches(asked.asked):
        one = asked.asked.take(batch)
        scores = benchmark.fused(ranker, one)
        areas.append(metrics.auc(scores, asked.relevant[batch], one.seen(), asked.allowed))
    return np.concatenate(areas)
