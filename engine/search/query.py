"""What may be asked at all: a text with a letter or digit, not too long; what no model can read is made a blank."""

import unicodedata

from engine.errors import DataError

LONGEST = 2000
"""Characters of a query. A pasted description is one; a pasted page is none."""
SHOUTED = 5
"""Letters of a word from which on a query all in capitals is shouted, and not an abbreviation."""
PICTOGRAPHS = frozenset({"So", "Sk", "Cs"})
"""Categories of characters that are blanks in a query: emoji with their shades, and halves of characters."""
PERSONAL = 0.5
"""What the taste of who asks adds at most, as a share of what the query gives; 0 is none (engine/search/taste.py).

More finds more of what people chose; but from about .7 on, what one likes and lacks half of what the query names comes
before what has it all."""


def checked(query: str, longest: int = LONGEST, what: str = "query", example: str = "white sneakers") -> str:
    """The text as tables and models read it: without emoji and halves of characters, and not shouted.

    What is left out becomes a blank, so that every other character stays where it was. The encoders tell capitals from
    small letters, and emoji from none: NDCG@10 fell by .06 and .04 (docs/robustness.md). Raises DataError for what is
    no text, has more than `longest` characters, or no letter or digit.
    """
    if not isinstance(query, str):
        raise DataError(f"a {what} is a text, not {type(query).__name__}")
    if len(query) > longest:
        raise DataError(
            f"the {what} has {len(query)} characters; it may have {longest}: ask with the words that matter"
        )
    refuse_wordless(query, what, example)
    read = "".join(" " if _blank(char) else char for char in query)
    small = read.lower()
    return small if _shouted(read) and len(small) == len(read) else read


def _blank(char: str) -> bool:
    # Variation selectors say whether the character before is drawn as an emoji.
    return not char.isascii() and (unicodedata.category(char) in PICTOGRAPHS or "\ufe00" <= char <= "\ufe0f")


def _shouted(query: str) -> bool:
    return query.isupper() and any(len(word) >= SHOUTED and word.isalpha() for word in query.split())


def refuse_wordless(text: str, what: str = "query", example: str = "white sneakers") -> None:
    """Raise DataError for a text that nothing can be looked for by."""
    if not any(map(str.isalnum, text)):
        raise DataError(f"the {what} has no letter or digit; write what the item is, such as `{example}`")
