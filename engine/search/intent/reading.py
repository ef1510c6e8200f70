"""The words of a query: tags, what it is about, and which words say most."""

from collections.abc import Sequence
from typing import Any

from bm25s.stopwords import STOPWORDS_EN

from engine.search.intent import models
from engine.search.intent.entities import Found
from engine.search.intent.model import Head, Keyword, Language, Token
from engine.search.intent.vocabulary import Vocabulary
from graph.link.normal import Normal
from graph.schema import CATEGORY, COLLECTION, ITEM

_TELLING = {
    **dict.fromkeys(("NOUN", "PROPN", "n", "nz", "nw", "nr", "ns", "nt", "vn", "an", "PER", "LOC", "ORG"), 1.0),
    **dict.fromkeys(("ADJ", "a", "X", "i", "s", "b"), 0.8),
    **dict.fromkeys(("NUM", "m", "TIME", "t"), 0.5),
    **dict.fromkeys(("VERB", "v", "vd", "ad", "ADV"), 0.4),
}
"""How much a word says by its tag; a word of another one says nothing."""
_NAMED = 1.25
"""A word of an entity says so much more."""
_LIGHT = frozenset("推荐 找 买 看 帮 想 有 是 请 给 适合 什么 哪个 好 电影 片子 movie movies film films want need find show".split())
"""Words that are in queries everywhere and tell no item from another."""
_ABOUT = ("compound", "amod", "nummod", "poss", "nmod", "appos")


def tokens(normal: Normal, language: Language) -> tuple[list[Token], Any]:
    """The words with their tags, and spaCy's document where it read them."""
    if language == "en":
        document = models.english()(normal.text)
        words = [(word.text, word.pos_, word.idx) for word in document if not word.is_space]
        return [Token(text, tag, *normal.span(at, at + len(text))) for text, tag, at in words], document
    found, at = [], 0
    for text, tag in models.lac().run(normal.text):
        if text.strip():
            found.append(Token(text, tag, *normal.span(at, at + len(text))))
        at += len(text)
    return found, None


def keywords(
    words: Sequence[Token], named: Sequence[tuple[int, int, bool]], limits: Sequence[tuple[int, int]], vocabulary: Vocabulary
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


def head(normal: Normal, document: Any, words: Sequence[Token], found: Sequence[Found], bad: set[str]) -> Head | None:
    """What is looked for: in English the root of the dependencies, else the last noun phrase; a category above all.

    `found` are the entities, `bad` the nodes that are negated.
    """
    wanted = [one for one in found if one.node not in bad]
    kinds = [one for one in wanted if one.label == CATEGORY]
    if document is not None:
        return _by_dependencies(normal, document, kinds, wanted)
    if kinds:
        one = kinds[-1]
        return _with_names(normal, one, wanted)
    nouns = [word for word in words if word.tag.startswith("n") or word.tag in ("NOUN", "PROPN")]
    if not nouns:
        return None
    last = nouns[-1]
    names = tuple(normal.text[one.start : one.end] for one in wanted if normal.span(one.start, one.end)[1] <= last.start)
    return Head(last.text, None, names)


def _with_names(normal: Normal, one: Found, wanted: Sequence[Found]) -> Head:
    names = [normal.text[other.start : other.end] for other in wanted if other.label not in (CATEGORY, ITEM)]
    return Head(normal.text[one.start : one.end], one.node, tuple(names))


def _by_dependencies(normal: Normal, document: Any, kinds: Sequence[Found], wanted: Sequence[Found]) -> Head | None:
    """The root's noun phrase: the first category that holds its head, or else the first category, or the noun itself."""
    nouns = [chunk.root for chunk in document.noun_chunks if chunk.root.pos_ in ("NOUN", "PROPN")]
    nouns = nouns or [word for word in document if word.pos_ in ("NOUN", "PROPN")]
    root = next((noun for noun in nouns if noun.dep_ == "ROOT"), nouns[0] if nouns else None)
    one = next((kind for kind in kinds if root is not None and kind.start <= root.idx < kind.end), kinds[0] if kinds else None)
    if one is None and root is None:
        return None
    if one is not None:
        inside = [word for word in document if one.start <= word.idx < one.end]
        root = inside[-1] if inside else root
    text, node = (root.text, None) if one is None else (normal.text[one.start : one.end], one.node)
    span = (root.idx, root.idx + len(root.text)) if one is None else (one.start, one.end)
    said = [child for child in root.subtree if child.dep_ in _ABOUT and not span[0] <= child.idx < span[1]]
    modifiers = [child.text for child in said if not any(name.start <= child.idx < name.end for name in wanted)]
    names = [normal.text[name.start : name.end] for name in wanted
             if name.label not in (CATEGORY, COLLECTION, ITEM) or (name.label == COLLECTION and node)]  # fmt: skip
    return Head(text, node, tuple(dict.fromkeys([*names, *modifiers])))
