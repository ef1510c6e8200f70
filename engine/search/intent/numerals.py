"""Numbers as people write them: 1,200, 2k, 3.5, twenty, a hundred, 五百, 两百五, 一千二, 1万."""

import re

DIGITS = "零一二三四五六七八九"
_VALUES = {char: value for value, char in enumerate(DIGITS)} | {"〇": 0, "两": 2, "俩": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
CHINESE = "零〇一二两三四五六七八九十百千万"
_PLAIN = r"\d{1,9}(?:,\d{3}){0,3}(?:\.\d{1,4})?"
_ENGLISH = {
    "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
    "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1000,
}  # fmt: skip
_SPELT = "|".join(sorted(_ENGLISH.keys() - {"a"}, key=lambda word: (-len(word), word)))
NUMBER = (
    rf"(?:{_PLAIN}\s?[k千万百]?(?![a-z\d])|{_PLAIN}|[{CHINESE}]{{1,9}}"
    rf"|(?:a (?:hundred|thousand)|(?:{_SPELT})(?: hundred| thousand)?)\b)"
)
"""A pattern of one number; what it finds `value` reads."""
_ARABIC = re.compile(rf"({_PLAIN})\s?([k千万百]?)")


def value(text: str) -> float | None:
    """The number that a text writes; None where Chinese characters make no number."""
    if arabic := _ARABIC.fullmatch(text):
        scale = {"k": 1000, "千": 1000, "万": 10_000, "百": 100}.get(arabic[2], 1)
        return float(arabic[1].replace(",", "")) * scale
    return _english(text) if text[:1].isascii() else _chinese(text)


def _english(text: str) -> float | None:
    """Two hundred, twenty, a thousand."""
    total = 1.0
    for word in text.split():
        if word not in _ENGLISH:
            return None
        total *= _ENGLISH[word]
    return total


def _chinese(text: str) -> float | None:
    """五百二十, and 两百五 for 250: a digit at the end counts tenths of the unit before it."""
    if not text:
        return None
    if all(char in _VALUES for char in text):  # 一九九五
        return float("".join(str(_VALUES[char]) for char in text))
    total, section, digit, last = 0, 0, None, 1
    for char in text:
        if char in _VALUES:
            digit = _VALUES[char]
            if digit == 0:
                digit, last = None, 10  # 一百零五: the digit after it counts itself
        elif char == "万":
            total, section, digit, last = (total + section + (digit or 0)) * 10_000, 0, None, 10_000
        elif char in _UNITS:
            section += (1 if digit is None else digit) * _UNITS[char]
            digit, last = None, _UNITS[char]
        else:
            return None
    if digit is not None:
        section += digit * (last // 10 if last > 10 else 1)
    return float(total + section)
