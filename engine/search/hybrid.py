"""Search: five signals of how well an item fits a query, and the taste of who asks, added up in plain sight.

A further modality whose encoder reads words is a signal more.

Each signal is scaled so that its best item for the query has 1, and weighted. A score is the sum of its parts. The
scale looks at all items, so conditions on items never change a score.

Up to 50,000 items every item is scored. Of more, the candidates are: the best by what is looked up (words, graph,
named), and those whose vectors an index finds near; each of them is scored by every signal. Where conditions leave few
items, or few of the candidates, all that are left are scored.

What signals weigh depends on how much of the query is named by things of the graph (`named`): a list of facts is looked
up, a description is compared. The weights were chosen on judged queries over films and on queries of a generated shop,
and measured on others: `scripts/bench/films_search.py`, `scripts/bench/search.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray
from usearch.index import Index

from encoders import Vectors
from engine.candidates import Features
from engine.search.dense import EXACT, Dense, Floor, Near
from engine.search.intent import Vocabulary
from engine.search.intent import kept as vocabulary
from engine.search.kept import CALLED, WORDS, Kept
from engine.search.kinds import Accessories
from engine.search.lexical import Lexical, graph_terms, text_terms
from engine.search.named import Named, Reading
from engine.search.nearest import Nearest, Rows
from engine.search.query import checked
from engine.search.vectors import FLOORS, OTHER_SCRIPT, SMALL, SMALL_OTHERS, TRUNK, QueryEncoders
from graph.build import GraphTables
from graph.facts import Facts, facts

DESCRIBED = {"words": 0.3, "graph": 0.0, "named": 0.0, "meaning": 0.56, "picture": 0.14}
"""Weights for a query that names nothing."""
NAMED = {"words": 0.25, "graph": 0.1, "named": 0.58, "meaning": 0.02, "picture": 0.05}
"""Weights for a query that does nothing else; in between, in proportion to the share that is named."""
TASTE = "taste"
DEPTH = 200
"""The best so many by the query alone are what taste may reorder: it brings nothing in that the query does not."""
LOOKED_UP = 2000
"""Candidates by what is looked up; a list of more items than that comes from all."""

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Match:
    """An item of a list: its row, and what each part added; the score is their sum."""

    item: int
    parts: dict[str, float]

    @property
    def score(self) -> float:
        return sum(self.parts.values())


@dataclass(frozen=True)
class _Asked:
    """A query beside the items of a catalogue."""

    looked_up: dict[str, Scores]
    """(items,) by name of the signal, from 0 to 1"""
    compared: dict[str, Near]
    share: float
    """How much of the query is named, from 0 to 1."""
    more: Mapping[str, float]
    """Weights of further modalities that are compared."""

    def signals(self, rows: Rows | None = None) -> dict[str, Scores]:
        """(rows,) by name of the signal, from 0 to 1; of all items without `rows`."""
        looked_up = {name: scores if rows is None else scores[rows] for name, scores in self.looked_up.items()}
        return looked_up | {name: near.scores(rows) for name, near in self.compared.items()}

    def parts(self, rows: Rows | None = None) -> dict[str, Scores]:
        """What each signal adds to the scores."""
        weights = weighed(self.share, self.more)
        return {name: weights[name] * scores for name, scores in self.signals(rows).items()}

    def candidates(self, allowed: NDArray[np.bool_], n: int) -> Rows:
        """Rows, in order, of the allowed items that a list of `n` is made from."""
        everything = np.flatnonzero(allowed)
        if len(everything) <= EXACT or n > LOOKED_UP:
            return everything
        weights = weighed(self.share, self.more)
        by_words: Scores = np.sum(
            [weights[name] * scores[everything] for name, scores in self.looked_up.items()], axis=0
        )
        best = top(by_words, LOOKED_UP)
        parts = [everything[best[by_words[best] > 0]]]
        for near in self.compared.values():
            if near.rows is not None and near.query is not None:
                parts.append(near.rows[allowed[near.rows]])
                if len(parts[-1]) < min(n, len(near.rows)):
                    return everything
        return np.unique(np.concatenate(parts))


@dataclass(frozen=True)
class Searcher:
    """The signals of one catalogue; an index is made when a query first needs it, and never written."""

    items: pl.DataFrame
    graph: GraphTables
    features: Features
    queries: QueryEncoders
    removed: NDArray[np.bool_] | None = None
    """(items,) which are no items any more; none, if it is not given. Their rows have no terms, vectors or facts."""
    indexed: Mapping[str, Index] = field(default_factory=dict)
    """Indices that were made of these vectors before, by name of the signal."""
    kept: Kept = field(default_factory=Kept)
    """What else was made of these items and this graph before."""

    def _asked(self, query: str, reading: Reading | None = None) -> _Asked:
        query = checked(query)
        reading = reading or self.named.read(query)
        raw = {"words": self.words.scores(query), "graph": self.called.scores(query), "named": reading.scores}
        looked_up = {name: scores / max(float(scores.max(initial=0)), 1e-9) for name, scores in raw.items()}
        meaning = self.meaning.near(self.queries.by_meaning(query))
        look = self.queries.by_look(query)
        picture = self.pictures.near(look, self._picture_floor(query)) if look is not None else self.meaning.near(None)
        more = {name: self.more[name].near(one) for name, one in self.queries.by_modality(query).items()}
        weights = {name: self.queries.modalities[name].search for name in more}
        return _Asked(looked_up, {"meaning": meaning, "picture": picture, **more}, reading.share, weights)

    def signals(self, query: str, reading: Reading | None = None) -> tuple[Mapping[str, Scores], float]:
        """(items,) by name of the signal, from 0 to 1, and how much of the query is named, from 0 to 1.

        `reading` is what the query names, if it was read already. Raises DataError as `query.checked` does.
        """
        asked = self._asked(query, reading)
        return asked.signals(), asked.share

    def parts(
        self, query: str, reading: Reading | None = None, among: Sequence[NDArray[np.bool_]] = (), n: int = DEPTH
    ) -> dict[str, Scores]:
        """(items,) by name of the signal: what each adds to the scores.

        Of many items only those are looked at that a list of `n` of one of the masks `among`, (items,) each, may be
        made from; the others have 0.
        """
        asked = self._asked(query, reading)
        if len(self.features) <= EXACT or not among:
            return asked.parts()
        rows = np.unique(np.concatenate([asked.candidates(mask, n) for mask in among]))
        looked_at = {}
        for name, scores in asked.parts(rows).items():
            looked_at[name] = np.zeros(len(self.features))
            looked_at[name][rows] = scores
        return looked_at

    def search(self, query: str, allowed: NDArray[np.bool_], n: int) -> list[Match]:
        """The best `n` of the allowed items, (items,), by the signals alone; fewer where none knows more of them."""
        asked = self._asked(query)
        rows = asked.candidates(allowed, n)
        parts = asked.parts(rows)
        total: Scores = np.asarray(sum(parts.values()), np.float64)
        best = top(total, n)
        best = best[total[best] > 0]
        return matches(rows[best], {name: scores[best] for name, scores in parts.items()})

    @cached_property
    def frequencies(self) -> dict[str, int]:
        """By every term that a query is compared with, how many items have it."""
        return self.words.frequencies()

    @cached_property
    def names(self) -> list[list[str]]:
        """By item, the terms of all that the graph calls it."""
        return graph_terms(self.graph, self.facts)

    @cached_property
    def facts(self) -> Facts:
        """What the graph says of each item."""
        return facts(self.graph, self.items["item_id"].to_list())

    @cached_property
    def words(self) -> Lexical:
        # With the names, so that a word of the text and a name that only the graph knows can be met together.
        if self.kept:
            return self.kept.index(WORDS, self.removed)
        texts = text_terms(self.items)
        return Lexical((text + names for text, names in zip(texts, self.names, strict=True)), self.removed)

    def anew(self) -> tuple[Lexical, Lexical]:
        """`words` and `called` as they are where nothing has changed since they were made."""
        if self.words.late or self.called.late:
            made = replace(self, indexed={}, kept=Kept())
            return made.words, made.called
        return self.words, self.called

    @cached_property
    def called(self) -> Lexical:
        return self.kept.index(CALLED, self.removed) if self.kept else Lexical(self.names, self.removed)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What a query may name."""
        if vocabulary.SPELLINGS in self.kept.tables:
            return vocabulary.restored(self.kept.tables, self.graph, self.items)
        return Vocabulary.learn(self.graph, self.items)

    @cached_property
    def named(self) -> Named:
        return Named(self.items, self.facts, self.vocabulary)

    @cached_property
    def accessories(self) -> Accessories:
        """What goes with what."""
        return Accessories(self.graph, self.items["item_id"].to_list())

    def _picture_floor(self, query: str) -> Floor | None:
        if self.queries.settings.image != TRUNK:
            return None
        return FLOORS[SMALL_OTHERS if OTHER_SCRIPT.search(query) else SMALL]

    @cached_property
    def meaning(self) -> Dense:
        return self._dense("meaning", self.features.text, FLOORS.get(self.queries.settings.text))

    @cached_property
    def pictures(self) -> Dense:
        return self._dense("picture", self.queries.pictures(self.features.image), None)

    @cached_property
    def more(self) -> dict[str, Dense]:
        """By name, the further modalities that are searched by, where words stand in their space."""
        settings = self.queries.modalities
        floors = {name: FLOORS.get(one.encoder.removeprefix("text:")) for name, one in settings.items()}
        searched = self.queries.modality_words
        return {name: self._dense(name, self.features.more[name], floors[name]) for name in searched}

    def _dense(self, signal: str, vectors: Vectors, floor: Floor | None) -> Dense:
        made = self.indexed.get(signal)
        return Dense(vectors, floor, None if made is None else Nearest.over(made, vectors))

    def indices(self) -> dict[str, Nearest]:
        """By name of the signal, the index of its vectors, if they are so many that it needs one; made if need be."""
        if len(self.features) <= EXACT:
            return {}
        settings = self.queries.settings
        made = {"meaning": self.meaning.index} if settings.text else {}
        made |= {"picture": self.pictures.index} if settings.image else {}
        return made | {name: one.index for name, one in self.more.items()}


def weighed(share: float, more: Mapping[str, float] | None = None) -> dict[str, float]:
    """The weight of each signal for a query of which so much is named, from 0 to 1; they add up to 1.

    Further modalities have what is said in `more`, at most half of all, and the others share the rest.
    """
    further = {name: weight * min(1, 0.5 / sum(more.values())) for name, weight in more.items()} if more else {}
    rest = 1 - sum(further.values())
    return {name: rest * ((1 - share) * DESCRIBED[name] + share * NAMED[name]) for name in DESCRIBED} | further


def matches(rows: Rows, parts: Mapping[str, Scores]) -> list[Match]:
    """The items of these rows with what each signal adds to them, (rows,) each, and no taste yet."""
    names = [*parts, TASTE]
    added = np.array([*parts.values(), np.zeros(len(rows))]).T.tolist()
    return [Match(row, dict(zip(names, values, strict=True))) for row, values in zip(rows.tolist(), added, strict=True)]


def top(scores: Scores, n: int) -> Rows:
    """Places of the best `n`, best first, of equal ones the first."""
    if n >= len(scores):
        return np.argsort(-scores, kind="stable")
    least = np.partition(scores, len(scores) - n)[len(scores) - n]
    above = np.flatnonzero(scores > least)
    best = np.sort(np.concatenate([above, np.flatnonzero(scores == least)[: n - len(above)]]))
    return best[np.argsort(-scores[best], kind="stable")]
