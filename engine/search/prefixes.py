"""A sorted array of texts, read as a trie: what begins with a prefix is one slice, found by bisection."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

LAST = "\U0010ffff"
"""Sorts behind every character of a text."""
_LATIN = "abcdefghijklmnopqrstuvwxyz0123456789"


class Prefixes:
    """Slices of sorted `keys` by their beginning."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys

    def span(self, prefix: str, low: int = 0, high: int | None = None) -> tuple[int, int]:
        """First and behind the last of the keys that begin so, looked for between `low` and `high`."""
        high = len(self.keys) if high is None else high
        low = bisect_left(self.keys, prefix, low, high)
        return low, bisect_left(self.keys, prefix + LAST, low, high)

    def equal(self, text: str) -> int:
        """Behind the last of the keys that are no more than this text; they are the first of its span."""
        return bisect_right(self.keys, text)

    def near(self, prefix: str) -> set[tuple[int, int]]:
        """Spans of all prefixes one error away: a letter wrong, missing or too many, or two swapped.

        An error can only be where what stands before it begins some key, so it is looked for along one path of the
        trie, and what may stand there is what the keys have there. The first letter of a Chinese text is taken as it
        is: thousands may stand there.
        """
        found = set()
        for at in range(len(prefix)):
            low, high = self.span(prefix[:at])
            if low == high:
                break
            for tried in self._errors(prefix, at, low, high):
                span = self.span(tried, low, high)
                if span[0] < span[1]:
                    found.add(span)
        return found

    def _errors(self, prefix: str, at: int, low: int, high: int) -> Iterator[str]:
        """What may have been meant if the error is at this place; keys from `low` to `high` begin as it does."""
        head, rest = prefix[:at], prefix[at:]
        if at or len(rest) > 1:
            yield head + rest[1:]
        if len(rest) > 1 and rest[0] != rest[1]:
            yield head + rest[1] + rest[0] + rest[2:]
        for letter in self._next(head, low, high) if at else _LATIN * prefix.isascii():
            if letter != rest[0]:
                yield head + letter + rest[1:]
                yield head + letter + rest

    def _next(self, head: str, low: int, high: int) -> Iterator[str]:
        """The letters that follow `head` in the keys between."""
        low = bisect_right(self.keys, head, low, high)
        while low < high:
            letter = self.keys[low][len(head)]
            yield letter
            low = bisect_left(self.keys, head + letter + LAST, low, high)
