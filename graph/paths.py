"""Explaining paths: what an item shown shares with the items a user liked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from graph.facts import Facts

REPEAT = 0.5
"""A relation counts half as much each time it has been told already."""

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
    "HAS_COLOUR": ("colour", "颜色"),
    "HAS_COLOR": ("color", "颜色"),
    "HAS_MATERIAL": ("material", "材质"),
    "HAS_PATTERN": ("pattern", "图案"),
    "HAS_SHAPE": ("shape", "款式"),
    "HAS_STYLE": ("style", "风格"),
    "HAS_SEASON": ("season", "季节"),
    "HAS_GENDER": ("gender", "适用人群"),
}
"""What people call a relation, in English and Chinese."""


@dataclass(frozen=True)
class Path:
    """liked item -[relation]- entity -[relation]- item shown."""

    from_item: int
    relation: str
    entity: str
    entity_name: str
    weight: float
    """How specific the entity is: its idf among all items."""


def paths(facts: Facts, from_items: Sequence[int], to_item: int, n: int) -> list[Path]:
    """At most `n` paths from liked items to `to_item`, the most telling first.

    Rare facts come before common ones; each entity is told once, from the first of `from_items` that has it (so give
    the most relevant first); and a relation already told counts half each time, so that four colours do not hide a
    brand.
    """
    liked = np.array([item for item in from_items if item != to_item], dtype=np.int64)
    matrix = facts.matrix
    target = matrix.indices[matrix.indptr[to_item] : matrix.indptr[to_item + 1]]
    rows = matrix[liked]
    owner = np.repeat(liked, np.diff(rows.indptr))
    shared = np.isin(rows.indices, target)
    # Rows follow `from_items`, so the first place of a column is at the first item that has it.
    columns, first = np.unique(rows.indices[shared], return_index=True)
    owners = owner[shared][first]
    chosen: list[Path] = []
    weights = facts.idf[columns]
    discounted = weights.astype(np.float64)
    entities = facts.entities[columns]
    relation, entity = entities["relation"].to_numpy(), entities["id"].to_numpy()
    while len(chosen) < n and discounted.size and discounted.max() > 0:
        best = int(discounted.argmax())
        name = str(entities["name"][best])
        chosen.append(Path(int(owners[best]), str(relation[best]), str(entity[best]), name, float(weights[best])))
        discounted[relation == relation[best]] *= REPEAT
        discounted[entity == entity[best]] = 0
    return chosen


def sentence(path: Path, titles: Sequence[str], language: Literal["en", "zh"]) -> str:
    """The path in words, `titles` being those of all items: `因为你喜欢 Air Max 270：同一品牌 耐克`."""
    words = path.relation.removeprefix("HAS_").replace("_", " ").lower()
    known = path.relation in WORDS or path.relation.startswith("HAS_")
    english, chinese = WORDS.get(path.relation, (words, f" {words}"))
    title, name = titles[path.from_item], path.entity_name
    if language == "zh":
        return f"因为你喜欢 {title}：" + (f"同一{chinese} {name}" if known else f"都与 {name} 有关（{words}）")
    return f"because you liked {title}: " + (f"same {english} {name}" if known else f"both linked to {name} ({words})")
