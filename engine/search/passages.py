"""Sentences of item texts, with where they stand: in English and Chinese, cut at lines and at the ends of sentences."""

import re
from collections.abc import Iterator
from typing import NamedTuple

LONGEST = 400
"""Characters of a passage; a longer sentence is cut at a blank or comma before, or there."""
_END = re.compile(r"[.!?]+(?=\s)|[。！？；]+|\n+")
_SOFT = re.compile(r"[\s,;:，、：]")


class Passage(NamedTuple):
    """A sentence: the row of its item, and the characters of the item's text that it is."""

    item: int
    start: int
    end: int


def passages(text: str, item: int) -> Iterator[Passage]:
    """The sentences of one text that have a letter or digit, in order; together they hold every one of those."""
    start = 0
    for stop in [*(end.end() for end in _END.finditer(text)), len(text)]:
        while stop - start > LONGEST:
            soft = [blank.end() for blank in _SOFT.finditer(text, start, start + LONGEST)]
            cut = soft[-1] if soft else start + LONGEST
            yield from _trimmed(text, item, start, cut)
            start = cut
        yield from _trimmed(text, item, start, stop)
        start = stop


def _trimmed(text: str, item: int, start: int, end: int) -> Iterator[Passage]:
    said = text[start:end]
    if any(map(str.isalnum, said)):
        start += len(said) - len(said.lstrip())
        yield Passage(item, start, start + len(said.strip()))
