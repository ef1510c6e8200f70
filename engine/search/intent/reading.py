"""The words of a query: tags, what it is about, and which words say most."""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

from bm25s.stopwords import STOPWORDS_EN

from engine.search import models
from engine.search.intent.entities import Found
from engine.search.intent.model import Head, Keyword, Language, Token
from engine.search.intent.vocabulary import Vocabulary
from graph.link.normal import Normal
from graph.schema import CATEGORY, ITEM

_TELLING = {
    **dict.fromkeys(("NOUN", "PROPN", "n", "nz", "nw", "nr", "ns", "nt", "vn", "an", "PER", "LOC", "ORG"), 1.0),
    **dict.fromkeys(("ADJ", "a", "X", "i", "s", "b"), 0.8),
    **dict.fromkeys(("NUM", "m", "TIME", "t"), 0.5),
    **dict.fromkeys(("VERB", "v", "vd", "ad", "ADV"), 0.4),
}
"""How much a word says by its tag; a word of another one says nothing."""
_NAMED = 1.25
"""A word of an entity says so much more."""
_LIGHT = frozenset(
    [
        *("推荐", "找", "买", "看", "帮", "想", "有", "是", "请", "给", "适合", "什么", "哪个", "好", "电影", "片子"),
        *("不要", "不是", "不", "没有", "有没有", "除了", "别", "要", "用", "能", "一下", "non", "not"),
        *("类似", "像", "一样", "那样", "区别", "vs", "like", "similar", "compare", "better"),
        *("movie", "movies", "film", "films", "want", "need", "find", "show", "looking", "search", "please"),
    ]
)
"""Words that are in queries everywhere and tell no item from another."""
_SAYING = ("ADJ", "NOUN", "PROPN")
_ABOUT = ("compound", "amod", "nummod", "poss", "nmod", "appos")


def tokens(normal: Normal, language: Language, names: Sequence[tuple[int, int]]) -> tuple[list[Token], Any]:
    """The words with their tags, and spaCy's document where it read them. Names are kept whole."""
    document, tags = None, list[tuple[int, int, str]]()
    if language == "en":
        document = models.english()(normal.text)
        tags = [(word.idx, word.idx + len(word.text), word.pos_) for word in document]
    else:
        at = 0
        for text, tag in models.lac().run(normal.text):
            tags.append((at, at + len(text), tag))
            at += len(text)
    edges = {edge for start, end, _ in tags for edge in (start, end)}
    edges = {edge for edge in edges if not any(start < edge < end for start, end in names)}
    edges |= {edge for start, end in names for edge in (start, end)}
    found = []
    for start, end in pairwise(sorted(edges)):
        text = normal.text[start:end].strip()
        if text:
            start = normal.text.index(text, start)
            # Of a name of several words the last is the head.
            tag = next(tag for a, b, tag in reversed(tags) if a < end and start < b)
            found.append(Token(text, tag, *normal.span(start, start + len(text))))
    return found, document


def keywords(
    words: Sequence[Token],
    named: Sequence[tuple[int, int, bool]],
    limits: Sequence[tuple[int, int]],
    vocabulary: Vocabulary,
) -> list[Keyword]:
    """Words by weight, the weightiest first: by tag, by rarity in the catalogue, and whether they name something.

    `named` are spans of entities with whether they are negated, `limits` those of constraints: what is not wanted, and
    what is a number, is not to be searched for.
    """
    weights: dict[str, float] = {}
    for word in words:
        inside = [negated for start, end, negated in named if start < word.end and word.start < end]
        weight = _TELLING.get(word.tag, 0.0) * (0.5 + 0.5 * vocabulary.rarity(word.text))
        within = any(start < word.end and word.start < end for start, end in limits)
        if any(inside) or within or word.text in STOPWORDS_EN or word.text in _LIGHT:
            continue
        weight = max(weight, 0.5) * _NAMED if inside else weight
        if weight:
            weights[word.text] = max(weights.get(word.text, 0.0), weight)
    top = max(weights.values(), default=1.0)
    ordered = sorted(weights.items(), key=lambda pair: -pair[1])
    return [Keyword(text, round(weight / top, 3)) for text, weight in ordered]


def head(
    normal: Normal,
    document: Any,
    words: Sequence[Token],
    found: Sequence[Found],
    bad: Collection[int],
    limits: Sequence[tuple[int, int]],
) -> Head | None:
    """What is looked for: in English by the dependencies, else the last noun phrase; a category before any other noun.

    Of the entities `found`, those numbered in `bad` are negated; in the places `limits` stand numbers and sizes.
    """
    wanted = [one for i, one in enumerate(found) if i not in bad]
    kinds = [one for one in wanted if one.label == CATEGORY]
    if document is not None:
        taken = [*limits, *((one.start, one.end) for one in found)]
        return _by_dependencies(normal, document, kinds, wanted, taken)
    if kinds:
        kind = kinds[-1]
        return Head(_text(normal, kind), kind.node, tuple(_said(normal, wanted, (kind.start, kind.end))))
    nouns = [word for word in words if word.tag.startswith("n") and word.text not in _LIGHT]
    if not nouns:
        return None
    at = next(i for i, start in enumerate(normal.starts) if start >= nouns[-1].start)
    return Head(nouns[-1].text, None, tuple(_said(normal, wanted, (at, at + len(nouns[-1].text)))))


def _by_dependencies(
    normal: Normal,
    document: Any,
    kinds: Sequence[Found],
    wanted: Sequence[Found],
    taken: Sequence[tuple[int, int]],
) -> Head | None:
    """The root's noun, or the category that it is in; else the first category, or the first noun.

    What stands in places that are `taken` is no modifier by itself.
    """
    nouns = [word for word in document if word.pos_ in ("NOUN", "PROPN")]
    root = next((noun for noun in nouns if noun.dep_ == "ROOT"), nouns[0] if nouns else None)
    kind = kinds[0] if kinds else None
    if root is not None:
        kind = next((one for one in kinds if one.start <= root.idx < one.end), kind)
    if kind is not None:
        root = [word for word in document if word.idx < kind.end][-1]
    if root is None:
        return None
    kind = kind or next((one for one in wanted if one.start <= root.idx < one.end), None)
    span = (root.idx, root.idx + len(root.text)) if kind is None else (kind.start, kind.end)
    names = _said(normal, wanted, span)
    inside = [*taken, span]
    free = [word for word in root.subtree if all(not a <= word.idx < b for a, b in inside)]
    names += [word.text for word in free if word.dep_ in _ABOUT and word.pos_ in _SAYING and word.text not in _LIGHT]
    return Head(normal.text[slice(*span)], None if kind is None else kind.node, tuple(dict.fromkeys(names)))


def _said(normal: Normal, wanted: Sequence[Found], span: tuple[int, int]) -> list[str]:
    """The names of what is said of a thing: all that is no other kind of thing, and not the thing itself."""
    others = [one for one in wanted if one.end <= span[0] or one.start >= span[1]]
    return [_text(normal, one) for one in others if one.label not in (CATEGORY, ITEM)]


def _text(normal: Normal, one: Found) -> str:
    return normal.text[one.start : one.end]
