"""Numbers that limit what is wanted: prices, years, running times, ages, sizes.

A quantity is a number with its unit and, before or after it, what it is to the number: under, 以上, about. A price or a
time without such a word is taken for about so much.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from engine.search.intent.numerals import NUMBER, value

ABOUT = 0.2
"""`about 300` is 240 to 360."""
YEARS = (1880, 2100)

_MONEY = {
    "CNY": r"元人民币|块钱|元|块|人民币|yuan|rmb|cny|¥",
    "USD": r"美元|美金|刀|dollars?|bucks|usd|us\$|\$",
    "EUR": r"欧元|euros?|eur|€",
    "GBP": r"英镑|pounds?|gbp|quid|£",
    "JPY": r"日元|日圆|yen|jpy",
}
_TIME = {"minutes": r"minutes?|mins?|分钟", "hours": r"hours?|hrs?|个?小时|个?钟头"}
_AGE = r"周岁|岁|-?years?[ -]olds?|-?yrs?[ -]olds?|yo\b"
UNITS = frozenset(
    ("min", "mins", "hr", "hrs", "yr", "yrs", "yo", "rmb", "cny", "usd", "eur", "gbp", "jpy", "xl", "xxl", "cm")
)
"""Short words of quantities that no dictionary has."""
_ANY_MONEY = "|".join(_MONEY.values())
_SUFFIX = rf"{_ANY_MONEY}|{_TIME['minutes']}|{_TIME['hours']}|{_AGE}|年(?!代)"
_PREFIX = r"us\$|\$|€|£|¥|rmb|cny|usd"
_QUANTITY = (
    rf"(?<![a-z\d.])(?:(?P<@pre>{_PREFIX})\s?)?(?P<@n>{NUMBER})(?P<@half>个半)?"
    rf"(?:\s?(?P<@unit>{_SUFFIX}))?(?![a-z])(?!(?<=一)[样般些起定下直])"
)
"""@ stands for the name of the quantity"""


def _quantity(name: str) -> str:
    return _QUANTITY.replace("@", name)


_RANGE = re.compile(
    rf"(?P<between>between\s|from\s|介于|在|从|ages?\s|aged\s)?{_quantity('a')}\s?(?P<by>-|~|到|至|\bto\b|\band\b|和|与)\s?"
    rf"{_quantity('b')}(?P<amid>之间|之內|间)?"
)
_SINGLE = re.compile(_quantity("a"))

_UP_TO = re.compile(
    r"(?:\b(?:under|below|less than|cheaper than|lower than|shorter than|younger than|earlier than|pre-|up to|at most"
    r"|no more than|not more than|not over|no longer than|max(?:imum)?(?: of)?|within|until|before"
    r"|budget(?: of| is)?:?)|<=?"
    r"|不超过|别超过|不高于|不大于|低于|少于|小于|短于|便宜于|最多|至多|预算|不到|控制在|不长于)\s?(?:the\s)?(?:约)?$"
)
_AT_LEAST = re.compile(
    r"(?:\b(?:over|above|more than|at least|longer than|greater than|older than|newer than|later than"
    r"|post-|higher than|min(?:imum)?(?: of)?|starting (?:at|from)|no less than|not less than|after|since|from)|>=?"
    r"|至少|最少|不少于|不低于|高于|超过|大于|多于|起码|长于)\s?(?:the\s)?$"
)
_ROUGHLY = re.compile(r"(?:\b(?:around|about|approx(?:imately)?|roughly|circa|ca\.?)|~|大约|大概|约|差不多)\s?$")
_OR_LESS = re.compile(
    r"\s?(?:(?:or|and) (?:less|under|below|cheaper|shorter|younger|earlier)|max(?:imum)?\b|tops\b|at most"
    r"|以下|以内|之内|内|以前|之前|前|封顶|及以下|或以下)"
)
_OR_MORE = re.compile(
    r"\s?(?:(?:or|and) (?:more|above|over|up|longer|older|later)|plus\b|\+"
    r"|以上|及以上|或以上|起|往上|以后|之后|以来|后|开外)"
)
_OR_SO = re.compile(r"\s?(?:or so\b|ish\b|左右|上下|前后)")
_EXCLUDING = re.compile(r"before|after|than|pre-|post-|以前|之前|^\s?前|以后|之后|^\s?后")
"""A year that is excluded itself: before 1960 ends with 1959."""

_CHILD = 14
_CHILDREN = re.compile(r"\b(?:kids?|child|children|toddlers?|baby|babies|boys?|girls?)\b|孩|宝宝|儿童")
_LETTERS = r"xxs|xs|x{1,4}l|[2-6]xl"
_SIZES = (
    re.compile(r"\b(?:eu|us|uk)\s?(\d{1,2}(?:\.5)?)\b"),
    re.compile(rf"\b(?:size|sz)\s?:?\s?(?:eu\s?|us\s?|uk\s?)?(\d{{1,3}}(?:\.5)?|{_LETTERS}|[sml])\b"),
    re.compile(rf"(?:尺码|码数|尺寸)\s?:?\s?(\d{{1,3}}(?:\.5)?|{_LETTERS}|[sml])(?![a-z\d])"),
    re.compile(rf"(?<![a-z\d])(\d{{1,3}}(?:\.5)?|{_LETTERS}|[sml])\s?[码号]"),
    re.compile(rf"(?<![a-z\d-])({_LETTERS})(?![a-z\d-])"),
)
_CAPITAL = re.compile(r"(?<![\w'&.-])([SML])(?![\w'&.-])")
_DECADE = re.compile(r"(?<![a-z\d])'?((?:19|20)?\d0)'?s\b")
_DECADE_NAMES = {
    "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70, "eighties": 80,
    "nineties": 90,
}  # fmt: skip
_DECADE_WORD = re.compile(rf"\b({'|'.join(_DECADE_NAMES)})\b")
_DECADE_HAN = re.compile(r"(?:(?:上世纪|二十世纪|20世纪)\s?)?((?:19|20)?\d0|[二三四五六七八九]十)年代")


class Range(NamedTuple):
    """A quantity: the field, both bounds inclusive, the unit, and where it stands in the normalised text."""

    field: str
    low: float | None
    high: float | None
    unit: str | None
    start: int
    end: int
    rough: bool = False
    """About so much: nothing is said of how far it may go."""


class Size(NamedTuple):
    """A size as it is written, in capitals, and where it stands."""

    value: str
    start: int
    end: int


def sizes(text: str, shown: str) -> list[Size]:
    """Sizes of clothes and shoes in a normalised text; `shown` is the same with the capitals that were typed."""
    found: list[Size] = []
    matches = [match for pattern in _SIZES for match in pattern.finditer(text)]
    if not shown.isupper():
        matches += _CAPITAL.finditer(shown)
    for match in matches:
        if all(match.end() <= size.start or match.start() >= size.end for size in found):
            found.append(Size(match[1].upper(), match.start(), match.end()))
    return sorted(found, key=lambda size: size.start)


def ranges(text: str, fields: frozenset[str]) -> list[Range]:
    """Quantities in a normalised text. `fields` are what the catalogue has of price, year and runtime; none: all."""
    found = list(_decades(text)) if _has(fields, "year") else []
    for match in _RANGE.finditer(text):
        if (one := _from_to(match, fields)) is not None and _free(one, found):
            found.append(one)
    for match in _SINGLE.finditer(text):
        if (one := _single(text, match, fields)) is not None and _free(one, found):
            found.append(one)
    return sorted(found, key=lambda one: one.start)


def _free(one: Range, others: list[Range]) -> bool:
    return all(one.end <= other.start or one.start >= other.end for other in others)


def _has(fields: frozenset[str], field: str) -> bool:
    return not fields or field in fields


def _decades(text: str) -> Iterator[Range]:
    for pattern in (_DECADE, _DECADE_WORD, _DECADE_HAN):
        for match in pattern.finditer(text):
            short = _DECADE_NAMES.get(match[1])
            number = int(short if short is not None else value(match[1]) or 0)
            first = number if number >= 100 else (1900 if number >= 20 else 2000) + number
            yield Range("year", float(first), float(first + 9), None, match.start(), match.end())


class _Unit(NamedTuple):
    field: str
    name: str | None
    scale: float


def _unit(match: re.Match[str], group: str) -> _Unit | None:
    """What a quantity is of; None where nothing is written."""
    written = match[f"{group}pre"] or match[f"{group}unit"]
    if not written:
        return None
    for name, pattern in _MONEY.items():
        if re.fullmatch(pattern, written):
            return _Unit("price", name, 1)
    if written == "年":
        return _Unit("year", None, 1)
    if re.fullmatch(_AGE.replace(r"\b", ""), written):
        return _Unit("age", "years", 1)
    return _Unit("runtime", "minutes", 1 if re.fullmatch(_TIME["minutes"], written) else 60)


def _amount(match: re.Match[str], group: str) -> float | None:
    number = value(match[f"{group}n"].strip())
    return None if number is None else number + (0.5 if match[f"{group}half"] else 0)


def _bare(number: float, fields: frozenset[str], limited: bool, text: str) -> _Unit | None:
    """What a number without a unit is of: a year that can be one, a child's age, a price if something is said of it."""
    if "year" in fields and YEARS[0] <= number <= YEARS[1] and number == int(number):
        return _Unit("year", None, 1)
    if limited and number <= _CHILD and _CHILDREN.search(text):
        return _Unit("age", "years", 1)
    return _Unit("price", None, 1) if limited and _has(fields, "price") else None


def _from_to(match: re.Match[str], fields: frozenset[str]) -> Range | None:
    """A range from one number to another, or None where they are no two ends."""
    if match["by"] in ("and", "和", "与") and not (match["between"] or match["amid"]):
        return None
    low, high = _amount(match, "a"), _amount(match, "b")
    if low is None or high is None or low >= high:
        return None
    first, last = _unit(match, "a"), _unit(match, "b")
    age = _Unit("age", "years", 1) if (match["between"] or "").startswith("age") else None
    unit = last or first or age or _bare(high, fields, True, match.string)
    if unit is None or (first and last and first.field != last.field):
        return None
    low_scale = (first or unit).scale
    return Range(unit.field, low * low_scale, high * unit.scale, unit.name, match.start(), match.end())


def _single(text: str, match: re.Match[str], fields: frozenset[str]) -> Range | None:
    """One number and what is said of it, or None where it limits nothing."""
    number = _amount(match, "a")
    if number is None:
        return None
    before, after = text[max(0, match.start() - 24) : match.start()], text[match.end() : match.end() + 16]
    up, least, rough = _UP_TO.search(before), _AT_LEAST.search(before), _ROUGHLY.search(before)
    less, more, so = _OR_LESS.match(after), _OR_MORE.match(after), _OR_SO.match(after)
    if up and least:  # `no more than` holds `more than`, and 不超过 holds 超过
        up, least = (up, None) if up.start() < least.start() else (None, least)
    limited = bool(up or least or rough or less or more or so)
    aged = re.search(r"\b(?:ages?|aged)\s?$", before)
    unit = _unit(match, "a") or (_Unit("age", "years", 1) if aged else _bare(number, fields, limited, text))
    if unit is None:
        return None
    said_before, said_after = up or least or rough, less or more or so
    start = said_before.start() + match.start() - len(before) if said_before else match.start()
    end = match.end() + said_after.end() if said_after else match.end()
    number *= unit.scale
    low, high = _bounds(number, unit, bool(up or less), bool(least or more), bool(rough or so))
    if unit.field == "year":
        if least and least[0].startswith("older"):
            low, high = high, low
        said = (said_before or said_after or [""])[0]
        if said.strip() == "from":
            low, high = number, number
        excluding = 1 if _EXCLUDING.search(said) else 0
        low = low + excluding if low is not None and high is None else low
        high = high - excluding if high is not None and low is None else high
    exact = unit.field in ("age", "year") and not (rough or so)
    return Range(unit.field, low, high, unit.name, start, end, not (exact or low is None or high is None))


def _bounds(number: float, unit: _Unit, up: bool, least: bool, roughly: bool) -> tuple[float | None, float | None]:
    if up and not least:
        return None, number
    if least and not up:
        return number, None
    if unit.field in ("age", "year") and not roughly:
        return number, number
    if unit.field == "year":
        return number - 2, number + 2
    return round(number * (1 - ABOUT), 2), round(number * (1 + ABOUT), 2)
