"""By which words a catalogue's nodes are called: the graph's names and aliases, everyday synonyms, learned nouns."""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import polars as pl

from graph.build import GraphTables
from graph.link.aliases import INFLECTED, NAME, PART, PEOPLE, SHORT, forms, linkable, other_number
from graph.link.normal import is_han, key
from graph.schema import ALIAS, ATTRIBUTE, CATEGORY, COLLECTION, ITEM

SYNONYM, LEARNED = "synonym", "learned"
_SCORES = {NAME: 1.0, INFLECTED: 0.99, PEOPLE: 0.95, SHORT: 0.9, PART: 0.9, SYNONYM: 0.9}
_LEAST = re.compile(r"\d{1,2}\+")
"""`6+`, an age: a name without a letter that a query may use all the same."""
_JOINED = 8
"""Characters from which a name of several words is known without its blanks too: livingroom."""


class Name(NamedTuple):
    """One node that a spelling stands for."""

    node: str
    kind: str
    score: float
    owner: str = ""
    """The node that must be named too, unless nothing else is called so: Nike for Air Max"""
    capitals: bool = False


@dataclass(frozen=True)
class Names:
    """All spellings of a graph's nodes, and what is needed to tell them apart."""

    by_key: dict[str, list[Name]]
    labels: dict[str, str]
    names: dict[str, str]
    degrees: dict[str, int]
    """Edges of each node: of two that are called alike, the larger is meant"""
    within: dict[str, str]
    """The name of its owner that a spelling begins with"""

    def add(self, form: str, name: Name) -> None:
        """Let a normalised spelling stand for one more node."""
        there = self.by_key.setdefault(form, [])
        if all(other.node != name.node for other in there):
            there.append(name)


def names_of(graph: GraphTables) -> Names:
    """The spellings of a graph: as linking knows them, with synonyms and without blanks."""
    found = forms(graph)
    names = Names({}, *around(graph), dict(found.within))
    for form, several in found.by_key.items():
        for each in several:
            if each.kind == INFLECTED and each.node.startswith("material:"):
                continue  # a stuff has no plural: glasses are not of glass
            names.add(form, Name(each.node, each.kind, _SCORES[each.kind], each.owner, each.capitals))
    for node, label in found.labels.items():
        if label == ATTRIBUTE and _LEAST.fullmatch(form := key(found.names[node])):
            names.add(form, Name(node, NAME, 1.0))
    _add_synonyms(names, graph)
    for node, label in found.labels.items():
        for part in _shorter(found.names[node]) if label in (COLLECTION, ITEM) else ():
            names.add(part, Name(node, SHORT, _SCORES[PART]))
    for form in list(names.by_key):
        if joined := _joined(form):
            for name in names.by_key[form]:
                names.add(joined, name)
            if (owner := names.within.get(form)) and joined.startswith(bare := owner.replace(" ", "")):
                names.within[joined] = bare
    return names


def around(graph: GraphTables) -> tuple[dict[str, str], dict[str, str], dict[str, int]]:
    """The labels and names of the nodes that may be named, and how many edges each node has."""
    nodes, _ = linkable(graph)
    ends = pl.concat([graph.edges["head"], graph.edges["tail"]]).value_counts()
    labels, called = (dict(nodes.select("id", what).iter_rows()) for what in ("label", "name"))
    return labels, called, dict(ends.iter_rows())


def changed(names: Names, graph: GraphTables, items: Collection[str]) -> Names:
    """The spellings after a change of the graph, by which items other than these nodes are called what they were.

    All that is no item is read anew: there is little of it, and what one thing is called may hang on another. What was
    learned stays.
    """
    nodes, _ = linkable(graph)
    others = nodes.filter((pl.col("label") != ITEM) | pl.col("id").is_in(list(items)))
    aliases = graph.edges.filter(pl.col("relation") == ALIAS)
    spoken = graph.nodes.join(aliases.select(id="tail").unique(), on="id", how="semi")
    new = names_of(GraphTables(pl.concat([others, spoken]).unique("id", maintain_order=True), aliases))
    labels = dict(nodes.select("id", "label").iter_rows())

    def stays(name: Name) -> bool:
        label = labels.get(name.node)
        return label is not None and (name.kind == LEARNED or (label == ITEM and name.node not in items))

    kept = {form: [name for name in several if stays(name)] for form, several in names.by_key.items()}
    made = Names({form: several for form, several in kept.items() if several}, *around(graph), new.within)
    for form, several in new.by_key.items():
        for name in several:
            if name.node in labels:
                made.add(form, name)
    return made


def _shorter(title: str) -> list[str]:
    """A title without its article, and what stands before and after its colon, if that is two words at least.

    Empire Strikes Back, Star Trek, Judgment Day. Where it has an &, it has an `and` too.
    """
    whole = key(title).removesuffix(" collection")
    bare = re.sub(r"^(?:the|a|an) ", "", whole)
    before, colon, after = bare.partition(": ")
    found = [bare, bare.replace("&", "and"), *((before, after) if colon else ())]
    return [each for each in found if " " in each and each != whole]


def _add_synonyms(names: Names, graph: GraphTables) -> None:
    """Every node that is called by one word of a group is called by the others."""
    aliases: dict[str, list[str]] = {}
    tails = dict(graph.nodes.select("id", "name").iter_rows())
    for head, tail in graph.edges.filter(pl.col("relation") == ALIAS).select("head", "tail").iter_rows():
        aliases.setdefault(head, []).append(tails[tail])
    groups = _groups()
    for node, label in names.labels.items():
        if label == ITEM:
            continue
        called = {key(name) for name in [names.names[node], *aliases.get(node, [])]}
        for word in sorted({word for name in called for group in groups.get(name, ()) for word in group} - called):
            names.add(word, Name(node, SYNONYM, _SCORES[SYNONYM]))
            if label == CATEGORY and word.isascii() and word[-1:].isalpha():
                for other in other_number(word):
                    names.add(other, Name(node, SYNONYM, _SCORES[SYNONYM]))


@lru_cache(maxsize=1)
def _groups() -> dict[str, list[list[str]]]:
    """By the first two words of a group, which are what a graph may call a node, the groups that they begin."""
    text = files("engine.search.intent").joinpath("lexicon.json").read_text(encoding="utf-8")
    found: dict[str, list[list[str]]] = {}
    for theme in json.loads(text).values():
        for group in theme:
            words = [key(word) for word in group]
            for word in words[:2]:
                found.setdefault(word, []).append(words)
    return found


def _joined(form: str) -> str | None:
    """A name without its blanks: of Chinese ones always, of others where it is long enough."""
    if " " not in form:
        return None
    bare = form.replace(" ", "")
    return bare if any(map(is_han, form)) or len(bare) >= _JOINED else None


def latin_words(forms: Iterable[str]) -> Iterator[str]:
    """The words of spellings that are not Chinese."""
    for form in forms:
        if not any(map(is_han, form)):
            yield from form.split()
