"""What a query limits and refuses, as conditions on items: under 500, before 1960, size 42, not leather, 不要皮的.

A condition holds or does not, where all else that is named is only a signal. Whoever writes `under 500` does not want
to see what costs 600, however well it fits. A number that is named without a limit (about 300) stays a wish, and so
does a year in a remembered plot, for there it is when it happens. An item of which the number is not known does not
pass. What else is named stays a signal: tables have gaps, and who asks for white may take cream.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.search.intent import Constraint, Intent
from engine.search.named import Named
from graph.schema import fold

LISTED = 0.5
"""From this share of the query on that is named, it is a list of facts, and a year in it is that of the item."""
REFUSALS = "not "
"""What a refusal begins with in words."""
NUMBER, VALUE, REFUSAL = 0, 1, 2
"""What it costs to drop a condition: 510 is nearly 500; what was refused is the last to be shown."""
_SHARED = {
    "$": ("USD", "AUD", "CAD", "HKD", "NZD", "SGD", "TWD"),
    "dollar": ("USD", "AUD", "CAD", "HKD", "NZD", "SGD", "TWD"),
    "¥": ("CNY", "JPY"),
    "元": ("CNY", "HKD", "TWD"),
    "块": ("CNY", "HKD", "TWD"),
}
"""Currencies that are written alike; in a shop of one of them that one is meant."""


@dataclass(frozen=True)
class Condition:
    """One condition that a query sets on items."""

    field: str
    """price, year, runtime, size, or the kind of what is refused"""
    told: str
    """In words: up to 500, not leather"""
    start: int
    end: int
    """Where the query says it."""
    dropped: bool = False
    """Nothing was left with it."""


@dataclass(frozen=True)
class Limit:
    """A condition and, (items,), who passes it."""

    condition: Condition
    passes: NDArray[np.bool_]
    cost: int


@dataclass(frozen=True)
class Limits:
    """What of a query limits; `intent` is without what cannot be compared, and `notes` say what that is and why."""

    intent: Intent
    limits: list[Limit]
    notes: list[str]

    @property
    def words(self) -> str:
        """The query without what it limits: that is obeyed, and no word to look for. Years stay, texts have them."""
        spans = [(one.condition.start, one.condition.end) for one in self.limits if one.condition.field != "year"]
        query = self.intent.query
        kept = "".join(" " if any(a <= at < b for a, b in spans) else char for at, char in enumerate(query))
        return kept if any(map(str.isalnum, kept)) else query


def limits_of(intent: Intent, named: Named, currency: str | None) -> Limits:
    """What a query limits in one catalogue, whose prices are in `currency` (ISO 4217) if it is known."""
    notes, usable = [], []
    for one in intent.constraints:
        reason = _incomparable(one, intent, named, currency)
        if reason is None:
            usable.append(one)
        else:
            notes.append(f"{intent.query[one.start : one.end].strip()}: {reason}")
    if currency is None:
        notes += [f"prices here are taken to be in {one.unit}: data.currency is not set"
                  for one in usable if one.field == "price" and one.unit]  # fmt: skip
    kept = Intent(**{**vars(intent), "constraints": tuple(usable)})
    if named.titled(intent.query):  # a title is a name, whatever its words mean apart
        return Limits(kept, [], notes)
    listed = named.reading(kept).share >= LISTED
    found = [*_ranges(kept, named, listed), *_sizes(kept, named), *_refusals(kept, named)]
    return Limits(kept, sorted(found, key=lambda one: one.condition.start), notes)


def told(one: Constraint) -> str:
    """A limit in words."""
    if one.value is not None:
        return f"size {one.value}"
    low, high = ("" if bound is None else f"{bound:g}" for bound in (one.low, one.high))
    unit = f" {one.unit}" if one.unit else ""
    if low == high:
        return f"{low}{unit}"
    if low and high:
        return f"{'about ' if one.rough else ''}{low} to {high}{unit}"
    edge = {"year": ("from {}", "until {}")}.get(one.field, ("{} or more", "up to {}"))
    return edge[0].format(f"{low}{unit}") if low else edge[1].format(f"{high}{unit}")


def _incomparable(one: Constraint, intent: Intent, named: Named, currency: str | None) -> str | None:
    """Why a constraint says nothing of this catalogue; None where it does."""
    if one.field == "size":
        return None if one.value is None or "size" in named.kinds else "sizes are not known here"
    if one.value is not None:
        return None
    if one.field not in named.numbers:
        return f"{one.field} is not known here"
    if one.field != "price" or one.unit is None or currency is None:
        return None
    said = intent.query[one.start : one.end].lower()
    alike = {
        one.unit,
        *(code for sign, codes in _SHARED.items() if sign in said and one.unit in codes for code in codes),
    }
    return None if currency in alike else f"prices here are in {currency}, and not compared with {one.unit}"


def _ranges(intent: Intent, named: Named, listed: bool) -> Iterator[Limit]:
    for one in intent.constraints:
        if one.value is None and not one.rough and one.field in named.numbers and (listed or one.field != "year"):
            passes = named.within(one) > 0
            yield Limit(Condition(one.field, told(one), one.start, one.end), passes, NUMBER)


def _sizes(intent: Intent, named: Named) -> Iterator[Limit]:
    for one in intent.constraints:
        if one.field == "size" and one.value is not None and not one.negated:
            passes = named.things(f"size:{fold(one.value)}")
            yield Limit(Condition("size", told(one), one.start, one.end), passes, VALUE)


def _refusals(intent: Intent, named: Named) -> Iterator[Limit]:
    for entity in intent.entities:
        if entity.negated:
            name = entity.name.rpartition(" > ")[2]
            condition = Condition(entity.node.partition(":")[0], f"{REFUSALS}{name}", entity.start, entity.end)
            yield Limit(condition, ~named.things(entity.node), REFUSAL)
