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
    """The places that rules keep in one list."""

    wanted: Sequence[tuple[int, str, Sequence[int]]]
    """Place (1 is the first), name of the rule, and the candidates that are meant, by their numbers, best first."""
    waiting: dict[int, tuple[str, list[int]]] = field(init=False)
    """By place, the rule and the candidates that may take it, the one that waits for it first."""
    kept: dict[int, int] = field(init=False)
    """Candidates that wait for a place, and the place."""

    def __post_init__(self) -> None:
        self.waiting, self.kept = {}, {}
        for place, name, meant in sorted(self.wanted, key=lambda one: one[0]):
            free = [candidate for candidate in meant if candidate not in self.kept]
            if place not in self.waiting and free:
                self.waiting[place] = (name, free)
                self.kept[free[0]] = place

    @property
    def last(self) -> int:
        """The last place that is kept; 0 for none."""
        return max(self.waiting, default=0)

    def take(self, place: int, left: Sequence[int], fits: Callable[[int], bool]) -> tuple[int, str] | None:
        """The candidate, of those left, that takes a place, and the rule by which it does; None if none may."""
        if place not in self.waiting:
            return None
        name, meant = self.waiting.pop(place)
        there = set(left)
        free = [one for one in meant if one in there and self.kept.get(one, place) == place]
        self.kept = {one: kept for one, kept in self.kept.items() if kept != place}
        found = next((one for one in free if fits(one)), None)
        return None if found is None else (found, name)

    def give(self, candidate: int) -> str | None:
        """The rule of a candidate that stands before the place that waited for it; None if none did."""
        place = self.kept.pop(candidate, 0)
        return self.waiting.pop(place)[0] if place else None
