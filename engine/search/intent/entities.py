"""The nodes that a query names: for every place the best of those that are called so, or none."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from bm25s.stopwords import STOPWORDS_EN

from engine.search.intent.names import Name
from engine.search.intent.segment import Place, cover, without
from engine.search.intent.text import has_han
from engine.search.intent.vocabulary import Vocabulary
from engine.search.models import english_words
from graph.link.aliases import PART, SHORT
from graph.link.normal import Normal
from graph.schema import ATTRIBUTE, BRAND, CATEGORY, COLLECTION, ENTITY, ITEM, ORGANISATION, PERSON, PLACE

_RANK = {
    label: rank
    for rank, label in enumerate((BRAND, CATEGORY, ATTRIBUTE, PLACE, COLLECTION, ITEM, PERSON, ORGANISATION, ENTITY))
}
"""Of nodes that are called alike, which is meant first."""
_TITLED = (ITEM, COLLECTION, ORGANISATION)
"""Labels whose names are often common words: Speed, Scream, Live Entertainment."""
_SMALL = frozenset((*STOPWORDS_EN, "us", "am", "pm", "go", "me", "my", "we", "he", "up", "do", "so"))
"""Words that are a name in capitals only. Queries are in small letters, so h&m and usa are names all the same."""
_BEFORE = re.compile(
    r"(?:\blike|\bsimilar to|\bvs\.?|\bversus|\bthan|\bor|\bcompare|\bbetween|\b(?:compare|between)\s.{1,60}\sand)"
    r"\s(?:the\s)?$"
)
_AFTER = re.compile(r"\s(?:vs|versus|or|series|trilogy|saga|franchise|collection|part|\d+)\b")
_FILMS = re.compile(r"\s(?:movies?|films?)\b")
_BY = re.compile(r"\b(?:by|from)\s(?:the\s)?$")
_SPOKEN_BEFORE = re.compile(r"\b(?:in|speaks?|speaking|dubbed in|subtitled in)\s$")
_SPOKEN_AFTER = re.compile(r"[ -](?:language|speaking|spoken|dubbed|subtitles|audio)\b")


class Found(NamedTuple):
    """A node and its place in the normalised text."""

    node: str
    label: str
    name: Name
    start: int
    end: int


def find(normal: Normal, typed: str, vocabulary: Vocabulary, taken: Sequence[tuple[int, int]]) -> list[Found]:
    """The named nodes in order of place; nothing within the spans that are taken.

    They do not overlap, but that a name says its owner too (Nike Air Max), and a title what it has of its item's facts.
    """
    places = without(vocabulary.segmenter.everywhere(normal.text), taken)
    usable: dict[Place, list[Name]] = {}
    said = _unambiguous(places, vocabulary)
    for place in places:
        choices = [
            name
            for name in vocabulary.names.by_key[place.form]
            if _may(name, place, normal, typed, vocabulary) and _owned(name, place, said, vocabulary)
        ]
        if choices:
            usable[place] = choices
    found: list[Found] = []
    for place in cover(list(usable), len(normal.text)):
        best = min(usable[place], key=lambda name: _order(name, place, normal.text, vocabulary))
        found.append(_found(best, place, vocabulary))
        found += _inner(best, place, usable, vocabulary)
        found += _owner(place, vocabulary)
    return _once(found)


def _found(name: Name, place: Place, vocabulary: Vocabulary) -> Found:
    return Found(name.node, vocabulary.names.labels[name.node], name, place.start, place.end)


def _unambiguous(places: Sequence[Place], vocabulary: Vocabulary) -> set[str]:
    """Nodes that may own others and stand in the query."""
    return {name.node for place in places for name in vocabulary.names.by_key[place.form] if name.kind != PART}


def _owned(name: Name, place: Place, said: set[str], vocabulary: Vocabulary) -> bool:
    """A part of a name stands for the whole if its owner is named too, or if nothing else is called so."""
    return name.kind != PART or name.owner in said or len(vocabulary.names.by_key[place.form]) == 1


def _may(name: Name, place: Place, normal: Normal, typed: str, vocabulary: Vocabulary) -> bool:
    """Whether a place may stand for a node: common words are titles only where they are named like one."""
    start, end = normal.span(place.start, place.end)
    surface = typed[start:end]
    if name.capitals and place.form in _SMALL and not surface.isupper():
        return False
    label = vocabulary.names.labels[name.node]
    if label not in _TITLED or name.kind == PART or has_han(place.form):
        return True
    words = [word for word in re.findall(r"[a-z\d']+", place.form) if word not in STOPWORDS_EN]
    if not words:
        return place.form == normal.text
    if len(words) > 1 and (name.kind != SHORT or label != ORGANISATION):
        return True
    common = all(word in english_words() or word.isdigit() for word in words)
    return not common or _named(place, surface, normal, typed, label)


def _named(place: Place, surface: str, normal: Normal, typed: str, label: str) -> bool:
    """Whether a common word is used as a name: with a capital, alone, in Chinese, or by what stands beside it.

    Like Speed, Alien movies, by Universal.
    """
    text = normal.text
    capital = surface[:1].isupper() and not typed.isupper() and not typed.istitle() and place.start > 0
    whole = place.form == text.strip(" ?!.")
    before = text[: place.start]
    if label == ORGANISATION:
        beside = _BY.search(before)
    else:
        beside = _BEFORE.search(before) or _AFTER.match(text, place.end)
        beside = beside or (_FILMS.match(text, place.end) if label == COLLECTION else None)
    return bool(capital or whole or has_han(text) or beside)


def _order(name: Name, place: Place, text: str, vocabulary: Vocabulary) -> tuple[float, ...]:
    """Smallest first: the sort of thing, then how sure the name is, then how much there is of it."""
    label = vocabulary.names.labels[name.node]
    language = name.node.startswith("language:")
    spoken = bool(_SPOKEN_BEFORE.search(text[: place.start]) or _SPOKEN_AFTER.match(text, place.end))
    rank: float = _RANK.get(label, len(_RANK))
    if language:
        rank = -1 if spoken else _RANK[PLACE] + 0.5  # French is rather of France than in French
    after = text[place.end : place.end + 12].strip()
    if label == COLLECTION and not re.match(r"movies|films|series|trilogy|saga|系列|franchise", after):
        rank = _RANK[ITEM] + 0.5
    return rank, -name.score, -vocabulary.names.degrees.get(name.node, 0)


def _inner(best: Name, place: Place, usable: dict[Place, list[Name]], vocabulary: Vocabulary) -> list[Found]:
    """Within the title of an item, the names of its own facts."""
    facts = vocabulary.facts.get(best.node, frozenset())
    return [
        _found(name, inner, vocabulary)
        for inner, names in usable.items()
        if place.start <= inner.start and inner.end <= place.end and inner != place
        for name in names
        if name.node in facts and vocabulary.names.labels[name.node] not in (COLLECTION, ORGANISATION)
    ]


def _owner(place: Place, vocabulary: Vocabulary) -> list[Found]:
    """The owner that the name begins with."""
    names = vocabulary.names
    form = names.within.get(place.form)
    if form is None:
        return []
    owners = [name for name in names.by_key.get(form, ()) if names.labels[name.node] in (BRAND, ORGANISATION)]
    inner = Place(form, place.start, place.start + len(form))
    return [_found(owner, inner, vocabulary) for owner in owners[:1]]


def _once(found: list[Found]) -> list[Found]:
    """Every node once, at its first place."""
    first: dict[str, Found] = {}
    for each in sorted(found, key=lambda one: (one.start, -one.end)):
        first.setdefault(each.node, each)
    return list(first.values())
