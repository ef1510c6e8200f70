"""What a search gives: a list of items, and beside it what the query was taken for and why each item is there."""

from typing import TYPE_CHECKING

from engine.search.understood import Understood

if TYPE_CHECKING:
    from engine.engine import Recommendation
    from engine.search.reasons import Reasons


class Results(list["Recommendation"]):
    """The items, best first; a list like any other."""

    def __init__(
        self, items: "list[Recommendation]", understood: Understood, reasons: "tuple[Reasons, ...]" = ()
    ) -> None:
        """`reasons` are one an item, or none where nobody asked for them."""
        super().__init__(items)
        self.understood = understood
        self.reasons = reasons
