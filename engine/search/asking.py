"""From a query to the items that it asks for: read, limited, ranked, and what was understood said beside.

The signals of `hybrid` say how well an item fits; here stands what the query makes of them: which items its conditions
leave (`limits`), what it wants of the thing that it names (`kinds`), and which condition goes if nothing were left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.search import kinds, relax
from engine.search.hybrid import DEPTH, Match, Scores, Searcher, matches, top
from engine.search.intent import Intent
from engine.search.kinds import Target
from engine.search.limits import Condition, Limit, limits_of
from engine.search.look import beside
from engine.search.named import Named
from engine.search.query import checked
from engine.search.understood import Understood
from graph.schema import BRAND, CATEGORY

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Asked:
    """A query against one catalogue: what each part adds, (items,) each, whom it leaves, and what it was taken for."""

    parts: dict[str, Scores]
    open: Mask
    """(items,) what may be shown and passes the conditions of the query"""
    understood: Understood
    groups: Sequence[Mask] = ()
    """(items,) each: things that are compared, which take turns"""

    def noted(self, note: str) -> "Asked":
        """The same with one more note in what was understood."""
        return replace(self, understood=replace(self.understood, notes=(note, *self.understood.notes)))

    @cached_property
    def total(self) -> Scores:
        """(items,) before taste; 0 for what it does not find."""
        return np.where(self.open, sum(self.parts.values()), 0)

    def best(self, n: int) -> list[Match]:
        """The best `n`, and of things that are compared the best `n` of each."""
        found = np.flatnonzero(self.total > 0)
        places = [found, *(found[one[found]] for one in self.groups)]
        rows = np.concatenate([some[top(self.total[some], n)] for some in places])
        rows = rows[np.sort(np.unique(rows, return_index=True)[1])]
        return matches(rows, {name: scores[rows] for name, scores in self.parts.items()})

    def arranged(self, found: Sequence[Match]) -> list[Match]:
        """Matches, best first, so that things that are compared take turns."""
        if not self.groups:
            return list(found)
        by_row = {match.item: match for match in found}
        return [by_row[row] for row in kinds.interleaved(list(by_row), self.groups)]


def ask(
    searcher: Searcher,
    query: str | None,
    allowed: Mask,
    currency: str | None = None,
    literal: bool = False,
    n: int = DEPTH,
    look: Scores | None = None,
) -> Asked:
    """What a query asks for of the allowed items, (items,), for a list of `n`.

    `literal` takes all that it limits for wishes, and looks for the thing that it names. `look` (items,) is how much
    their pictures look like one that was given, beside the query or in its place. Raises DataError as `query.checked`
    does. A query that is longer than intent reads is compared as it stands.
    """
    if query is None:
        return Asked(beside({}, look), allowed, Understood(""))
    query = checked(query)
    named = searcher.named
    intent = named.parse(query)
    if intent is None:
        return Asked(
            beside(searcher.parts(query, among=[allowed], n=n), look),
            allowed,
            Understood(query, notes=("too long to be read: compared as a text",)),
        )
    read = limits_of(intent, named, currency)
    if literal:
        wanted = replace(read.intent, kind="find")
        parts = beside(searcher.parts(query, named.reading(wanted), [allowed], n), look)
        return Asked(parts, allowed, Understood(query, wanted, notes=("taken word by word", *read.notes)))
    target = kinds.target(read.intent, named, searcher.features, searcher.accessories)
    open_ = allowed & ~target.out if len(target.out) else allowed
    limited = np.all([open_, *(limit.passes for limit in read.limits)], axis=0)
    reading = named.reading(read.intent, target.aside)
    parts = beside(_weighed(searcher.parts(read.words, reading, [open_, limited], n), target), look)
    total = np.where(open_, sum(parts.values()), 0)
    conditions, passes = _kept(read.limits, _core(read.intent, named, target, total))
    notes = (*read.notes, *((target.note,) if target.note else ()))
    return Asked(parts, open_ & passes, Understood(query, read.intent, target.names, conditions, notes), target.groups)


def _weighed(parts: dict[str, Scores], target: Target) -> dict[str, Scores]:
    """With the signal of the kind, which shares with the others."""
    if not target.signal:
        return parts
    return {target.signal: kinds.SHARE * target.scores} | {
        name: (1 - kinds.SHARE) * added for name, added in parts.items()
    }


def _core(intent: Intent, named: Named, target: Target, total: Scores) -> Scores:
    """(items,) scores of those among which something must be left: of the brand and kind that are looked for.

    Else there is always something for `jackets under 5`: socks. Where a brand has nothing of its kind, the kind alone
    counts; where there is nothing of the kind either, anything that is found.
    """
    head = [intent.head.node] if intent.head and intent.head.node and intent.head.node not in target.aside else []
    labels = () if target.groups else (BRAND, CATEGORY)
    things = [one.node for one in intent.wanted() if one.label in labels and one.node not in target.aside]
    signal = [target.scores > 0] if target.signal == kinds.GOES_WITH else []
    for nodes in ([*head, *things], head):
        core = total * np.all([*signal, *(named.things(node) for node in nodes), np.ones(len(total), bool)], axis=0)
        if core.any():
            return np.asarray(core, np.float64)
    return total


def _kept(limits: Sequence[Limit], core: Scores) -> tuple[tuple[Condition, ...], Mask]:
    """The conditions, with those marked that had to go, and (items,) who passes the others."""
    masks = {str(place): one.passes for place, one in enumerate(limits)}
    gone = relax.dropped(core, masks, {str(place): one.cost for place, one in enumerate(limits)})
    passes = np.all([np.ones(len(core), bool), *(mask for name, mask in masks.items() if name not in gone)], axis=0)
    told = [replace(one.condition, dropped=str(place) in gone) for place, one in enumerate(limits)]
    return tuple(told), passes
