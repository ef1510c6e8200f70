"""Text without what spellings differ in (width, case, script variant, diacritics, dashes), and the way back to it.

Every kept character knows which characters of the original it came from, so a span found in the normalised text is
told as a span of the original.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import opencc

_LATIN_MARKS = range(0x0300, 0x0370)
"""Combining marks that Latin, Greek and Cyrillic letters lose; the voicing marks of kana stay, for バ is not ハ."""
_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
"""Letters that Unicode does not take apart."""
_UNIFIED = {
    **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
    **dict.fromkeys("’‘‛ʼ´`＇", "'"),
    **dict.fromkeys("“”„‟«»＂", '"'),
    **dict.fromkeys("・‧•∙", "·"),
}


@dataclass(frozen=True)
class Normal:
    """A normalised text. Its character i came from `starts[i]` to `ends[i]` of the original."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original under the normalised characters from `start` to before `end`, of which there is one.

        It never cuts a character of the original in two.
        """
        return self.starts[start], self.ends[end - 1]

    def whole(self, start: int, end: int) -> bool:
        """Whether a span begins and ends where characters of the original do: `fi` in `ﬁne` does not end so."""
        before = start > 0 and self.starts[start - 1] == self.starts[start]
        after = end < len(self.text) and self.starts[end] == self.starts[end - 1]
        return not before and not after


def normalise(text: str) -> Normal:
    """NFKD without Latin diacritics, no case, simplified Chinese, plain dashes and quotes, one space between words.

    Characters are taken one by one, so `ß` gives two that stem from one, and `e` with a combining acute one from two.
    """
    kept: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for at, char in enumerate(text):
        form = _form(char)
        if not form and ends and unicodedata.combining(char):
            ends[-1] = at + 1
        if form == " " and (not kept or kept[-1] == " "):
            continue
        for piece in form:
            kept.append(piece)
            starts.append(at)
            ends.append(at + 1)
    if kept and kept[-1] == " ":
        kept.pop(), starts.pop(), ends.pop()
    return Normal("".join(kept), tuple(starts), tuple(ends))


def key(text: str) -> str:
    """The normalised text alone: two names with one key are spelt alike."""
    if text.isascii():  # a catalogue is normalised many times, most of it is this, and the rest is mostly the next
        return " ".join(text.lower().replace("`", "'").split())
    plain = text.translate(_FORMS)
    return normalise(text).text if "  " in plain or plain != plain.strip(" ") else plain


HAN = r"\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
"""Chinese characters, as a range of a regular expression."""


def is_han(char: str) -> bool:
    """Whether a character is Chinese, as far as words without spaces are concerned."""
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf" or "\U00020000" <= char <= "\U0003ffff"


@lru_cache(maxsize=1 << 17)
def _form(char: str) -> str:
    """What one character becomes: nothing, one or several characters."""
    if char.isspace():
        return " "
    if char in _UNIFIED:
        return _UNIFIED[char]
    # Folding can make what can be decomposed and the other way round (ẖ, ΐ), hence twice.
    form = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    letters = [piece for piece in form if ord(piece) not in _LATIN_MARKS and unicodedata.category(piece) != "Cf"]
    unified = "".join(_UNIFIED.get(piece, _LETTERS.get(piece, piece)) for piece in letters)
    simple = "".join(_simplified().convert(piece) if is_han(piece) else piece for piece in unified)
    return " " if simple.isspace() else simple


class _Forms(dict[int, str]):
    """`_form` by code point, as `str.translate` asks for it."""

    def __missing__(self, point: int) -> str:
        return _form(chr(point))


_FORMS = _Forms()


@lru_cache(maxsize=1)
def _simplified() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")
