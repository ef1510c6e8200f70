"""What may be asked at all: a text with a letter or digit, not too long; what no model can read is made a blank."""

from engine.errors import DataError

LONGEST = 2000
"""Characters of a query. A pasted description is one; a pasted page is none."""
PERSONAL = 0.5
"""What the taste of who asks adds at most, as a share of what the query gives; 0 is none (engine/search/taste.py).

More finds more of what people chose; but from about .7 on, what one likes and lacks half of what the query names comes
before what has it all."""


def checked(query: str, longest: int = LONGEST, what: str = "query", example: str = "white sneakers") -> str:
    """The text without halves of characters, which no table and no model can hold.

    Raises DataError for what is no text, has more than `longest` characters, or no letter or digit.
    """
    if not isinstance(query, str):
        raise DataError(f"a {what} is a text, not {type(query).__name__}")
    if len(query) > longest:
        raise DataError(
            f"the {what} has {len(query)} characters; it may have {longest}: ask with the words that matter"
        )
    refuse_wordless(query, what, example)
    return "".join(" " if "\ud800" <= char <= "\udfff" else char for char in query)


def refuse_wordless(text: str, what: str = "query", example: str = "white sneakers") -> None:
    """Raise DataError for a text that nothing can be looked for by."""
    if not any(map(str.isalnum, text)):
        raise DataError(f"the {what} has no letter or digit; write what the item is, such as `{example}`")
