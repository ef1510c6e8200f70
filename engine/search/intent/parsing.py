"""From a query to what it means, in the order in which one thing needs another."""

from collections.abc import Sequence
from typing import get_args

from engine.errors import DataError
from engine.search.intent import entities, kind, negation, quantities, reading
from engine.search.intent.entities import Found
from engine.search.intent.model import Constraint, Entity, Intent, Language, Repair
from engine.search.intent.quantities import Range, Size
from engine.search.intent.text import check, language_of
from engine.search.intent.vocabulary import Vocabulary
from graph.link.normal import Normal
from graph.schema import ATTRIBUTE

EMPTY = Vocabulary()


def parse(query: str, language: Language | None = None, vocabulary: Vocabulary = EMPTY) -> Intent:
    """What a query means in one catalogue; without a vocabulary, numbers, words and the kind of answer only.

    `language` overrides what the script says. Raises DataError for what is no text, has more than 512 characters, no
    letter or digit, or a language that is not known.
    """
    if language is not None and language not in get_args(Language):
        raise DataError(f"language is {', '.join(get_args(Language))} or None, not {language!r}")
    typed = check(query)
    normal, repairs = vocabulary.repairer.repair(typed, query)
    spoken = language or language_of(normal)
    sizes, ranges, found = _facts(normal, query, vocabulary)
    fields = [_field(one) for one in found]
    places = [negation.Named(one.start, one.end, field) for one, field in zip(found, fields, strict=True)]
    bad = negation.negated(normal.text, places)
    linked = [_entity(one, i in bad, normal, query, repairs, vocabulary) for i, one in enumerate(found)]
    constraints = [_size(size, normal) for size in sizes] + [_range(one, normal) for one in ranges]
    constraints += [_facet(one, field) for one, field in zip(linked, fields, strict=True) if _is_constraint(one)]
    numbers = [(one.start, one.end) for one in sizes] + [(one.start, one.end) for one in ranges]
    words, document = reading.tokens(normal, spoken, [(one.start, one.end) for one in found])
    limits = [(one.start, one.end) for one in constraints if one.value is None or one.field == "size"]
    named = [(one.start, one.end, one.negated) for one in linked]
    spans = [(entity, one.start, one.end) for entity, one in zip(linked, found, strict=True)]
    return Intent(
        query=query,
        language=spoken,
        kind=kind.kind_of(normal.text, spans, vocabulary.belongs),
        tokens=tuple(words),
        keywords=tuple(reading.keywords(words, named, limits, vocabulary)),
        entities=tuple(linked),
        constraints=tuple(sorted(constraints, key=lambda one: (one.start, one.end))),
        head=reading.head(normal, document, words, found, bad, numbers),
        repairs=tuple(repairs),
    )


def _facts(normal: Normal, query: str, vocabulary: Vocabulary) -> tuple[list[Size], list[Range], list[Found]]:
    """Sizes, quantities and entities, none over another: a name with a number (3岁以上) goes before a quantity."""
    shown = "".join(query[start] if len(query[start].lower()) == 1 else " " for start in normal.starts)
    clothes = "runtime" not in vocabulary.fields
    sizes = quantities.sizes(normal.text, shown) if clothes else []
    spans = [(size.start, size.end) for size in sizes]
    named = entities.find(normal, query, vocabulary, spans)
    numbered = [(one.start, one.end) for one in named if any(map(str.isdigit, normal.text[one.start : one.end]))]
    ranges = [
        one
        for one in quantities.ranges(normal.text, vocabulary.fields)
        if all(one.end <= start or one.start >= end for start, end in [*spans, *numbered])
        and not any(found.start < one.start < found.end for found in named)  # the Max of Air Max 270 is no limit
    ]
    taken = spans + [(one.start, one.end) for one in ranges]
    return sizes, ranges, entities.find(normal, query, vocabulary, taken) if ranges else named


def _field(one: Found) -> str:
    """The kind of a node as its id says it: colour, brand, category."""
    return one.node.partition(":")[0]


def _entity(
    one: Found, negated: bool, normal: Normal, query: str, repairs: Sequence[Repair], vocabulary: Vocabulary
) -> Entity:
    start, end = normal.span(one.start, one.end)
    mended = any(repair.start < end and start < repair.end for repair in repairs)
    score = round(one.name.score * (0.85 if mended else 1.0), 3)
    kind_of_name = one.name.kind if one.name.kind in ("synonym", "learned") else "name"
    method = f"{kind_of_name}, repaired" if mended else kind_of_name
    name = vocabulary.names.names[one.node]
    return Entity(one.node, one.label, name, query[start:end], start, end, score, method, negated)


def _is_constraint(entity: Entity) -> bool:
    """An attribute narrows what is wanted; other things do so when they are refused."""
    return entity.negated or entity.label == ATTRIBUTE


def _facet(entity: Entity, field: str) -> Constraint:
    return Constraint(field, value=entity.node, negated=entity.negated, start=entity.start, end=entity.end)


def _size(size: Size, normal: Normal) -> Constraint:
    start, end = normal.span(size.start, size.end)
    return Constraint("size", value=size.value, start=start, end=end)


def _range(one: Range, normal: Normal) -> Constraint:
    start, end = normal.span(one.start, one.end)
    return Constraint(one.field, one.low, one.high, one.unit, start=start, end=end, rough=one.rough)
