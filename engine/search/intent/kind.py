"""What sort of answer a query wants: things, a comparison, things like one, what goes with one, or an answer."""

import re
from collections.abc import Collection, Sequence
from itertools import pairwise

from engine.search.intent.model import Entity, Kind
from graph.schema import BRAND, CATEGORY, COLLECTION, ITEM

_COMPARE = re.compile(
    r"\bvs\b|\bversus\b|\bcompar(?:ed?|ison|ing)\b|\bdifferences? between\b|\bbetter than\b"
    r"|\bwhich (?:[\w#]+ ){0,2}(?:is|are) better\b"
    r"|哪个更?好|哪款更?好|哪个更|哪种更?好|哪一?个比较|对比|^比较|比较$|比怎么样|相比|比一比|有什么区别|的区别|有什么不同|pk"
)
_CHOICE = re.compile(r"\bor\b|还是")
_TOGETHER, _WHICH = re.compile(r"和|跟|与|、"), re.compile(r"哪[个款种一]|谁")
_SIMILAR = re.compile(
    r"\bsimilar\b|\balternatives?\b|\bin the (?:style|vein|spirit|manner) of\b|\bkind of\b|\btype of\b"
    r"|\breminiscent of\b|\bsame (?:style|kind) as\b|\bdupes?\b|\blookalikes?\b|\bclose to\b"
    r"|\b(?:movies?|films?|something|anything|things?|ones?) like\b"
    r"|类似|相似|差不多|平替|替代|代替|(?:像|跟|和|与).{1,30}(?:一样|那样|这样|那种|似的)|(?<!男女)同款|同类|风格的"
)
_LIKE = re.compile(r"(?<!would )(?<!i'd )(?<!i )(?<!you )(?<!don't )(?<!looks )(?<!do )\blike\b|^像|像")
_ACCESSORY = re.compile(
    r"\baccessor(?:y|ies)\b|\bgo(?:es)? (?:well )?with\b|\bmatch(?:es|ing)? (?:a|an|my|the)\b|\bpair(?:s|ed)? with\b"
    r"|\bcompatible with\b|\badd-?ons? for\b|配件|附件|搭配|周边|^配(?!送)|适配|专用的?"
)
_OF_IT = re.compile(r"的|用|^'s ?$|^ ?$")
_FOR_MINE = re.compile(r"(?<!looking)(?<!searching)(?<!shopping)(?<!hunting) for my $")
_QUESTION = re.compile(
    r"^(?:what|which|who|whose|when|where|why|how|is|are|do|does|did|can|could|should|would|will|has|have|was|were"
    r"|any idea|whats|what's|who's)\b|\?|吗|呢$|怎么|怎样|多少|什么|哪|是不是|好不|能不能"
    r"|会不会|可不可以|如何|为何|谁"
)


def kind_of(text: str, entities: Sequence[tuple[Entity, int, int]], belongs: Collection[tuple[str, str]]) -> Kind:
    """The kind of a normalised text. `entities` come with their places in it; `belongs` are (accessory, main) nodes."""
    said = _without(text, [(start, end) for entity, start, end in entities if entity.label != ITEM])
    if _COMPARE.search(said) or _is_choice(text, entities):
        return "compare"
    if _SIMILAR.search(said) or _is_like(text, entities):
        return "similar"
    if _ACCESSORY.search(said) or _is_for(text, entities, belongs):
        return "accessory"
    return "question" if _QUESTION.search(said) else "find"


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with blanks for names, in which a cue may stand: 男女同款."""
    letters = list(text)
    for start, end in spans:
        letters[start:end] = "#" * (end - start)
    return "".join(letters)


def _is_choice(text: str, entities: Sequence[tuple[Entity, int, int]]) -> bool:
    """A or B, and it is asked."""
    asked = _QUESTION.search(text) is not None
    things = [found for found in entities if found[0].label in (BRAND, CATEGORY, COLLECTION, ITEM)]
    for (a, _, end), (b, start, _) in pairwise(things):
        between = text[end:start]
        chosen = _CHOICE.search(between) or (_TOGETHER.search(between) and _WHICH.search(text))
        if a.label == b.label and asked and not a.negated and chosen:
            return True
    return False


def _is_like(text: str, entities: Sequence[tuple[Entity, int, int]]) -> bool:
    """`like` right before a thing, or before a title that no item has."""
    starts = [start for entity, start, _ in entities if entity.label in (BRAND, CATEGORY, COLLECTION, ITEM)]
    return any(any(0 <= start - cue.end() <= len(" the ") for start in starts) for cue in _LIKE.finditer(text))


def _is_for(text: str, entities: Sequence[tuple[Entity, int, int]], belongs: Collection[tuple[str, str]]) -> bool:
    """A thing for a brand's or for another kind of thing; 手机的充电宝 where the graph says that they belong."""
    wanted = [found for found in entities if not found[0].negated]
    for i, (a, _, end) in enumerate(wanted):
        for b, start, _ in wanted[i + 1 :]:
            between = text[end:start] if start >= end else ""
            # Not for a group of categories: slippers for the home belong to no home.
            of_things = a.label == CATEGORY and (b.label in (BRAND, COLLECTION) or " > " in b.node)
            if of_things and a.node != b.node and re.search(r"\bfor\b(?!.*\bfor\b)", between):
                return True
            if (b.node, a.node) in belongs and _OF_IT.search(between):
                return True
    mine = [one for one in wanted if one[0].label in (BRAND, COLLECTION) or " > " in one[0].node]
    return any(_FOR_MINE.search(text[:start]) for _, start, _ in mine)
