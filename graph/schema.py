"""What a catalogue graph is made of: node labels, relation types, and how a column of a table becomes both.

A label or a relation type is the only text that ever reaches Cypher outside a parameter, so every one of them passes
`identifier` first.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from difflib import get_close_matches

import polars as pl

from graph.errors import GraphError

ITEM, USER, ENTITY, ATTRIBUTE = "Item", "User", "Entity", "Attribute"
BRAND, CATEGORY, COLLECTION = "Brand", "Category", "Collection"
ORGANISATION, PLACE, PERSON = "Organisation", "Place", "Person"
LABELS = (ITEM, BRAND, CATEGORY, COLLECTION, ORGANISATION, PLACE, PERSON, ATTRIBUTE, ENTITY, USER)

MADE_BY, BELONGS_TO, SUBCATEGORY_OF = "MADE_BY", "BELONGS_TO", "SUBCATEGORY_OF"
ALIAS = "ALIAS"
"""From a thing to another name of it; `alias` in a table of triples."""
CHOSE = "CHOSE"
"""From a user to an item: kept in a store for people to look at, and never learned from."""

NAMED = "rdfs:label"
"""In a table of triples: gives a thing that no other table names its name; any further name is an alias."""

NODES = {"id": pl.String, "label": pl.String, "name": pl.String}
EDGES = {"head": pl.String, "relation": pl.String, "tail": pl.String}
REJECTS = {**EDGES, "reason": pl.String}
"""The columns of the tables of a graph."""

KINDS: dict[str, str] = {
    "brand": BRAND,
    "category": CATEGORY,
    **dict.fromkeys(("collection", "series", "franchise"), COLLECTION),
    **dict.fromkeys(("organisation", "organization", "company", "studio", "publisher", "manufacturer"), ORGANISATION),
    **dict.fromkeys(("place", "country", "region", "city", "origin"), PLACE),
    **dict.fromkeys(("person", "actor", "director", "author", "artist", "writer", "composer", "designer"), PERSON),
    **dict.fromkeys(("genre", "language", "colour", "color", "material", "tag", "theme", "keyword"), ATTRIBUTE),
    "entity": ENTITY,
}
"""The kinds of thing that a column may hold, by its name in the singular. Every other column holds Attributes."""

_PLURALS = {(kind[:-1] + "ies" if kind.endswith("y") else kind + "s"): kind for kind in KINDS}
_RELATIONS = {"brand": MADE_BY, "category": BELONGS_TO}
_RESERVED = {label.upper() for label in LABELS}
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Field:
    """How the values of one column become nodes: `prefix:value` of this label, joined by this relation."""

    prefix: str
    label: str
    relation: str


@dataclass(frozen=True, order=True)
class Relation:
    """A relation type with the labels of its ends."""

    name: str
    head: str
    tail: str


@dataclass(frozen=True)
class Schema:
    """The labels and relations of one graph, sorted; stores are created from it.

    Raises GraphError for a name that cannot stand in Cypher, and for two names that differ only in case: stores would
    take them for one.
    """

    labels: tuple[str, ...]
    relations: tuple[Relation, ...]

    def __post_init__(self) -> None:
        names = [identifier(name) for name in (*self.labels, *sorted({relation.name for relation in self.relations}))]
        seen: dict[str, str] = {}
        for name in names:
            if name.upper() in seen:
                raise GraphError(f"{seen[name.upper()]} and {name} would be one name for two things")
            seen[name.upper()] = name

    def __or__(self, other: "Schema") -> "Schema":
        labels, relations = {*self.labels, *other.labels}, {*self.relations, *other.relations}
        return Schema(tuple(sorted(labels)), tuple(sorted(relations)))


@dataclass(frozen=True)
class Declared:
    """Relations of the user's own triples that have been declared, and so are checked.

    `relations` gives, by the name that a table of triples uses, the labels of head and tail:
    `{"directed_by": ("Item", "Person")}`. Kept by relation type. With `strict` no other relation is taken.

    Raises GraphError for a label that there is not, and for a relation that has no name or is declared twice.
    """

    relations: Mapping[str, tuple[str, str]] = dataclass_field(default_factory=dict)
    strict: bool = False

    def __post_init__(self) -> None:
        found: dict[str, tuple[str, str]] = {}
        for name, ends in self.relations.items():
            kind = relation_type(name)
            if kind is None:
                raise GraphError(f"relation {name!r}: it has no letter or digit of ASCII to be called by")
            if found.setdefault(kind, ends) != ends:
                raise GraphError(f"relation {name!r}: declared twice as {kind}, from {found[kind]} and from {ends}")
            for label in ends:
                if label not in LABELS or label == USER:
                    close = get_close_matches(label, LABELS, n=1)
                    hint = f" (did you mean {close[0]}?)" if close else ""
                    there = ", ".join(one for one in LABELS if one != USER)
                    raise GraphError(f"relation {name!r}: there is no label {label!r}{hint}; there are {there}")
        object.__setattr__(self, "relations", found)


def identifier(name: str) -> str:
    """`name` itself if it may stand in Cypher as a label or relation type; GraphError otherwise."""
    if not _IDENTIFIER.fullmatch(name):
        raise GraphError(f"{name!r} cannot name a label or relation: a letter, then letters, digits or _")
    return name


def singular(kind: str) -> str:
    """A kind of thing in the singular: `companies` gives company; any other word stays as it is."""
    return "item" if kind == "items" else _PLURALS.get(kind, kind)


def field(column: str) -> Field:
    """The field that a column makes: `genres` gives Attribute and HAS_GENRE, `company` Organisation and HAS_COMPANY.

    Things of a label share their ids over columns, so a director who also acts is one Person with two relations;
    attributes do not, so a theme `red` is not a colour `red`.
    """
    lower = identifier(column).lower()
    kind = _PLURALS.get(lower, lower)
    if kind in ("item", "user"):
        raise GraphError(f"column `{column}` cannot be an attribute: items and users have nodes of their own")
    label = KINDS.get(kind, ATTRIBUTE)
    prefix = kind if label == ATTRIBUTE else label.lower()
    return Field(prefix, label, _RELATIONS.get(kind, f"HAS_{kind.upper()}"))


def relation_type(name: str) -> str | None:
    """The relation type for a name in a table of triples: `film.film.genre` gives FILM_FILM_GENRE.

    None where no letter or digit of ASCII is left. A leading digit (KGAT numbers its relations) gets `R_` before it,
    and the name of a label, which would be one name for two things, `HAS_`.
    """
    words = re.findall(r"[A-Za-z0-9]+", name)
    if not words:
        return None
    joined = "_".join(words).upper()
    if joined in _RESERVED:
        return f"HAS_{joined}"
    return f"R_{joined}" if joined[0].isdigit() else joined


def fold(name: str) -> str:
    """The form under which two spellings are one name: NFKC, one space between words, no case."""
    if name.isascii():
        return " ".join(name.lower().split())
    form = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(form.split())


def declare(nodes: pl.DataFrame, edges: pl.DataFrame) -> Schema:
    """The schema of `nodes` (id, label, ...) and `edges` (head, relation, tail).

    Raises GraphError for names as Schema does, for ids that repeat, and for an edge whose end is no node.
    """
    twice = nodes["id"].filter(nodes["id"].is_duplicated())
    if len(twice):
        raise GraphError(f"node ids repeat, the first of them {twice[0]!r}")
    labels = nodes.select("id", "label")
    ends = (
        edges.select("head", "relation", "tail")
        .join(labels.rename({"id": "head", "label": "from"}), on="head", how="left")
        .join(labels.rename({"id": "tail", "label": "to"}), on="tail", how="left")
    )
    dangling = ends.filter(pl.col("from").is_null() | pl.col("to").is_null())
    if dangling.height:
        raise GraphError(f"{dangling.height} edges end in no node, the first of them {dangling.row(0)[:3]}")
    kinds = ends.select("relation", "from", "to").unique().rows()
    return Schema(tuple(sorted(nodes["label"].unique())), tuple(sorted(Relation(*kind) for kind in kinds)))
