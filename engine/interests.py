"""What a person's history holds more of than the catalogue: lately, and over all of it."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.candidates.interest import Interest
from engine.history import Histories

PAUSE = 1800
"""Seconds without an event that end a session."""
LATEST = 10
"""Events that are a session where no times are known, and at most."""
FEWEST = 2
"""Events with a thing before it is an interest."""
MORE = 1.2
"""Times the catalogue's share from which on it is one."""


@dataclass(frozen=True)
class Liking:
    """One thing of the graph that a history holds more of than the catalogue."""

    node: str
    name: str
    relation: str
    share: float
    """Of the history's events, from 0 to 1."""
    lift: float
    """How many times the catalogue's share that is."""


def session(past: Histories) -> Histories:
    """The latest events of one user that no pause parts from the last one; without times the latest few."""
    times, latest = past.times, past.ages < LATEST
    if len(times) and times[-1] > 0:
        paused = np.flatnonzero(np.diff(times) > PAUSE)
        latest &= np.arange(len(times)) > (paused[-1] if len(paused) else -1)
    return past.select(latest)


def likings(interest: Interest, entities: pl.DataFrame, past: Histories, n: int) -> list[Liking]:
    """The `n` things that tell most of one user: by share, times the logarithm of how many times the usual it is.

    Of things that always come together (a category and the one above it) the more telling is told.
    """
    facts = interest.features.facts
    has = facts[past.items.astype(np.int64)] > 0
    counts = np.asarray(has.sum(axis=0)).ravel()
    share: NDArray[np.float64] = counts / max(len(past.items), 1)
    lift = share / interest.share
    weight = np.where(
        (counts >= min(FEWEST, len(past.items))) & (lift > MORE), share * np.log(np.maximum(lift, MORE)), 0
    )
    found: dict[bytes, Liking] = {}
    for at in np.argsort(-weight, kind="stable")[: 4 * n].tolist():
        if weight[at] > 0:
            row = entities.row(at, named=True)
            told = Liking(row["id"], row["name"], row["relation"], float(share[at]), float(lift[at]))
            found.setdefault(has[:, [at]].toarray().tobytes() + row["relation"].encode(), told)
    return list(found.values())[:n]
