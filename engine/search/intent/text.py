"""A query as text: what is refused, and a normalised form that can be rewritten and still knows where all came from."""

import re
import unicodedata
from dataclasses import replace

from engine.errors import DataError
from engine.search.intent.model import Language
from engine.search.query import refuse_wordless
from graph.link.normal import HAN, Normal, is_han, normalise

LONGEST = 512
"""Characters of a query. Nobody types more; a pasted page is no query."""
_LATIN_WORD = re.compile(r"[a-z][a-z'-]+")
_HAN_CHARACTER = re.compile(f"[{HAN}]")
_NEUTRAL = frozenset(
    (
        "xs",
        "xl",
        "xxl",
        "xxxl",
        "xxs",
        "ml",
        "cm",
        "mm",
        "kg",
        "rmb",
        "cny",
        "usd",
        "usb",
        "usb-c",
        "type-c",
        "vs",
        "ok",
    )
)
"""Latin letters that people write in any language."""


def check(query: str) -> Normal:
    """The query, normalised: folded, simplified, without marks; control characters are blanks.

    Raises DataError for what is no text, too long, or without a letter or digit.
    """
    if not isinstance(query, str):
        raise DataError(f"a query is a text, not {type(query).__name__}")
    if len(query) > LONGEST:
        raise DataError(f"the query has {len(query)} characters; it may have {LONGEST}")
    # One blank for one character, so that places stay. Surrogates are halves of characters, which no model can read.
    clean = "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Co", "Cn") else char for char in query)
    normal = normalise(clean)
    refuse_wordless(normal.text)
    return normal


def rewrite(normal: Normal, start: int, end: int, meant: str) -> Normal:
    """The text with other characters from `start` to `end`; each of them came from all of what was there."""
    first, last = normal.span(start, end)
    return replace(
        normal,
        text=normal.text[:start] + meant + normal.text[end:],
        starts=normal.starts[:start] + (first,) * len(meant) + normal.starts[end:],
        ends=normal.ends[:start] + (last,) * len(meant) + normal.ends[end:],
    )


def language_of(normal: Normal) -> Language:
    """Chinese, English, or both. Sizes and units belong to no language; what is neither is taken for English."""
    latin = [word for word in _LATIN_WORD.findall(normal.text) if word not in _NEUTRAL]
    if not _HAN_CHARACTER.search(normal.text):
        return "en"
    return "mixed" if latin else "zh"


def has_han(text: str) -> bool:
    return any(map(is_han, text))
