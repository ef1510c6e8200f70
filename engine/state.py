"""What an engine knows at one moment, and what is made of it when it is first needed.

Nothing in a state is ever written. Who asks takes the state of an engine once and keeps it to the end of the answer;
who changes an engine makes another state and puts it in the place of the first in one step.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from engine import growth
from engine.candidates import Features, interest
from engine.config import Config
from engine.describe import Vocabulary
from engine.diversity import kinds
from engine.history import Matrix
from engine.lookup import Lookup
from engine.ranker import Ranker
from engine.rules.book import Book, bind
from engine.rules.feedback import Feedback
from engine.search.hybrid import Searcher
from engine.search.kept import Kept
from engine.search.vectors import QueryEncoders
from engine.tables.catalogue import Catalogue
from graph.build import GraphTables
from graph.facts import facts
from graph.paths import Pathfinder
from graph.rules import Rules

if TYPE_CHECKING:
    from engine.search.helps import Helps
    from engine.search.suggest import Suggester

OF_ITEMS = frozenset({"queries", "interest", "searcher", "helps", "_kinds"})
"""Parts that only the items decide, and neither rules nor what users do."""
NO_EVENTS = OF_ITEMS | {"book", "paths"}
"""Parts that what users do has no say in."""
OF_TABLES = OF_ITEMS | {"lookup", "paths", "suggester"}
"""Parts that rules have no say in."""
EVERYTHING = OF_TABLES | {"book"}
"""Parts that feedback has no say in."""


@dataclass(frozen=True)
class State:
    """Tables, what was learned of them, the graph, and the rules that lists are made by."""

    config: Config
    catalogue: Catalogue
    ranker: Ranker
    vocabulary: Vocabulary
    graph: GraphTables
    rules: Rules = field(default_factory=Rules)
    removed: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    """(items,) which are no items any more: nothing is said of them but what histories say, and nothing shows them.
    Without it, none is removed."""
    feedback: Feedback = field(default_factory=Feedback)
    """What users said against items, and what they were shown."""
    indices: Mapping[str, Index] = field(default_factory=dict)
    """Of the vectors of these items, by name of the signal in a search; those that an artefact brings."""
    kept: Kept = field(default_factory=Kept)
    """What was made for searching these items before; what an artefact brings."""
    learned: int = -1
    """How many events of the tables, from the first on, the ranker has learned from; without it, all."""

    def __post_init__(self) -> None:
        if self.learned < 0:
            object.__setattr__(self, "learned", self.catalogue.interactions.height)
        if not len(self.removed):
            object.__setattr__(self, "removed", np.zeros(self.catalogue.items.height, bool))

    def after(self, keep: Iterable[str] = (), **changes: Any) -> Self:
        """The state with these fields changed. Of the parts that were made already those named in `keep` stay."""
        made = replace(self, **changes)
        made.__dict__.update({name: self.__dict__[name] for name in keep if name in self.__dict__})
        return made

    @property
    def items(self) -> int:
        """How many items there are now."""
        return int((~self.removed).sum())

    def present(self) -> tuple[Catalogue, Features]:
        """What was not removed, with its events."""
        tables = growth.present(self.catalogue, self.removed)
        events = tables.interactions.join(tables.items, on="item_id", how="semi", maintain_order="left")
        features = self.ranker.features
        if self.removed.any():
            features = features.take(np.flatnonzero(~self.removed))
        return replace(tables, interactions=events), features

    @cached_property
    def lookup(self) -> Lookup:
        return Lookup(self.catalogue, self.removed)

    @cached_property
    def paths(self) -> Pathfinder:
        found = facts(self.graph, self.lookup.ids, self.vocabulary.entities)
        return Pathfinder(self.graph, found, self.lookup.ids)

    @cached_property
    def book(self) -> Book:
        """The rules over this catalogue."""
        return bind(self.rules, self.catalogue, self.graph)

    @cached_property
    def interest(self) -> interest.Interest:
        settings = self.config.candidates
        return interest.fit(self.ranker.features, settings.interest, settings.content)

    def kinds(self, column: str) -> Matrix:
        """(items, kinds) what part of an item is of each kind, by a column; made when it is first asked for."""
        if column not in self._kinds:
            self._kinds[column] = kinds.shares(self.catalogue.items, column)
        return self._kinds[column]

    @cached_property
    def _kinds(self) -> dict[str, Matrix]:
        return {}

    @cached_property
    def queries(self) -> QueryEncoders:
        return QueryEncoders(self.config.encoders, self.config.modalities)

    @cached_property
    def searcher(self) -> Searcher:
        return Searcher(
            self.catalogue.items,
            self.graph,
            self.ranker.features,
            self.queries,
            self.removed,
            self.indices,
            self.kept,
        )

    @cached_property
    def helps(self) -> "Helps":
        from engine.search.helps import Helps  # dictionaries of Chinese, for those who type

        return Helps(self.searcher, self.config.data)

    @cached_property
    def suggester(self) -> "Suggester":
        from engine.search.suggest import suggester

        return suggester(self.helps.completer, self.lookup.popularity)
