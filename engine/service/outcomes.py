"""What came of exposures: the reward of each user of an experiment, and the log that another policy is judged by."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from engine.engine import Engine
from engine.evaluation import experiment as statistics
from engine.evaluation.experiment import MISMATCH, Comparison
from engine.service.eventlog import Entry, EventLog
from engine.service.experiments import Experiment
from engine.service.exposures import Exposure
from engine.service.replay import CHOSEN, with_events
from engine.where import parse

DAY = 86_400
DRAWN: dict[str, type[pl.DataType]] = {
    "user_id": pl.String,
    "arm": pl.String,
    "item_id": pl.String,
    "time": pl.Int64,
    "propensity": pl.Float64,
    "target": pl.Float64,
    "reward": pl.Float64,
}
"""Columns of the log of drawn places."""


@dataclass(frozen=True)
class Results:
    """What an experiment tells now."""

    compared: Comparison
    waiting: int
    """Users who were shown something and whose days are not over; they do not count yet."""
    exposed: dict[str, int]
    """By arm, users who were shown something."""
    ratio: float
    """The chance that users are shared out so unevenly by the weights of the arms."""
    moved: int
    """Users who were shown lists of two arms, since the file was changed; they count for their first."""

    @property
    def mismatch(self) -> bool:
        return self.ratio < MISMATCH


def results(one: Experiment, log: EventLog, now: float) -> Results:
    """The arms of an experiment by what was shown and done up to now, in Unix seconds."""
    arms = list(one.weights)
    users = rewards(one, log.shown(one.name), log.table(CHOSEN)).filter(pl.col("arm").is_in(arms))
    settled = users.filter(pl.col("until") <= now)
    shared = dict.fromkeys(arms, 0) | dict(users.group_by("arm").len().iter_rows())
    return Results(
        statistics.compare(settled.select("arm", "user_id", "reward"), arms, planned=one.planned),
        users.height - settled.height,
        shared,
        statistics.sample_ratio(shared, one.weights),
        users.filter(pl.col("arms") > 1).height,
    )


def rewards(one: Experiment, shown: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """A row for each user: arm, user_id, reward, until (when their days are over), arms (how many they had).

    From what was shown and chosen, as the log has both as tables. An item counts once, if it was chosen after it was
    shown, and before the days of the user are over.
    """
    users = shown.group_by("user_id", maintain_order=True).agg(
        pl.col("arm").first(),
        (pl.col("time").min() + one.days * DAY).alias("until"),
        pl.col("arm").n_unique().alias("arms"),
    )
    first = shown.explode("item").group_by("user_id", "item").agg(pl.col("time").min())
    chosen = chosen.select("user_id", item="item_id", chosen="time")
    met = chosen.join(first, on=["user_id", "item"]).join(users.select("user_id", "until"), on="user_id")
    met = met.filter(pl.col("chosen").is_between("time", "until")).unique(["user_id", "item"])
    told = users.join(met.group_by("user_id").len("reward"), on="user_id", how="left", maintain_order="left")
    reward = pl.col("reward").fill_null(0).cast(pl.Float64)
    return told.with_columns(reward.clip(upper_bound=1) if one.reward == "chosen" else reward)


def draws(
    one: Experiment, exposures: Iterable[Exposure], events: Sequence[tuple[int, Entry]], now: float, other: Engine
) -> pl.DataFrame:
    """The log of drawn places for `weft offpolicy`: user_id, arm, item_id, time, propensity, target, reward.

    `target` is the chance that `other` gives the item in its place, by its own [exploration], once it has taken in the
    events that the service had then, given with their numbers. So it must be built from tables without them. 0 for
    an item that `other` has not. A choice counts for the last list before it that showed the item, within the days of
    the experiment. Lists that asked for what is sensitive are left out: `Engine.propensity` knows of none.
    """
    shown = sorted(exposures, key=lambda each: each.event)
    rewarded = _rewarded(one, shown, [entry for _, entry in events])
    rows, taken = [], 0
    for number, each in enumerate(shown):
        if each.propensities is None or each.asked.get("sensitive") or each.time + one.days * DAY > now:
            continue
        upto = bisect_right(events, each.event, key=lambda event: event[0])
        other, taken = _after(other, [entry for _, entry in events[taken:upto]]), upto
        for place in range(each.skipped, len(each.items)):
            if each.propensities[place] == 1:
                continue  # nothing was drawn there
            item = each.items[place]
            target, reward = _target(other, each, place), float((number, item) in rewarded)
            rows.append((each.user, each.arm, item, each.time, each.propensities[place], target, reward))
    return pl.DataFrame(rows, schema=DRAWN, orient="row")


def _rewarded(one: Experiment, exposures: Sequence[Exposure], events: Sequence[Entry]) -> set[tuple[int, str]]:
    """Places of exposures in their list, and items of them that were chosen after it."""
    shown: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for number, each in enumerate(exposures):
        for item in each.shown:
            shown[each.user, item].append((each.time, number))
    found = set()
    for event in events:
        times = sorted(shown.get((event.user, event.item), ()))
        last = bisect_right(times, event.time, key=lambda one: one[0]) - 1
        if event.kind == CHOSEN and last >= 0 and event.time <= times[last][0] + one.days * DAY:
            found.add((times[last][1], event.item))
    return found


def _after(engine: Engine, entries: Iterable[Entry]) -> Engine:
    """Another engine, with these events, but for those of items that it has not."""
    return with_events(engine, [one for one in entries if engine.state.lookup.has(one.item)])


def _target(other: Engine, each: Exposure, place: int) -> float:
    has = other.state.lookup.has
    if not has(each.items[place]):
        return 0.0
    return other.propensity(
        each.items[place],
        list(filter(has, each.items[:place])),
        user=each.user,
        exclude=list(filter(has, each.asked.get("exclude", ()))),
        where=parse(each.asked.get("where", "")),
        rules=each.asked.get("rules", True),
        context=list(filter(has, each.asked.get("context", ()))),
    )
