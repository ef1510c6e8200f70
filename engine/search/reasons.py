"""Why an item is found: which words of its title and text were met, and what speaks for it, in words.

A word of the text is met as the query has it (word), as another name of the same thing (alias), or as its name in the
other script (translation). Found only when asked for: a search does not need it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
from bm25s.stopwords import STOPWORDS_EN

from engine.candidates.interest import Interest
from engine.history import Histories
from engine.search.hybrid import TASTE, Match, Searcher
from engine.search.intent import Entity
from engine.search.intent.text import has_han
from engine.search.kinds import GOES_WITH, LIKE
from engine.search.lexical import terms
from engine.search.limits import REFUSALS, Condition
from engine.search.understood import Understood
from graph.link.match import apart
from graph.link.normal import Normal, key, normalise

By = Literal["word", "alias", "translation"]

FAR = 2000
"""Characters of a text that are looked at."""
MOST_HABITS = 3
OFTEN, MORE = 0.15, 1.5
"""A habit is what this share of a history has at least, and so many times as much as the catalogue."""
TELLING = 0.02
"""What a signal must add to be told of."""
_WORD = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]+")


@dataclass(frozen=True)
class Highlight:
    """Characters of an item's title or text that were met, end exclusive."""

    column: Literal["title", "text"]
    start: int
    end: int
    by: By
    of: str
    """What of the query they answer"""
    text: str


@dataclass(frozen=True)
class Reasons:
    """Of one item: what was met, and sentences, the query's before the user's."""

    highlights: tuple[Highlight, ...]
    told: tuple[str, ...]
    text: str
    """The item's text, for showing what is around a match"""

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it, without the text."""
        return {"reasons": list(self.told), "matches": [vars(one) for one in self.highlights]}


class Teller:
    """Tells the reasons over one catalogue."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher

    @cached_property
    def _forms(self) -> dict[str, list[str]]:
        """By node, all spellings that stand for it."""
        found: dict[str, list[str]] = {}
        for form, names in self._searcher.vocabulary.names.by_key.items():
            for name in names:
                found.setdefault(name.node, []).append(form)
        return found

    def tell(self, understood: Understood, match: Match, habits: Sequence[str] = ()) -> Reasons:
        """The reasons for one item; `habits` are what `habits` says of it."""
        item = self._searcher.items.row(match.item, named=True)
        has = [one for one in self._wanted(understood) if self._searcher.named.having(one.node)[match.item]]
        marks = [
            *self._marks("title", item["title"], understood, has),
            *self._marks("text", item["text"], understood, has),
        ]
        told = [_named(one) for one in has]
        told += [_held(one, item) for one in understood.conditions if not one.dropped]
        about = ", ".join(understood.about)
        told += [f"{text} {about}" if about else text for name, text in _KINDS if match.parts.get(name, 0) >= TELLING]
        told += [text for name, text in _SIGNALS if match.parts.get(name, 0) >= TELLING]
        words = list(dict.fromkeys(one.of for one in marks if one.by == "word"))
        said = {key(one.surface) for one in has}
        free = [word for word in words if _without(word, said)]
        if free:
            told.append(f"words of the query in its text: {', '.join(free)}")
        if match.parts.get(TASTE, 0) > 0:
            told += habits or ["it is like what you chose before"]
        return Reasons(tuple(marks), tuple(told), item["text"] or "")

    def _wanted(self, understood: Understood) -> list[Entity]:
        return understood.intent.wanted() if understood.intent else []

    def _marks(
        self, column: Literal["title", "text"], text: str | None, understood: Understood, has: Sequence[Entity]
    ) -> Iterator[Highlight]:
        """Highlights from left to right that do not overlap: the longest first, of equals names before words."""
        normal = normalise((text or "")[:FAR])
        found = [*self._names(normal, has), *_words(normal, _asked(understood))]
        taken: list[tuple[int, int, By, str]] = []
        for start, end, by, of in sorted(found, key=lambda one: (one[0] - one[1], one[2] == "word")):
            if all(end <= a or start >= b for a, b, *_ in taken):
                taken.append((start, end, by, of))
        for start, end, by, of in sorted(taken):
            first, last = normal.span(start, end)
            yield Highlight(column, first, last, by, of, (text or "")[first:last])

    def _names(self, normal: Normal, has: Sequence[Entity]) -> Iterator[tuple[int, int, By, str]]:
        """Where a text has a name of what the query names."""
        for one in has:
            said = key(one.surface)
            for form in self._forms.get(one.node, ()):
                by: By = "word" if form == said else "translation" if has_han(form) != has_han(said) else "alias"
                for start in _places(normal.text, form):
                    yield start, start + len(form), by, one.surface


def habits(
    match: Match, interest: Interest, entities: pl.DataFrame, past: Histories, most: int = MOST_HABITS
) -> list[str]:
    """What of an item is more frequent in one history than in the catalogue: `Nike: 62% of your history`."""
    facts = interest.features.facts
    own = facts[[match.item]].indices
    events = facts[past.items.astype(np.int64)][:, own]
    share = np.asarray((events > 0).sum(axis=0)).ravel() / max(len(past.items), 1)
    lift = share / interest.share[own]
    names, relations = (entities[column].gather(own).to_list() for column in ("name", "relation"))
    weight = share * np.log(np.maximum(lift, 1))
    told: dict[str, str] = {}
    for at in np.argsort(-weight, kind="stable").tolist():
        if share[at] >= OFTEN and lift[at] >= MORE:  # one of a relation: who likes sport shoes likes shoes
            told.setdefault(relations[at], f"{names[at].rpartition(' > ')[2]}: {share[at]:.0%} of your history")
    return list(told.values())[:most]


_KINDS = ((LIKE, "like"), (GOES_WITH, "the graph says that it goes with"))
_SIGNALS = (("meaning", "its text is near in meaning"), ("picture", "its picture looks so"))
"""What signals say of an item, in words."""


def _without(word: str, names: set[str]) -> str:
    """What of a word is in no name."""
    for name in sorted(names, key=len, reverse=True):
        if word in name:
            return ""
        word = word.replace(name, "")
    return word


def _asked(understood: Understood) -> set[str]:
    """The terms of a query that BM25 looks for."""
    every = set(terms(understood.query))
    return {term for term in every if term not in STOPWORDS_EN} or every


def _words(normal: Normal, asked: set[str]) -> Iterator[tuple[int, int, By, str]]:
    """Latin words of a text that were asked for, and runs of Chinese whose pairs were."""
    for run in _WORD.finditer(normal.text):
        word, start = run[0], run.start()
        if word.isascii():
            if word in asked:
                yield start, run.end(), "word", word
            continue
        met = [at for at in range(max(1, len(word) - 1)) if word[at : at + 2] in asked]
        for at in met:
            if at - 1 not in met:
                last = at
                while last + 1 in met:
                    last += 1
                end = min(last + 2, len(word))
                yield start + at, start + end, "word", word[at:end]


def _places(text: str, form: str) -> Iterator[int]:
    at = text.find(form)
    while at >= 0:
        if apart(text, at, at + len(form)):
            yield at
        at = text.find(form, at + 1)


def _named(one: Entity) -> str:
    """`colour white: named in the query (白色)`."""
    kind, name = one.node.partition(":")[0], one.name.rpartition(" > ")[2]
    surface = "" if key(one.surface) == key(name) else f" ({one.surface})"
    return f"{kind} {name}: named in the query{surface}"


def _held(one: Condition, item: dict[str, object]) -> str:
    """`price 479: up to 500 was asked`."""
    if one.told.startswith(REFUSALS):
        return f"{one.told}: as asked"
    value = item.get(one.field)
    return (
        f"{one.field} {value:g}: {one.told} was asked" if isinstance(value, (int, float)) else f"{one.told}: as asked"
    )
