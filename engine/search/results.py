"""What a search gives: a list of items, and beside it what the query was taken for and why each item is there."""

from collections.abc import Iterable
from typing import Generic, TypeVar

from engine.search.reasons import Reasons
from engine.search.understood import Understood

T = TypeVar("T")


class Results(list[T], Generic[T]):
    """The items, best first; a list like any other."""

    def __init__(self, items: Iterable[T], understood: Understood, reasons: tuple[Reasons, ...] = ()) -> None:
        """`reasons` are one an item, or none where nobody asked for them."""
        super().__init__(items)
        self.understood = understood
        self.reasons = reasons
