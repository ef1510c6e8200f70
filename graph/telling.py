"""Explaining paths in words, English or Chinese."""

from collections.abc import Sequence
from typing import Literal

from graph.paths import Path

Language = Literal["en", "zh"]

WORDS = {
    "MADE_BY": ("brand", "品牌"),
    "BELONGS_TO": ("category", "品类"),
    "HAS_COLLECTION": ("collection", "系列"),
    "HAS_SERIES": ("series", "系列"),
    "HAS_COMPANY": ("company", "公司"),
    "HAS_STUDIO": ("studio", "制片公司"),
    "HAS_PUBLISHER": ("publisher", "出版社"),
    "HAS_COUNTRY": ("country", "国家"),
    "HAS_ORIGIN": ("origin", "产地"),
    "HAS_DIRECTOR": ("director", "导演"),
    "HAS_ACTOR": ("actor", "演员"),
    "HAS_AUTHOR": ("author", "作者"),
    "HAS_ARTIST": ("artist", "艺术家"),
    "HAS_DESIGNER": ("designer", "设计师"),
    "HAS_GENRE": ("genre", "类型"),
    "HAS_THEME": ("theme", "主题"),
    "HAS_KEYWORD": ("keyword", "关键词"),
    "HAS_TAG": ("tag", "标签"),
    "HAS_LANGUAGE": ("language", "语言"),
    "HAS_DECADE": ("decade", "年代"),
    "HAS_YEAR": ("year", "年份"),
    "HAS_COLOUR": ("colour", "颜色"),
    "HAS_COLOR": ("color", "颜色"),
    "HAS_MATERIAL": ("material", "材质"),
    "HAS_PATTERN": ("pattern", "图案"),
    "HAS_SHAPE": ("shape", "款式"),
    "HAS_STYLE": ("style", "风格"),
    "HAS_SEASON": ("season", "季节"),
    "HAS_GENDER": ("gender", "适用人群"),
}
"""What people call a relation to an entity, in English and Chinese."""
JOINS = {
    "ACCESSORY_OF": ("{a} is an accessory of {b}", "{a}是{b}的配件"),
    "GOES_WITH": ("{a} goes with {b}", "{a}与{b}搭配"),
    "SEQUEL_OF": ("{a} is a sequel of {b}", "{a}是{b}的续集"),
    "SIMILAR_TO": ("{a} is like {b}", "{a}与{b}相似"),
    "MENTIONS": ("{a} mentions {b}", "{a}提到{b}"),
}
"""How an edge between two things is told, from its head {a} to its tail {b}."""


def sentence(path: Path, titles: Sequence[str], language: Language) -> str:
    """One path in words, `titles` being those of all items: `因为你喜欢 Air Max 270：同一品牌 耐克`."""
    return sentences([path], titles, language)[0]


def sentences(paths: Sequence[Path], titles: Sequence[str], language: Language) -> list[str]:
    """A sentence for each liked item: `because you liked Toy Story: same studio Pixar, same theme friendship`."""
    liked: dict[int, list[str]] = {}
    for path in paths:
        liked.setdefault(path.from_item, []).append(_reason(path, language))
    begin, join = ("because you liked {}: ", ", ") if language == "en" else ("因为你喜欢 {}：", "，")
    return [begin.format(titles[item]) + join.join(reasons) for item, reasons in liked.items()]


def _reason(path: Path, language: Language) -> str:
    """What a path says, without the liked item that it starts from."""
    names = path.names if language == "en" else path.names_zh
    if len(path.edges) == 2:
        return _same(path.relation, names[0], language)
    if len(path.edges) == 1:
        names = ("it", "this") if language == "en" else ("它", "本品")
        from_liked = not path.backward
    else:
        from_liked = path.edges[1].head == path.entity
    here, there = names if from_liked else names[::-1]
    return _joined(path.relation, here, there, language)


def _same(relation: str, name: str, language: Language) -> str:
    words = _words(relation.removeprefix("HAS_"))
    english, chinese = WORDS.get(relation, (words, f" {words}"))
    if relation in WORDS or relation.startswith("HAS_"):
        return f"same {english} {name}" if language == "en" else f"同一{chinese} {name}"
    return f"both linked to {name} ({words})" if language == "en" else f"都与 {name} 有关（{words}）"


def _joined(relation: str, head: str, tail: str, language: Language) -> str:
    words = _words(relation)
    english, chinese = JOINS.get(relation, ("{a} – " + words + " – {b}",) * 2)
    return (english if language == "en" else chinese).format(a=head, b=tail)


def _words(relation: str) -> str:
    return relation.replace("_", " ").lower()
