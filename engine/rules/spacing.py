"""Room in a list: what at_most rules still let stand beside what stands there already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.rules.slots import Slots
from graph.rules import AtMost
from graph.walks import Reach


@dataclass
class Spacing:
    """The list of one user while it is made, place by place."""

    rules: Sequence[AtMost]
    shared: Mapping[str, Reach]
    """By name of a rule, (items, nodes) what items may not share."""
    places: int = 0
    """Places that are taken."""
    taken: dict[tuple[str, int], int] = field(default_factory=dict)
    """By name of a rule and node, how many items above have it."""
    moved: dict[int, list[str]] = field(default_factory=dict)
    """By item, the rules that let another one take its place."""

    def order(self, items: Sequence[int], n: int, slots: Slots) -> list[int]:
        """Places of `items`, which come best first, in the order that the rules want; at most `n`.

        What `slots` keep places for stands in those.
        """
        waiting, chosen = list(range(len(items))), list[int]()
        while waiting and len(chosen) < n:
            if not self._here() and slots.last <= len(chosen):
                return chosen + waiting[: n - len(chosen)]
            at = slots.next(len(chosen) + 1, waiting, lambda at: self.may(items[at]))
            if at is None:
                break
            waiting.remove(at)
            chosen.append(at)
            self.take(items[at])
        return chosen

    def may(self, item: int) -> bool:
        """May an item stand at the next place? The rules that forbid it are noted."""
        against = self.against(item)
        if against:
            noted = self.moved.setdefault(item, [])
            noted += [name for name in against if name not in noted]
        return not against

    def against(self, item: int) -> list[str]:
        """Names of the rules that forbid an item at the next place."""
        return [
            rule.name
            for rule in self._here()
            if any(self.taken.get((rule.name, node), 0) >= rule.n for node in self.nodes(rule, item))
        ]

    def take(self, item: int) -> None:
        """The item stands at the next place."""
        for rule in self._here():
            for node in self.nodes(rule, item):
                self.taken[rule.name, node] = self.taken.get((rule.name, node), 0) + 1
        self.places += 1

    def _here(self) -> list[AtMost]:
        """The rules that look at the next place."""
        return [rule for rule in self.rules if self.places < rule.top]

    def nodes(self, rule: AtMost, item: int) -> list[int]:
        """What the item has that the rule counts."""
        shared = self.shared[rule.name]
        nodes: list[int] = shared.indices[shared.indptr[item] : shared.indptr[item + 1]].tolist()
        return nodes
