"""What a query does not want: not leather, without wool, anything but Nike, 不要皮的, 除了耐克, 非皮, 黑色除外."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from graph.link.normal import HAN

_NO = re.compile(
    r"\b(?:not|no|non|without|except(?: for| from)?|excluding|exclude|anything but|everything but|all but|other than"
    r"|apart from|aside from|minus|avoid|avoiding|never|nor|isn'?t|aren'?t|don'?t(?: want| like| need)?|w/o|free of"
    r"|rather than|instead of)\b-?"
    r"|不要|不想要|不想看|不看|不想|不喜欢|不需要|不含|不带|不是|不爱|(?<![区特性级类个分])别(?:给我|要|买|是)?|拒绝|排除|避免|避开|除去|除了|除开|除"
    r"|(?<!有)没有|(?<!有)没|无|(?<![南北是])非(?!常)|免"
)
_NO_AFTER = re.compile(r"\s?(?:的)?\s?(?:除外|以外|之外|不要|免谈|excluded\b|not wanted\b)(?=\s|$|[,，。;；!！的])")
_FREE = re.compile(r"\s?-?free\b")
_NOT_NO = re.compile(
    r"no more than|not more than|no longer than|not over|no less than|not less than|not only|no matter"
)
_FILL = re.compile(
    r"[\s-]*(?:(?:a|an|any|the|of|in|from|made|too|really|want|with|that|is|are|be|by|to|like|it|for|my|some|please"
    r"|anything|something|want to see|has|have|having|contain|containing)\b\s*)*"
    r"(?:给我|推荐|任何|有|用|是|买|含|要|看|带|那种|什么|太|我|的|了)*\s*"
)
"""What may stand between a no and what it is about."""
_AND_SO = re.compile(r"\s*(?:的)?\s*(?:or|nor|and|,|、|和|或者|或|及|跟|以及|&|/)\s*(?:any|the|a|an)?\s*")
_PLUS = re.compile(r"\s*(?:and|,|和|&)")
_HAN = re.compile(f"[{HAN}]")


class Named(NamedTuple):
    """An entity's place in a normalised text, and the kind of thing it is."""

    start: int
    end: int
    field: str


def negated(text: str, named: Sequence[Named]) -> set[int]:
    """Which of the named things, in order of place, a query does not want."""
    found: set[int] = set()
    for cue in _NO.finditer(text):
        inside = any(one.start <= cue.start() < one.end for one in named)
        if inside or _NOT_NO.match(text, cue.start()):
            continue
        at = _FILL.match(text, cue.end())
        begins = cue.end() if at is None else at.end()
        first = next((i for i, one in enumerate(named) if cue.end() <= one.start <= begins), None)
        if first is not None:
            found.update(_chain(text, named, first))
    for i, one in enumerate(named):
        follows = named[i + 1].start if i + 1 < len(named) else len(text)
        after = _NO_AFTER.match(text, one.end) or _FREE.match(text, one.end)
        if after is not None and after.end() <= follows and not _more_follows(text, after, named):
            found.add(_said_of(text, named, i))
    return found


def _said_of(text: str, named: Sequence[Named], i: int) -> int:
    """What a no behind a thing is about: of 塑料的台灯不要 the plastic, for lamps are looked for."""
    joined = i > 0 and text[named[i - 1].end : named[i].start].strip() in ("", "的")
    return i - 1 if joined and named[i].field == "category" and named[i - 1].field != "category" else i


def _more_follows(text: str, after: re.Match[str], named: Sequence[Named]) -> bool:
    """Whether a 不要 is about what comes after it: 外套 不要黑色."""
    return "不要" in after[0] and any(0 <= one.start - after.end() <= 1 for one in named)


def _chain(text: str, named: Sequence[Named], first: int) -> list[int]:
    """The first thing and those that or, and, a comma join to it; `and` and a comma only to a thing of its kind."""
    chain = [first]
    for i in range(first + 1, len(named)):
        link = _AND_SO.match(text, named[i - 1].end)
        if link is None or link.end() < named[i].start:
            break
        if _PLUS.match(text, named[i - 1].end) and named[i].field != named[first].field:
            break
        chain.append(i)
    return chain
