"""Is what is new like what was learned from? Signs that it is not, each with the limit above which it is an alarm.

An alarm refuses nothing: it says that it is time to build anew, or that something is wrong with the data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import cdist

from engine.candidates import Features
from engine.evaluation import bootstrap

GROUPS = 10
"""Of items, by popularity, that had as many events each."""
FEW = 20
"""Events, items or lists below which nothing is said of them: chance is all they tell."""
COMPARED = 300
"""Items of each side that vectors are compared of; time is quadratic in it."""
DRAWS = 200
"""Permutations behind a p-value."""
LIMITS = {
    "events of new items": 0.3,
    "events of new users": 0.8,
    "rows left out": 0.05,
    "words not known": 0.3,
    "popularity (PSI)": 0.25,
    "values (KS)": 0.1,
    "text (MMD)": 0.05,
    "image (MMD)": 0.05,
    "warm lists (loss)": 0.2,
    "short lists (loss)": 0.2,
}
"""PSI above .25 is what is usually called a shift; the others are shares, and differences that are not by chance."""


@dataclass(frozen=True)
class Sign:
    name: str
    value: float
    limit: float
    alarm: bool
    said: str
    """What it means, in words."""


def sign(name: str, value: float, said: str, surely: bool = True) -> Sign:
    """An alarm where the value is above its limit, and `surely` no chance."""
    return Sign(name, value, LIMITS[name], surely and value > LIMITS[name], said)


def events(
    items: NDArray[np.int64], new_user: NDArray[np.bool_], known: NDArray[np.bool_], popularity: NDArray[np.int64]
) -> list[Sign]:
    """Of new events: `items` (events,) and whether the user had none before; `popularity` (items,) before them."""
    if len(items) < FEW:
        return []
    of_new = float((~known[items]).mean())
    shift = population_shift(popularity, np.bincount(items, minlength=len(popularity)))
    return [
        sign("events of new items", of_new, f"{of_new:.1%} of the events are of items that nobody had met"),
        sign("events of new users", float(new_user.mean()), f"{new_user.mean():.1%} of the events are of new users"),
        sign("popularity (PSI)", shift, "how differently the events fall on items that were popular and others"),
    ]


def population_shift(before: NDArray[np.int64], after: NDArray[np.int64]) -> float:
    """Population stability index of events over groups of known items that had as many events each before.

    sum of (a - e) ln(a / e) over the shares of the groups; 0 where they are as before.
    """
    order = np.argsort(-before, kind="stable")[: int((before > 0).sum())]
    if not len(order) or not after[order].any():
        return 0.0
    share = np.cumsum(before[order]) / before.sum()
    group = np.minimum((GROUPS * (share - 1e-12)).astype(int), GROUPS - 1)
    expected, actual = (np.bincount(group, each[order], GROUPS) for each in (before, after))
    filled = expected > 0
    e, a = (np.maximum(each[filled] / each.sum(), 1e-4) for each in (expected, actual))
    return float(((a - e) * np.log(a / e)).sum())


def values(before: NDArray[np.float32], after: NDArray[np.float32]) -> list[Sign]:
    """Ratings or weights, by the greatest difference of their distributions (Kolmogorov and Smirnov)."""
    if len(after) < FEW or (before == before[0]).all():
        return []
    found = stats.ks_2samp(before, after)
    said = f"the greatest difference of the distributions of values; by chance p {found.pvalue:.3f}"
    return [sign("values (KS)", float(found.statistic), said, bool(found.pvalue < 0.01))]


def words(known: Sequence[str], texts: Sequence[Sequence[str]]) -> list[Sign]:
    """The words of new items that the vocabulary lacks."""
    there, told = set(known), [word for text in texts for word in text]
    if len(told) < FEW:
        return []
    share = sum(word not in there for word in told) / len(told)
    return [sign("words not known", share, f"{share:.1%} of the words of these items are in no item learned from")]


def vectors(before: Features, after: Features, seed: int) -> list[Sign]:
    """Vectors of each modality of new items beside those of old ones: MMD^2, with its p-value by permutation."""
    rng, found = np.random.default_rng(seed), []
    for kind in before.vectors:
        a, b = (sampled(each.vectors[kind], rng) for each in (before, after))
        if min(len(a), len(b)) < FEW:
            continue
        distance, chance = discrepancy(a, b, rng)
        cosine = float(
            a.mean(axis=0) @ b.mean(axis=0) / np.linalg.norm(a.mean(axis=0)) / np.linalg.norm(b.mean(axis=0))
        )
        said = f"how unlike old items the new ones are; by chance p {chance:.3f}; cosine of the means {cosine:.2f}"
        found.append(sign(f"{kind} (MMD)", distance, said, chance < 0.01))
    return found


def sampled(vectors: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float64]:
    """Some of the rows that have a vector."""
    there = np.flatnonzero(vectors.any(axis=1))
    return np.asarray(vectors[np.sort(rng.permutation(there)[:COMPARED])], np.float64)


def discrepancy(a: NDArray[np.float64], b: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, float]:
    """MMD^2 (Gretton et al. 2012, biased) of (n, dim) and (m, dim) by a Gaussian kernel as wide as the median distance,
    and the share of permutations with as much.
    """
    both = np.concatenate([a, b])
    squared = cdist(both, both, "sqeuclidean")
    kernel = np.exp(-squared / (float(np.median(squared[squared > 0])) if squared.any() else 1.0))

    def between(order: NDArray[np.int64]) -> float:
        weight = np.full(len(both), -1 / len(b))
        weight[order[: len(a)]] = 1 / len(a)
        return float(weight @ kernel @ weight)

    found = between(np.arange(len(both)))
    drawn = [between(rng.permutation(len(both))) for _ in range(DRAWS)]
    return found, (1 + sum(each >= found for each in drawn)) / (1 + DRAWS)


def quality(built: Mapping[str, float], asked: Mapping[str, NDArray[np.float64]], seed: int) -> list[Sign]:
    """NDCG of lists for new events before they were learned, by kind, beside what the build saw on such lists."""
    found = []
    for kind in ("warm", "short"):
        if kind not in asked or not built.get(kind) or len(asked[kind]) < FEW:
            continue
        mean, (_, high) = float(asked[kind].mean()), bootstrap.interval(asked[kind], seed=seed)
        said = f"NDCG of {kind} lists {mean:.4f} before this update, {built[kind]:.4f} at the build"
        found.append(sign(f"{kind} lists (loss)", 1 - mean / built[kind], said, high < built[kind]))
    return found
