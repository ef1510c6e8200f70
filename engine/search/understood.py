"""What a search took its query for, as values and in one line for people."""

from dataclasses import dataclass
from typing import Any

from engine.search.intent import Intent, Kind
from engine.search.limits import Condition, told
from graph.schema import CATEGORY

_KINDS = {"similar": "like {}", "accessory": "what goes with {}", "compare": "{} compared"}


@dataclass(frozen=True)
class Understood:
    """Beside the items of a search; the default is a query that was not read."""

    query: str
    intent: Intent | None = None
    """All that the query means, without limits that nothing here can be compared with"""
    about: tuple[str, ...] = ()
    """The things that others shall be like or go with, or that are compared"""
    conditions: tuple[Condition, ...] = ()
    """What items must be; a dropped one left nothing"""
    notes: tuple[str, ...] = ()
    """What was read otherwise than it was typed, what could not be obeyed, and why"""

    @property
    def kind(self) -> Kind:
        return self.intent.kind if self.intent else "find"

    @property
    def dropped(self) -> tuple[str, ...]:
        """The conditions, in words, without which there was something."""
        return tuple(one.told for one in self.conditions if one.dropped)

    @property
    def line(self) -> str:
        """`Sport shoes; white; up to 500`; empty where nothing was understood."""
        if self.intent is None:
            return ""
        parts = []
        if self.about and self.kind in _KINDS:
            parts.append(_KINDS[self.kind].format(", ".join(self.about)))
        named = [one for one in self.intent.wanted() if _last(one.name) not in self.about]
        named.sort(key=lambda one: one.label != CATEGORY)  # the thing first, then what it is like
        parts += [_last(one.name) for one in named]
        held = {(one.start, one.end) for one in self.conditions}
        wishes = [one for one in self.intent.constraints if one.value is None and (one.start, one.end) not in held]
        parts += [one.told for one in self.conditions if not one.dropped] + [
            f"{told(one)}, if possible" for one in wishes
        ]
        return "; ".join(dict.fromkeys(parts))

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        intent = self.intent
        return {
            "text": self.line,
            "kind": self.kind,
            "about": list(self.about),
            "named": [
                {"surface": one.surface, "node": one.node, "label": one.label, "name": one.name,
                 "negated": one.negated, "method": one.method}
                for one in (intent.entities if intent else ())
            ],
            "conditions": [vars(one) for one in self.conditions],
            "dropped": list(self.dropped),
            "repairs": [[one.typed, one.meant] for one in (intent.repairs if intent else ())],
            "notes": list(self.notes),
        }  # fmt: skip


def _last(name: str) -> str:
    """The last step of a path of categories."""
    return name.rpartition(" > ")[2]
