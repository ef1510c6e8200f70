"""The grammar of rules: what may be said of items, for whom, and when. Nothing in a rule is code.

A rule is one of nine kinds, and says which items it means in up to three ways, all of which must hold:

    items = { category = "Shoes", price = [-inf, 500] }   conditions on columns
    node = "brand:nike"                                   what has a node of the graph, or one below it
    walk = [">BELONGS_TO", "<BELONGS_TO"]                 what a walk over the graph reaches from the history
"""

import math
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictStr,
)
from pydantic import model_validator as checked

from graph.schema import fold

MOST_RULES = 200
LONGEST_NAME = 80
LONGEST_WALK = 3
"""Steps: a fourth would join nearly everything to everything."""
HEAVIEST = 100.0
"""A weight beyond it could only be a mistake: ten already puts an item above every other one."""

MOST_PLACES = 50
FIRST, LAST = (moment.replace(tzinfo=UTC) for moment in (datetime.min, datetime.max))
"""Between these a rule without `from` and `until` is in force."""

MOST_VALUES = 1000
LARGEST = 1e300

_STEP = re.compile(r"[<>]?[A-Za-z][A-Za-z0-9_]*")


def _name(name: str) -> str:
    if not name.isprintable() or name != name.strip():
        raise ValueError("a name is one line of printable characters, without blanks around it")
    return name


def _step(step: str) -> str:
    if not _STEP.fullmatch(step):
        raise ValueError('a step is a relation with its direction: ">MADE_BY" along it, "<MADE_BY" against it')
    return step if step[0] in "<>" else f">{step}"


def _moment(given: Any) -> date | datetime | None:
    if isinstance(given, str) and re.fullmatch(
        r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?", given
    ):
        try:
            return date.fromisoformat(given) if len(given) == 10 else datetime.fromisoformat(given)
        except ValueError:
            pass  # such as a thirteenth month
    elif given is None or isinstance(given, date):
        return given
    raise ValueError("a day or a time is wanted, such as 2026-11-27 or 2026-11-27T20:00:00+08:00")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone is wanted, such as Asia/Shanghai, Europe/Berlin or UTC") from None
    return name


def _instant(moment: date | datetime, zone: str, days: int = 0) -> datetime:
    """The beginning of a day, so many days later, or a time, as a time in UTC."""
    try:
        if not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day) + timedelta(days)
        return (moment.replace(tzinfo=ZoneInfo(zone)) if moment.tzinfo is None else moment).astimezone(UTC)
    except OverflowError:  # the last day that there is
        return LAST


def _places(given: Any) -> tuple[int, ...]:
    places = given if isinstance(given, list | tuple) else [given]
    whole = all(isinstance(place, int) and not isinstance(place, bool) and 1 <= place <= 1000 for place in places)
    if not whole or not 0 < len(places) <= MOST_PLACES or len(set(places)) < len(places):
        raise ValueError(f"a place is wanted, 1 is the first, or a list of at most {MOST_PLACES}, each once")
    return tuple(sorted(places))


def _condition(wanted: Any) -> Any:
    """A range may be open by -inf and inf, for TOML has no null; it is kept as None, as `where` and JSON have it."""
    if not isinstance(wanted, list | tuple):
        return _scalar(wanted)
    if len(wanted) > MOST_VALUES:
        raise ValueError(f"at most {MOST_VALUES} values are taken")
    if len(wanted) == 2:
        low, high = wanted
        wanted = [None if low == -math.inf else low, None if high == math.inf else high]
    return tuple(None if value is None else _scalar(value) for value in wanted)


def _scalar(value: Any) -> str | int | float:
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("half a character is no text")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a text, a number, or a list of them is wanted")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a finite number is wanted; a range is open with [-inf, high] or [low, inf]")
    if abs(value) > LARGEST:
        raise ValueError("the number is too large")
    return value


Scalar = str | int | float
Condition = Annotated[
    Scalar | tuple[Scalar | None, ...],
    PlainValidator(_condition),
    PlainSerializer(lambda wanted: list(wanted) if isinstance(wanted, tuple) else wanted),
]
Conditions = Annotated[dict[str, Condition], Field(min_length=1, max_length=20)]
"""As `where` has them, by column: a value, a list of which one must hold, or [low, high]."""
Moment = Annotated[
    date | datetime | None,
    PlainValidator(_moment),
    PlainSerializer(lambda moment: None if moment is None else moment.isoformat()),
]
Name = Annotated[StrictStr, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_name)]
Walk = Annotated[tuple[Annotated[StrictStr, AfterValidator(_step)], ...], Field(min_length=1, max_length=LONGEST_WALK)]
Places = Annotated[int, Field(ge=1, le=1000, strict=True)]
"""How many."""
Slots = Annotated[tuple[int, ...], PlainValidator(_places), PlainSerializer(list)]
"""Places of a list; 1 is the first."""


class Table(BaseModel):
    """A table of the file: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class Base(Table):
    """What every rule has."""

    name: Name
    """Told beside every item that the rule touches; each name once."""
    enabled: Annotated[bool, Field(strict=True)] = True
    """Whether it is in force."""
    first: Annotated[Moment, Field(alias="from")] = None
    """The first day on which it is in force, or the time from which on it is."""
    last: Annotated[Moment, Field(alias="until")] = None
    """The last day on which it is in force, or the time at which it is no more."""
    zone: Annotated[StrictStr, Field(max_length=60), AfterValidator(_zone)] = "UTC"
    """Of days, and of times that do not say theirs."""
    users: Conditions | None = None
    """For whom: conditions on the attributes of users, or on `user_id`. Without it for everybody, known or not."""
    unless: Conditions | None = None
    """Whom it spares, of those: the same conditions."""

    @checked(mode="after")
    def _in_order(self) -> "Base":
        if self.end <= self.begin:
            raise ValueError("`until` is before `from`: the rule would never be in force")
        return self

    @property
    def begin(self) -> datetime:
        """From then on it is in force, in UTC."""
        return FIRST if self.first is None else _instant(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """From then on it is not."""
        return LAST if self.last is None else _instant(self.last, self.zone, days=1)

    def at(self, moment: datetime) -> bool:
        """Is it in force then?"""
        return self.enabled and self.begin <= moment < self.end


class Fixed(Base):
    """A rule on items that are the same for everybody."""

    items: Conditions | None = None
    """Conditions on the columns of items; a category holds everything below it."""
    node: Annotated[StrictStr, Field(min_length=1, max_length=1000)] | None = None
    """The id of a node: items joined to it by any relation, or to one below it in a tree of SUBCATEGORY_OF."""

    @checked(mode="after")
    def _of_something(self) -> "Fixed":
        if self.items is None and self.node is None and getattr(self, "walk", None) is None:
            ways = "`items`, `node` or `walk`" if isinstance(self, Reached) else "`items` or `node`"
            raise ValueError(f"it does not say which items: give {ways}")
        return self


class Reached(Fixed):
    """A rule on items that may depend on the history."""

    walk: Walk | None = None
    """Relations from the items of the history to those that are meant; `>` along a relation, `<` against it."""
    min_value: Annotated[float, Field(strict=True)] | None = None
    """The walk starts from events of at least this value only: from what was bought, not from what was looked at."""

    @checked(mode="after")
    def _starts_somewhere(self) -> "Reached":
        if self.min_value is not None and self.walk is None:
            raise ValueError("`min_value` is about where a `walk` starts, and there is none")
        return self


class Boost(Reached):
    """Adds to the score."""

    kind: Literal["boost"]
    weight: Annotated[float, Field(gt=0, le=HEAVIEST, strict=True)]
    """In standard deviations of the user's scores over the catalogue."""


class Bury(Reached):
    """Takes from the score."""

    kind: Literal["bury"]
    weight: Annotated[float, Field(gt=0, le=HEAVIEST, strict=True)]
    """As of boost."""


class Exclude(Reached):
    """Hides these items."""

    kind: Literal["exclude"]


class Require(Fixed):
    """Hides all other items."""

    kind: Literal["require"]


class AgeLimit(Fixed):
    """Hides these items from whoever is not known to be old enough."""

    kind: Literal["age_limit"]
    min_age: Annotated[int, Field(ge=1, le=150, strict=True)]
    """In years."""
    age: Annotated[StrictStr, Field(min_length=1, max_length=1000)] = "age"
    """The attribute of users that says it: `34`, `25-34` and `25+` are at least so old, anything else is too young."""


class Sensitive(Fixed):
    """Hides these items from whoever does not ask for them."""

    kind: Literal["sensitive"]
    topic: Name
    """By which they are asked for."""


class Pin(Fixed):
    """Puts the best of these items at certain places."""

    kind: Literal["pin"]
    places: Slots
    """In each stands another item."""


class Sponsored(Fixed):
    """Puts the best of these items at certain places, where they are marked as sponsored."""

    kind: Literal["sponsored"]
    places: Slots
    """In each stands another item."""


class AtMost(Base):
    """At most `n` items that share what a relation leads to among the first `top` of a list."""

    kind: Literal["at_most"]
    relation: Annotated[StrictStr, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    """From items to what they may not share: HAS_COLLECTION, MADE_BY."""
    n: Places = 1
    """So many of one."""
    top: Places = 5
    """Among so many first places."""


Rule = Annotated[
    Boost | Bury | Exclude | Require | AgeLimit | Sensitive | Pin | Sponsored | AtMost, Field(discriminator="kind")
]


class Rules(Table):
    """All rules of one file, in its order."""

    rule: Annotated[tuple[Rule, ...], Field(max_length=MOST_RULES)] = ()

    @checked(mode="after")
    def _named_once(self) -> "Rules":
        count = Counter(fold(rule.name) for rule in self.rule)
        twice = [rule.name for rule in self.rule if count[fold(rule.name)] > 1]
        if twice:
            raise ValueError(f"two rules are called {twice[0]!r}; give each a name of its own")
        return self

    def at(self, moment: datetime) -> "Rules":
        """Those in force at a time."""
        return Rules(rule=tuple(rule for rule in self.rule if rule.at(moment)))

    def plain(self) -> dict[str, Any]:
        """The rules as JSON has them; `Rules.model_validate` reads it."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)
