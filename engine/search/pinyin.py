"""How Chinese is typed in Latin letters: whole syllables (baise for 白色) and initials (bs)."""

import re
from functools import lru_cache

from graph.link.normal import HAN

_RUN = re.compile(f"[{HAN}]+")


def has_han(text: str) -> bool:
    return _RUN.search(text) is not None


def sound(text: str) -> str:
    """A normalised text with its Chinese in syllables, without tones and spaces; ü is v, as keyboards have it."""
    return _RUN.sub(lambda run: "".join(syllables(run[0])), text).replace(" ", "")


def initials(text: str) -> str:
    """The same with only the first letter of each syllable."""
    return _RUN.sub(lambda run: "".join(one[0] for one in syllables(run[0])), text).replace(" ", "")


@lru_cache(maxsize=1 << 16)
def syllables(run: str) -> tuple[str, ...]:
    """One for each Chinese character, without tones; a rare one without a reading stands for itself.

    Phrases decide between readings.
    """
    from pypinyin import lazy_pinyin  # its dictionaries take .3 s and 60 MB, and a list needs none of them

    return tuple(lazy_pinyin(run))
