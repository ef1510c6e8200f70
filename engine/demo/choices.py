"""Events of the generated shop: when people come, the utility of every item in their state, and what they choose."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.demo.people import (
    BLOCKS,
    DAY,
    DAYS,
    F32,
    I64,
    LATER,
    MONTH,
    OWN_ACCESSORY,
    SAME_COLLECTION,
    SESSION,
    START,
    People,
    World,
)

TYPICAL_EVENTS, EVENTS_SPREAD = 22, 0.55
"""Median of the events a person, and standard deviation of their log."""
FEWEST_EVENTS, MOST_EVENTS = 6, 120
OPENING = 1 / 3
"""Chance that an event begins a session."""
VALUE_NOISE = 1.5
"""Chance in what is bought, beside the utility at standard deviation 1."""
BASKET, BOUGHT = 0.6, 0.85
"""Quantiles from which an event is a basket, and a purchase."""


@dataclass(frozen=True)
class Events:
    """What was chosen: flat arrays of events cut by `indptr` (users + 1,), oldest first within a user."""

    indptr: I64
    items: I64
    times: I64
    values: F32
    """1 looked at, 2 put in the basket, 3 bought: the higher, the better the item fits its person."""


def lengths(n: int, most: int, rng: np.random.Generator) -> I64:
    """(n,) events a person: half of them have 15 to 32, and the tail is long, up to 120 or `most`."""
    drawn = np.exp(np.log(TYPICAL_EVENTS) + EVENTS_SPREAD * rng.standard_normal(n))
    counts: I64 = drawn.clip(FEWEST_EVENTS, min(most, MOST_EVENTS)).astype(np.int64)
    return counts


def moments(counts: I64, rng: np.random.Generator) -> I64:
    """Times of all events, one person after the other, in sessions of three events or so within a span of the year."""
    indptr = np.concatenate([[0], np.cumsum(counts)])
    user = np.repeat(np.arange(len(counts)), counts)
    first = np.zeros(indptr[-1], bool)
    first[indptr[:-1]] = True
    opens = first | (rng.random(len(user)) < OPENING)
    begin = rng.uniform(0, 0.55, len(counts)) * DAYS * DAY
    end = rng.uniform(begin + 60 * DAY, (DAYS - 2) * DAY)
    gaps = np.where(opens & ~first, 0.1 + rng.standard_exponential(len(user)), 0)
    passed = _cumulate(gaps, indptr)
    total = np.maximum(passed[indptr[1:] - 1], 1)
    looks = _cumulate(np.where(opens, 0, rng.integers(15, 400, len(user))), indptr)
    result: I64 = (START + begin[user] + passed / total[user] * (end - begin)[user] + looks).astype(np.int64)
    return result


def _cumulate(values: NDArray[np.float64], indptr: I64) -> NDArray[np.float64]:
    """Running sums that start again with each person."""
    total: NDArray[np.float64] = np.cumsum(values)
    before = np.concatenate([[0], total])[indptr[:-1]]
    sums: NDArray[np.float64] = total - np.repeat(before, np.diff(indptr))
    return sums


def utility(world: World, people: People, users: I64, times: I64, previous: I64, same: NDArray[np.bool_]) -> F32:
    """(len(users), items) utility of every item for `users` at `times`.

    `previous` is the item each chose last (-1: none) and `same` whether that was in the same session. Items not yet
    released are -inf.
    """
    late = ((times - START) / (DAY * DAYS))[:, None].clip(0, 1).astype(np.float32)
    taste = people.early[users] * (1 - late) + people.late[users] * late
    weight = np.where(previous < 0, 0, np.where(same, 1, LATER)).astype(np.float32)
    kinds, collections = world.features[:, BLOCKS["kind"]], world.features[:, BLOCKS["collection"]]
    taste[:, BLOCKS["kind"]] += weight[:, None] * (kinds[previous] @ world.related)
    taste[:, BLOCKS["collection"]] += weight[:, None] * SAME_COLLECTION * collections[previous]
    result: F32 = taste @ world.features.T
    result += world.exposure[((times - START) // (DAY * MONTH)).astype(np.int64)]
    _add_accessories(result, world.links, previous, weight)
    result[world.release[None, :] > times[:, None]] = -np.inf
    return result


def _add_accessories(result: F32, links: I64, previous: I64, weight: F32) -> None:
    """In place: what belongs to the item chosen last."""
    order = np.argsort(links[:, 1], kind="stable")
    mains = links[order, 1]
    low, high = np.searchsorted(mains, previous), np.searchsorted(mains, previous, side="right")
    for row in np.flatnonzero(high > low):
        result[row, links[order[low[row] : high[row]], 0]] += OWN_ACCESSORY * weight[row]


def simulate(world: World, people: People, counts: I64, rng: np.random.Generator) -> Events:
    """Every person chooses `counts` (u,) items, all persons in step; with Gumbel noise argmax is the logit's choice."""
    indptr = np.concatenate([[0], np.cumsum(counts)])
    times = moments(counts, rng)
    items, fit = np.full(indptr[-1], -1), np.zeros(indptr[-1], np.float32)
    seen = np.zeros((len(counts), len(world.features)), bool)
    for step in range(int(counts.max(initial=0))):
        users = np.flatnonzero(counts > step)
        at = indptr[users] + step
        previous = items[at - 1] if step else np.full(len(users), -1)
        same = (times[at] - times[at - 1] < SESSION) if step else np.zeros(len(users), bool)
        value = utility(world, people, users, times[at], previous, same)
        value[seen[users]] = -np.inf
        noise = rng.standard_exponential(value.shape, np.float32)
        np.log(np.maximum(noise, 1e-30, out=noise), out=noise)
        items[at] = np.argmax(value - noise, axis=1)
        fit[at] = value[np.arange(len(users)), items[at]]
        seen[users, items[at]] = True
    return Events(indptr, items, times, _values(fit, rng))


def first_choices(world: World, people: People, items: NDArray[np.bool_], rng: np.random.Generator, n: int = 5) -> I64:
    """(users, n) what each would choose of `items` on the day after the year, had they been released, best first."""
    released = replace(world, release=np.where(items, 0, np.iinfo(np.int64).max))
    u = len(people.early)
    times, none = np.full(u, START + DAYS * DAY), np.full(u, -1)
    value = utility(released, people, np.arange(u), times, none, np.zeros(u, bool))
    chosen: I64 = np.argsort(-(value + rng.gumbel(size=value.shape)), axis=1)[:, :n]
    return chosen


def _values(fit: F32, rng: np.random.Generator) -> F32:
    """(events,) 1, 2 or 3: what fits a person well is bought more often than what was just looked at."""
    strength = (fit - fit.mean()) / max(float(fit.std()), 1e-6) + VALUE_NOISE * rng.standard_normal(len(fit))
    basket, buy = np.quantile(strength, [BASKET, BOUGHT]) if len(fit) else (0, 0)
    values: F32 = (1 + (strength > basket) + (strength > buy)).astype(np.float32)
    return values
