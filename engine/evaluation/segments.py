"""Who gains and who pays: the paired gain over a rival in groups of users, and of the items that they chose.

A gain on average can hide a group that is harmed. Of users the metric is NDCG@k; of items it is recall@k over the
chosen items of the group. Groups may overlap, and nothing is corrected for there being many of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.evaluation import bootstrap, metrics, slices
from engine.evaluation.metrics import Cells, Floats, Ints
from engine.evaluation.report import Segment

FEWEST = 20
"""Users below which a group is not called harmed: its interval says little."""
GAP_DAYS = (0, 1, 7, 30, 90, 365)
"""The shortest pause of each group, in days."""
_HAN = r"[\u3400-\u9fff\uf900-\ufaff]"


@dataclass(frozen=True)
class Grouping:
    """Users, or items, in groups. `members` is (groups, users) or (groups, items)."""

    by: str
    of: Literal["users", "items"]
    labels: tuple[str, ...]
    members: NDArray[np.bool_]


@dataclass(frozen=True)
class Lists:
    """What a ranker gave to the asked users: NDCG@k (users,), the mean over its runs, and the first k items of each
    run, (runs, users, k), -1 where a list ends.
    """

    ndcg: Floats
    ranked: Ints


def gains(
    groupings: Sequence[Grouping],
    ours: Lists,
    rival: Lists,
    relevant: Cells,
    k: int,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Segment]:
    """A segment for each group that holds somebody; `relevant` is (users, items)."""
    found = []
    for one in groupings:
        for label, members in zip(one.labels, one.members, strict=True):
            if one.of == "users":
                mine, other, metric = ours.ndcg[members], rival.ndcg[members], f"ndcg@{k}"
            else:
                mine, other = (_recall(each.ranked, relevant, members) for each in (ours, rival))
                metric = f"recall@{k}"
            if len(mine):
                gain = bootstrap.gain(mine, other, resamples, seed)
                found.append(
                    Segment(
                        by=one.by, label=label, users=len(mine), metric=metric, mean=float(mine.mean()),
                        rival=float(other.mean()), gain=gain.mean, low=gain.low, high=gain.high,
                        harmed=gain.high < 0 and len(mine) >= FEWEST,
                    )
                )  # fmt: skip
    return found


def by_edges(by: str, values: NDArray[Any], edges: Sequence[int]) -> Grouping:
    """Users by a number: a group from each edge up to the next."""
    group = np.searchsorted(edges, values, side="right") - 1
    members = (group == np.arange(len(edges))[:, None]) & np.isfinite(values)
    return Grouping(by, "users", tuple(slices.labels(edges)), members)


def by_history(lengths: Ints) -> Grouping:
    """Users by the number of their events."""
    return by_edges("history, events", lengths, slices.HISTORY_EDGES)


def by_pause(days: Floats) -> Grouping:
    """Users by the days between their last known event and the first that is asked for; NaN is in no group."""
    return by_edges("pause, days", np.floor(days), GAP_DAYS)


def tenths(by: str, of: Literal["users", "items"], values: NDArray[Any]) -> Grouping:
    """Ten groups of one size, the lowest values first; those of one value are parted by number."""
    members = slices.tenth_of(values) == np.arange(10)[:, None]
    return Grouping(by, of, tuple(str(number) for number in range(1, 11)), members)


def by_language(texts: Sequence[str]) -> Grouping:
    """Items by the script of their text: Han characters are zh, Latin letters en; other scripts are `other`."""
    column = pl.Series(texts, dtype=pl.String)
    han = column.str.contains(_HAN).to_numpy()
    latin = column.str.contains(r"[A-Za-z]").to_numpy()
    letters = column.str.contains(r"\p{L}").to_numpy()
    groups = {
        "zh": han & ~latin, "en": latin & ~han, "zh and en": han & latin, "other": letters & ~han & ~latin,
        "none": ~letters,
    }  # fmt: skip
    return Grouping("language", "items", tuple(groups), np.array(list(groups.values())).reshape(5, len(column)))


def by_lack(has: Mapping[str, NDArray[np.bool_]]) -> Grouping:
    """Items by what they lack of `has` (items,) by name; what all have, or none, parts nothing and is left out."""
    parted = {name: mask for name, mask in has.items() if mask.any() and not mask.all()}
    groups = {name: ~mask for name, mask in parted.items()}
    if groups:
        groups = {"nothing": np.logical_and.reduce(list(parted.values())), **groups}
    width = len(next(iter(has.values())))
    members = np.array(list(groups.values()), bool).reshape(len(groups), width)
    return Grouping("lacking", "items", tuple(groups), members)


def _recall(ranked: Ints, relevant: Cells, members: NDArray[np.bool_]) -> Floats:
    """The share of a user's chosen items of a group that the lists show, for users who chose any of it."""
    hits = np.mean([(metrics.hit_table(one, relevant) & members[one]).sum(axis=1) for one in ranked], axis=0)
    chosen = np.asarray(relevant.astype(bool).astype(np.int64) @ members.astype(np.int64))
    asked = chosen > 0
    return np.asarray(hits[asked] / chosen[asked], np.float64)
