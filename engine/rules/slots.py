"""Places of a list that rules keep for some items: what stands in them, and what waits for them.

An item that a place waits for stands there and nowhere else: best first, each place in turn takes the best item that is
meant and not taken yet. Where at_most forbids it, the next best that may stand takes the place, and where none may, the
list goes on as if there were no such rule. Where the list has nothing else left, what waits stands at its end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

SPARE = 10
"""Candidates that are looked for beyond the places of a rule, for those that another rule forbids."""


@dataclass
class Slots:
    """The places that rules keep in one list, whose candidates go by numbers, best first."""

    wanted: Sequence[tuple[int, str, Sequence[int]]]
    """Place (1 is the first), name of the rule, and the candidates that are meant."""
    waiting: dict[int, tuple[str, list[int]]] = field(default_factory=dict)
    """By place, the rule and the candidates that may take it, the one that waits for it first."""
    kept: dict[int, int] = field(default_factory=dict)
    """Candidates that wait for a place, and the place."""
    put: dict[int, str] = field(default_factory=dict)
    """Candidates that stand where a rule put them, and the rule."""

    def __post_init__(self) -> None:
        for place, name, meant in sorted(self.wanted, key=lambda one: one[0]):
            free = [candidate for candidate in meant if candidate not in self.kept]
            if place not in self.waiting and free:
                self.waiting[place] = (name, free)
                self.kept[free[0]] = place

    @property
    def last(self) -> int:
        """The last place that is kept; 0 for none."""
        return max(self.waiting, default=0)

    def among(self, others: int) -> "Slots":
        """The same where those that wait for a place come behind `others`, in their order, and nobody else is there."""
        return Slots([(place, self.waiting[place][0], [others + at]) for at, place in enumerate(self.kept.values())])

    def next(self, place: int, left: Sequence[int], may: Callable[[int], bool]) -> int | None:
        """The candidate, of those left, that stands at a place, if any may."""
        at = self._taking(place, left, may)
        if at is not None:
            return at
        free = [one for one in left if one not in self.kept] or left
        at = next(filter(may, free), None)
        if at is not None and at in self.kept:  # it stands before the place that waited for it
            self.put[at] = self.waiting.pop(self.kept.pop(at))[0]
        return at

    def _taking(self, place: int, left: Sequence[int], may: Callable[[int], bool]) -> int | None:
        """The candidate that takes a place that is kept."""
        if place not in self.waiting:
            return None
        name, meant = self.waiting.pop(place)
        there = set(left)
        free = [one for one in meant if one in there and self.kept.get(one, place) == place]
        self.kept = {one: kept for one, kept in self.kept.items() if kept != place}
        at = next(filter(may, free), None)
        if at is not None:
            self.put[at] = name
        return at
