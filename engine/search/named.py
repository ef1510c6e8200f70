"""What a query names, as a signal: an item is as good as the share of the named facts that it has, squared.

`French comedies of the nineties` names a country, a genre and a range of years. Each weighs by how sure the reading is
and how rare the fact is; squared, since all of them are meant, and half of them is not half as good. How much of the
query is named at all says what sort of query it is: of a remembered plot it is little, of a list of facts it is all.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from bm25s.stopwords import STOPWORDS_EN
from numpy.typing import NDArray

from engine.search.intent import Constraint, Entity, Intent, Vocabulary, parse
from engine.search.intent.text import LONGEST
from engine.search.intent.vocabulary import FIELDS
from graph.facts import Facts
from graph.link.normal import key
from graph.schema import CATEGORY

TITLES = 2
"""So many first lines of a text may be its title, in one language or two; a query that is one names that item."""
NAMESAKE = 0.5
"""What an item has that is called the same counts so much: Italian is of Italy, and might be in Italian."""

FEW = 2.0
"""Times as many facts of a kind (genres, countries) as 99 of 100 items have at most, from which on they count less."""


@dataclass(frozen=True)
class Reading:
    """What of a query the catalogue knows by name."""

    scores: NDArray[np.float64]
    """(items,) from 0 to 1"""
    share: float
    """How much of the query is named, from 0 to 1: of the letters of telling words, those within names and limits."""


class Named:
    """The names of one catalogue and which items have what they stand for."""

    def __init__(
        self,
        items: pl.DataFrame,
        found: Facts,
        vocabulary: Vocabulary,
        titled: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        """`found` is what the graph says of the items; `titled` has the rows of each title, if that is known."""
        ids = items["item_id"].to_list()
        self._items = items
        self.vocabulary = vocabulary
        self._matrix = found.matrix.tocsc()
        self._relations = found.entities["relation"].to_numpy()
        self._columns: dict[str, list[int]] = {}
        for column, node in enumerate(found.entities["id"]):
            self._columns.setdefault(node, []).append(column)
        self._rows = {f"item:{item}": row for row, item in enumerate(ids)}
        self._titled = _titled(enumerate(items["text"]), {}) if titled is None else titled
        numeric = [name for name, dtype in items.schema.items() if dtype.is_numeric()]
        shapes = [(field, name) for field, shape in FIELDS.items() for name in numeric if re.fullmatch(shape, name)]
        self.numbers = {field: items[name].to_numpy() for field, name in shapes}
        """By what a number in a query may be about (price, year, runtime), (items,) of the column that has it"""
        self.kinds = {node.partition(":")[0] for node in self._columns}
        """What nodes there are: colour, size, brand"""

    def __len__(self) -> int:
        return self._items.height

    def parse(self, query: str) -> Intent | None:
        """What a query means; None for one that is longer than `parse` reads."""
        return None if len(query) > LONGEST else parse(query, vocabulary=self.vocabulary)

    def changed(self, items: pl.DataFrame, found: Facts, vocabulary: Vocabulary, rows: NDArray[np.int64]) -> "Named":
        """The same after a change of some rows, or after further ones came behind the others."""
        titled = dict(self._titled)
        old = rows[rows < self._items.height]
        for row, text in zip(old.tolist(), self._items["text"][old], strict=True):
            for line in _titles(text):
                titled[line] = [other for other in titled[line] if other != row]
        titled = _titled(zip(rows.tolist(), items["text"][rows], strict=True), titled)
        return Named(items, found, vocabulary, titled)

    def read(self, query: str) -> Reading:
        """Nothing is named by a query that is longer than `parse` reads."""
        return self.reading(self.parse(query))

    def reading(self, intent: Intent | None, aside: Collection[str] = ()) -> Reading:
        """What items have of what is named, but for the nodes that are set aside: those are not what is looked for."""
        if intent is None:
            return Reading(np.zeros(len(self)), 0.0)
        wanted = list(self._wanted(intent, aside))
        total = sum((weight * having for having, weight in wanted), np.zeros(len(self)))
        scores = self.plain * (total / max(sum(weight for _, weight in wanted), 1e-9)) ** 2
        for entity in intent.entities:
            if entity.negated:
                scores *= 1 - self.having(entity.node)
        # Whatever its words may mean apart.
        scores[self.titled(intent.query)] = 1
        return Reading(scores, _share(intent))

    def titled(self, query: str) -> list[int]:
        """The rows of the items that are called just so."""
        return list(self._titled.get(key(query), ()))

    def _wanted(self, intent: Intent, aside: Collection[str]) -> Iterator[tuple[NDArray[np.float64], float]]:
        """(items,) from 0 to 1 who has it, and its weight, of each named thing and each range of numbers."""
        for entity in intent.wanted():
            if entity.node not in aside and (intent.kind != "similar" or entity.node not in self._rows):
                having = self.having(entity.node)
                yield np.maximum(having, NAMESAKE * self._namesakes(entity)), entity.score * self._weight(having)
        for one in intent.constraints:
            if one.value is None and one.field in self.numbers:
                having = self.within(one)
                yield having, self._weight(having)

    def having(self, node: str) -> NDArray[np.float64]:
        """(items,) 1 for an item that has the node over any relation, or is it."""
        having = np.zeros(len(self))
        for column in self._columns.get(node, ()):
            having[self._matrix.indices[self._matrix.indptr[column] : self._matrix.indptr[column + 1]]] = 1
        if node in self._rows:
            having[self._rows[node]] = 1
        return having

    def kin(self, rows: Sequence[int]) -> NDArray[np.float64]:
        """(items,) from 0 to 1, how much of what these items are, by category, an item is too; rare ones weigh more."""
        nodes = [node for node in self._columns if node.startswith(f"{CATEGORY.lower()}:")]
        categories = [having for having in map(self.having, nodes) if having[rows].any()]
        weights = [float(having[rows].mean()) * self._weight(having) for having in categories]
        shared = sum((weight * having for weight, having in zip(weights, categories, strict=True)), np.zeros(len(self)))
        return shared / max(float(shared.max(initial=0)), 1e-9) if categories else np.ones(len(self))

    @cached_property
    def plain(self) -> NDArray[np.float64]:
        """(items,) 1, and less for an item that says to be of every kind there is: by how many times too many."""
        plain = np.ones(len(self))
        for relation in np.unique(self._relations):
            counts = np.asarray(self._matrix[:, self._relations == relation].astype(bool).sum(axis=1)).ravel()
            usual = np.percentile(counts[counts > 0], 99) if counts.any() else 1
            plain = np.minimum(plain, FEW * usual / np.maximum(counts, FEW * usual))
        return plain

    def things(self, node: str) -> NDArray[np.bool_]:
        """(items,) who has the node; of an item only itself, and not what goes with it."""
        if node in self._rows:
            return np.asarray(np.arange(len(self)) == self._rows[node], bool)
        return np.asarray(self.having(node) > 0, bool)

    def _namesakes(self, entity: Entity) -> NDArray[np.float64]:
        """(items,) 1 for an item that has another node which is called so."""
        names = self.vocabulary.names.by_key.get(key(entity.surface), ())
        others = [self.having(name.node) for name in names if name.node != entity.node]
        return np.max(others, axis=0) if others else np.zeros(len(self))

    def within(self, limit: Constraint) -> NDArray[np.float64]:
        """(items,) 1 for an item whose number is within the limits; 0 for one of which it is not known."""
        numbers = self.numbers[limit.field]
        low, high = (-np.inf if limit.low is None else limit.low), (np.inf if limit.high is None else limit.high)
        return ((numbers >= low) & (numbers <= high)).astype(np.float64)

    def _weight(self, having: NDArray[np.float64]) -> float:
        """The idf of what so many items have."""
        return float(np.log((1 + len(having)) / (1 + having.sum())) + 1)


def _titles(text: str | None) -> set[str]:
    return set(map(key, (text or "").split("\n")[:TITLES]))


def _titled(texts: Iterable[tuple[int, str | None]], before: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    """By title, the rows of the items that are called so: those of before, and these with their texts."""
    titled = dict(before)
    for row, text in texts:
        for line in _titles(text):
            titled[line] = [*titled.get(line, ()), row]
    return titled


def _share(intent: Intent) -> float:
    """The named letters among those of the telling words."""
    spans = [(one.start, one.end) for one in intent.entities]
    spans += [(one.start, one.end) for one in intent.constraints if one.value is None]
    named = {at for start, end in spans for at in range(start, end) if intent.query[at].isalnum()}
    telling = {word.text for word in intent.keywords} - set(STOPWORDS_EN)
    words = [range(token.start, token.end) for token in intent.tokens if token.text in telling]
    free = {at for word in words for at in word} - named
    return len(named) / max(len(named) + len(free), 1)
