"""Search: five signals of how well an item fits a query, and the taste of who asks, added up in plain sight.

Each signal is scaled so that its best item for the query has 1, and weighted. A score is the sum of its parts. The
scale looks at all items, so conditions on items never change a score. What signals weigh depends on how much of the
query is named by things of the graph (`named`): a list of facts is looked up, a description is compared. The weights
were chosen on judged queries over films and on queries of a generated shop, and measured on others:
`scripts/bench/films_search.py`, `scripts/bench/search.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from encoders import Vectors
from engine.candidates import Features
from engine.errors import DataError
from engine.history import Histories
from engine.ranker import Ranker
from engine.search.intent import Vocabulary
from engine.search.lexical import Lexical, graph_terms, text_terms
from engine.search.look import beside
from engine.search.named import Named
from engine.search.vectors import FLOORS, OTHER_SCRIPT, SMALL, SMALL_OTHERS, TRUNK, Floor, QueryEncoders
from graph.build import GraphTables

DESCRIBED = {"words": 0.3, "graph": 0.0, "named": 0.0, "meaning": 0.56, "picture": 0.14}
"""Weights for a query that names nothing."""
NAMED = {"words": 0.25, "graph": 0.1, "named": 0.58, "meaning": 0.02, "picture": 0.05}
"""Weights for a query that does nothing else; in between, in proportion to the share that is named."""
TASTE = "taste"
DEPTH = 200
"""The best so many by the query alone are what taste may reorder: it brings nothing in that the query does not."""

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
class Searcher:
    """The signals of one catalogue; an index is made when a query first needs it, and never written."""

    items: pl.DataFrame
    graph: GraphTables
    features: Features
    queries: QueryEncoders

    def signals(self, query: str) -> tuple[Mapping[str, Scores], float]:
        """(items,) by name of the signal, from 0 to 1, and how much of the query is named, from 0 to 1.

        Raises DataError for a query without a letter or digit.
        """
        if not any(map(str.isalnum, query)):
            raise DataError("the query has no letter or digit; write what the item is, such as `white sneakers`")
        encoders, features = self.queries, self.features
        look, reading = encoders.by_look(query), self._named.read(query)
        raw = {
            "words": self._words.scores(query),
            "graph": self._graph.scores(query),
            "named": reading.scores,
            "meaning": _closeness(encoders.by_meaning(query), features.text, FLOORS.get(encoders.settings.text)),
            "picture": np.zeros(len(features))
            if look is None
            else _closeness(look, self._pictures, self._floor(query)),
        }
        return {name: scores / max(float(scores.max(initial=0)), 1e-9) for name, scores in raw.items()}, reading.share

    def _parts(self, query: str | None, look: Scores | None = None) -> dict[str, Scores]:
        """(items,) by name of the signal: what each adds to the scores."""
        if query is None:
            return beside({}, look)
        signals, share = self.signals(query)
        weights = weighed(share)
        return beside({name: weights[name] * scores for name, scores in signals.items()}, look)

    def total(self, query: str) -> Scores:
        """(items,) what they score for a query, before taste; 0 for those that it does not find."""
        return np.asarray(sum(self._parts(query).values()), np.float64)

    def search(self, query: str | None, allowed: NDArray[np.bool_], n: int, look: Scores | None = None) -> list[Match]:
        """The best `n` of the allowed items, (items,); fewer where no signal knows more of them.

        `look` (items,) is how much their pictures look like one that was given; one of both must be there.
        """
        parts = self._parts(query, look)
        total = np.where(allowed, sum(parts.values()), 0)
        best = np.argsort(-total, kind="stable")[:n]
        return [
            Match(int(item), {name: float(added[item]) for name, added in parts.items()} | {TASTE: 0.0})
            for item in best
            if total[item] > 0
        ]

    @cached_property
    def frequencies(self) -> dict[str, int]:
        """By every term that a query is compared with, how many items have it."""
        return self._words.frequencies()

    @cached_property
    def names(self) -> list[list[str]]:
        """By item, the terms of all that the graph calls it."""
        return graph_terms(self.graph, self.items["item_id"].to_list())

    @cached_property
    def _words(self) -> Lexical:
        # With the names, so that a word of the text and a name that only the graph knows can be met together.
        return Lexical(text + names for text, names in zip(text_terms(self.items), self.names, strict=True))

    @cached_property
    def _graph(self) -> Lexical:
        return Lexical(self.names)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What a query may name."""
        return Vocabulary.learn(self.graph, self.items)

    @cached_property
    def _named(self) -> Named:
        return Named(self.items, self.graph, self.vocabulary)

    def _floor(self, query: str) -> Floor | None:
        if self.queries.settings.image != TRUNK:
            return None
        return FLOORS[SMALL_OTHERS if OTHER_SCRIPT.search(query) else SMALL]

    @cached_property
    def _pictures(self) -> Vectors:
        return self.queries.pictures(self.features.image)


def weighed(share: float) -> dict[str, float]:
    """The weight of each signal for a query of which so much is named, from 0 to 1; they add up to 1."""
    return {name: (1 - share) * DESCRIBED[name] + share * NAMED[name] for name in DESCRIBED}


def _closeness(query: Vectors | None, items: Vectors, floor: Floor | None) -> Scores:
    """(items,) how much closer than unrelated things; of a model without a known floor, closer than the mean."""
    if query is None:
        return np.zeros(len(items))
    cosine: Scores = np.asarray(items @ query, np.float64)
    floor = floor or Floor(float(cosine.mean()), -1)
    known = cosine.max(initial=-1) >= floor.best
    return np.maximum(cosine - floor.item, 0) if known else np.zeros(len(items))


def personalised(found: Sequence[Match], ranker: Ranker, past: Histories, personal: float) -> list[Match]:
    """The same items in the order of the query and one user's taste, which adds up to `personal` of what is there.

    Taste is the score of a recommendation, scaled to go from 0 to 1 over these items; in proportion to what the query
    gives, so that it never lifts what hardly fits over what fits. Without a history it is 0.
    """
    if not found or not len(past.items) or personal == 0:
        return list(found)
    rows = np.array([match.item for match in found])
    allowed = np.zeros((1, len(ranker.features)), bool)
    allowed[0, rows] = True
    ranked = ranker.rank(past, allowed, len(rows), explain=False)
    scores: Scores = ranked.scores.astype(np.float64)
    taste = personal * (scores - scores.min()) / max(float(np.ptp(scores)), 1e-9)
    by_item = dict(zip(ranked.candidates.item.tolist(), taste.tolist(), strict=True))
    liked = [Match(match.item, match.parts | {TASTE: by_item[match.item] * match.score}) for match in found]
    return sorted(liked, key=lambda match: -match.score)
