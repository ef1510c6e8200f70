"""Every way that the nodes of a graph may be written: their names, aliases, short and inflected forms.

A form is kept under its normalised spelling, so that one look into the table finds all nodes that share it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import polars as pl

from graph.build import GraphTables
from graph.link.normal import is_han, key
from graph.schema import ALIAS, ATTRIBUTE, BRAND, CATEGORY, COLLECTION, ENTITY, ITEM, ORGANISATION, PLACE, USER

NAME, SHORT, INFLECTED, PEOPLE, PART = "name", "short", "inflected", "people", "part"
"""Kinds of form: a name or alias; one without what is left out in speech; a plural; who is of a place; a name without
its owner's, which stands for it only where the owner is known (`Air Max` for `Nike Air Max`)."""

PROPER = (BRAND, COLLECTION, ORGANISATION, PLACE, "Person", ITEM)
"""Labels of things whose names are written with a capital where a script has them."""

_LEGAL = (
    r"inc|incorporated|co|corp|corporation|ltd|limited|llc|plc|gmbh|ag|s\.?a|s\.?p\.?a|s\.?r\.?l|b\.?v|pty|kg|oy|ab"
)
_TRADE = r"pictures|productions?|films?|entertainment|company|studios?|group|cinema|animations?"
_LEGAL_TAIL = re.compile(rf"(?:[ ,]+(?:{_LEGAL})\.?)+$|(?:股份)?有限(?:责任)?公司$|集团$")
_TRADE_TAIL = re.compile(rf"(?:[ ,]+(?:{_TRADE}))+$|公司$")
_COLLECTION_TAIL = re.compile(r" collection$|(?:系列|合集)$")
_SERIES_TAIL = re.compile(r"[ :]+(?:series|trilogy|saga|franchise)$|三部曲$")
_BRACKETS = re.compile(r" *\(([^()]*)\) *")
_ARTICLE = re.compile(r"^(.*\S), (the|a|an|le|la|les|l'|il|el|der|die|das)$")


class Form(NamedTuple):
    """One way to write a node."""

    node: str
    kind: str
    capitals: bool
    """Whether it must stand in capitals: US is a country, us is not."""
    owner: str = ""
    """For PART, the node that must be known too."""


@dataclass(frozen=True)
class Forms:
    """All forms of a graph, by normalised spelling, and the labels and names of its nodes that can be linked."""

    by_key: dict[str, list[Form]]
    labels: dict[str, str]
    names: dict[str, str]
    blocked: frozenset[str]
    """Normalised names of things that no node stands for although part of the name is a form: New Mexico."""
    within: dict[str, str]
    """The form of its owner that a form begins with: a text that says Nike Air Max says Nike."""


def forms(tables: GraphTables) -> Forms:
    """The forms of all nodes of items and of what is around them; users and what only they have are left out."""
    nodes, aliases = linkable(tables)
    labels = dict(nodes.select("id", "label").iter_rows())
    names = dict(nodes.select("id", "name").iter_rows())
    table: dict[str, dict[tuple[str, str], Form]] = {}

    def add(form: str, node: str, kind: str, owner: str = "", capitals: bool = False) -> None:
        found = key(form)
        if _usable(found, labels[node]):
            table.setdefault(found, {}).setdefault((node, owner), Form(node, kind, capitals, owner))

    spelt = {node: [names[node], *aliases.get(node, [])] for node in names}
    for node, several in spelt.items():
        for name, capitals in _spellings(several, labels[node], node):
            add(name, node, NAME, capitals=capitals)
    for node, several in spelt.items():
        for name in several:
            for form, kind in _derived(key(name), labels[node]):
                add(form, node, kind)
        for form in _people(names[node], labels[node]):
            add(form, node, PEOPLE)
    within: dict[str, str] = {}
    for name, cut, node, owner in _parts(spelt, labels):
        add(name[cut + 1 :], node, PART, owner)
        within[name] = name[:cut]
    blocked = frozenset(key(name) for name in _resource()["others"]) - table.keys()
    return Forms({form: list(found.values()) for form, found in table.items()}, labels, names, blocked, within)


def linkable(tables: GraphTables) -> tuple[pl.DataFrame, dict[str, list[str]]]:
    """The nodes that a text may name, and the aliases of each."""
    edges = tables.edges
    named = edges.filter(pl.col("relation") == ALIAS).join(
        tables.nodes.select("id", "name"), left_on="tail", right_on="id"
    )
    aliases: dict[str, list[str]] = {}
    for head, name in named.select("head", "name").iter_rows():
        aliases.setdefault(head, []).append(name)
    users = tables.nodes.filter(pl.col("label") == USER)["id"].implode()
    ends = pl.concat([edges.select(id="head", other="tail"), edges.select(id="tail", other="head")])
    met = ends.group_by("id").agg(only=pl.col("other").is_in(users).all()).filter("only")["id"].implode()
    only_alias = edges.group_by("tail").agg(only=(pl.col("relation") == ALIAS).all()).filter("only")["tail"].implode()
    spare = pl.col("id").is_in(met) | (pl.col("id").is_in(only_alias) & (pl.col("label") == ENTITY))
    return tables.nodes.filter((pl.col("label") != USER) & ~spare), aliases


def _usable(form: str, label: str) -> bool:
    """Whether a form can be found in a text at all: mere numbers, sizes and years say nothing by themselves."""
    letters = sum(char.isalpha() for char in form)
    digits = sum(char.isdigit() for char in form)
    shortest = 1 if form and is_han(form[0]) else 2
    return letters >= shortest and (digits < letters or (label not in (ATTRIBUTE, ITEM) and digits <= 3 * letters))


def _spellings(several: list[str], label: str, node: str) -> Iterator[tuple[str, bool]]:
    """The names of a node and what is spelt otherwise and is the same; true where it must stand in capitals."""
    known = _equivalents(label, node)
    names = list(dict.fromkeys([*several, *(other for name in several for other in known.get(key(name), []))]))
    for name in names:
        capitals = name.isupper() and len(name.replace(".", "")) <= 3
        yield name, capitals
        flat = key(name)
        outside = _BRACKETS.sub(" ", flat).strip()
        # In brackets stands another name of a film, or the letters of a company, but what sort of series a series is.
        inside = [] if label == COLLECTION else _BRACKETS.findall(name)
        if label == ORGANISATION:
            inside = [part for part in inside if part.isupper() and len(part) > 2]
        for part in (outside, *inside, *flat.split(" / ")):
            yield part, capitals
            if turned := _ARTICLE.match(part):
                yield f"{turned[2]} {turned[1]}", capitals
        if "-" in flat or "&" in flat or "'" in flat or "." in flat:
            yield flat.replace("-", " "), capitals
            yield flat.replace("-", ""), capitals
            yield flat.replace("&", "and").replace("'", ""), capitals
            yield flat.replace("& ", "").replace(".", ""), capitals
        if label == BRAND and flat.count(" ") == 1:
            yield flat.replace(" ", ""), capitals


def _derived(name: str, label: str) -> Iterator[tuple[str, str]]:
    """Shorter and inflected forms of a normalised name."""
    if label in (BRAND, ORGANISATION):
        bare = _LEGAL_TAIL.sub("", name)
        yield bare, NAME
        yield _TRADE_TAIL.sub("", bare).removeprefix("the "), SHORT
    if label == COLLECTION:
        bare = _BRACKETS.sub(" ", _COLLECTION_TAIL.sub("", name)).strip()
        yield bare, NAME
        plain = _SERIES_TAIL.sub("", bare).removeprefix("the ")
        yield plain, NAME if " " in plain and not _SERIES_TAIL.search(bare) else SHORT
    if label in (CATEGORY, ATTRIBUTE) and name[-1:].isascii() and name[-1:].isalpha():
        for form in other_number(name):
            yield form, INFLECTED


def other_number(name: str) -> Iterator[str]:
    """The plural of an English name in the singular, and the singular of one in the plural."""
    if name.endswith("ies"):
        yield name[:-3] + "y"
    elif re.search(r"(?:ss|x|z|ch|sh)es$", name):
        yield name[:-2]
    elif name.endswith("s") and not name.endswith("ss"):
        yield name[:-1]
    elif re.search(r"[^aeiou]y$", name):
        yield name[:-1] + "ies"
    else:
        yield name + ("es" if re.search(r"(?:s|x|z|ch|sh)$", name) else "s")


def _parts(spelt: dict[str, list[str]], labels: dict[str, str]) -> Iterator[tuple[str, int, str, str]]:
    """name, cut, node, owner: names that begin with the name of a brand or company, which ends at `cut`."""
    owners = {key(n): node for node, names in spelt.items() if labels[node] in (BRAND, ORGANISATION) for n in names}
    for node, names in spelt.items():
        if labels[node] in (BRAND, ORGANISATION, ITEM):
            continue
        for name in map(key, names):
            for cut in (at for at, char in enumerate(name) if char == " "):
                if (owner := owners.get(name[:cut])) is not None:
                    yield name, cut, node, owner


def _people(name: str, label: str) -> list[str]:
    """Who and what is of a place, by its name in any language."""
    if label != PLACE:
        return []
    return _countries().get(key(name), {}).get("people", [])


def _equivalents(label: str, node: str) -> dict[str, list[str]]:
    """By normalised name, all names of the same place, or of the same language."""
    if label == PLACE:
        return {name: country["names"] for name, country in _countries().items()}
    return _languages() if node.startswith("language:") else {}


@lru_cache(maxsize=1)
def _countries() -> dict[str, dict[str, list[str]]]:
    return {key(name): country for country in _resource()["countries"] for name in country["names"]}


@lru_cache(maxsize=1)
def _languages() -> dict[str, list[str]]:
    return {key(name): names for names in _resource()["languages"] for name in names}


@lru_cache(maxsize=1)
def _resource() -> dict[str, Any]:
    """Names of countries and languages in English and Chinese, and names that only contain one."""
    text = files("graph.link").joinpath("names.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
