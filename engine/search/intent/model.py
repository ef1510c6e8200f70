"""What a query means, as plain values. Every place is a span of the query as it was typed, end exclusive."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Language = Literal["zh", "en", "mixed"]
Kind = Literal["find", "compare", "similar", "accessory", "question"]
"""find: things that are so. compare: A or B. similar: what is like a thing. accessory: what goes with a thing.
question: an answer is wanted, not only a list."""


@dataclass(frozen=True)
class Token:
    """A word, as it was understood: repaired, folded, simplified. `tag` is LAC's for Chinese, a universal one else."""

    text: str
    tag: str
    start: int
    end: int


@dataclass(frozen=True)
class Keyword:
    """A word that says what is wanted; the weightiest of a query has 1."""

    text: str
    weight: float


@dataclass(frozen=True)
class Entity:
    """A node of the graph that the query names."""

    node: str
    label: str
    name: str
    """As the graph calls it"""
    surface: str
    """As it was typed"""
    start: int
    end: int
    score: float
    """From 0 to 1: 1 for a name or alias, less for a synonym, a learned word or a repaired one"""
    method: str
    """name, synonym, learned (from the titles of the catalogue), or the same after a repair: `name, repaired`"""
    negated: bool = False


@dataclass(frozen=True)
class Constraint:
    """What an item must be. Either a range of numbers, or a value: of `size`, or a node that it must have or lack."""

    field: str
    """price, year, runtime, age, size; or the kind of the node, such as colour, material, brand"""
    low: float | None = None
    high: float | None = None
    """Both inclusive; None is open"""
    unit: str | None = None
    """ISO 4217 for a price, `minutes`, `years`; None where a price has none: then it is the catalogue's own"""
    value: str | None = None
    negated: bool = False
    start: int = 0
    end: int = 0
    rough: bool = False
    """A range around a number that was named without a limit (`about 300`, `300元`): a wish, and no condition"""


@dataclass(frozen=True)
class Head:
    """The thing that is looked for, and what is said of it."""

    text: str
    node: str | None
    modifiers: tuple[str, ...]


@dataclass(frozen=True)
class Repair:
    """What was typed, what it was taken for, and why: spelling, sound (a homophone), or pinyin."""

    typed: str
    meant: str
    start: int
    end: int
    why: str


@dataclass(frozen=True)
class Intent:
    """All that was understood of one query."""

    query: str
    language: Language
    kind: Kind
    tokens: tuple[Token, ...]
    keywords: tuple[Keyword, ...]
    entities: tuple[Entity, ...]
    constraints: tuple[Constraint, ...]
    head: Head | None
    repairs: tuple[Repair, ...]

    def wanted(self) -> list[Entity]:
        """The entities that are not negated."""
        return [entity for entity in self.entities if not entity.negated]

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON takes it."""
        return asdict(self)
