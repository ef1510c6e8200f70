"""Helps around search: completions, corrections, facets, relaxed conditions, answers; each made when first needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.config import Data
from engine.search import answer, relax
from engine.search.answer import Answer, Answerer
from engine.search.asking import ask
from engine.search.completions import ITEM_KIND, collect
from engine.search.facets import Facet, Facets
from engine.search.hybrid import Searcher
from engine.search.lexical import terms
from engine.search.reasons import Teller
from engine.search.spelling import Correction, Speller
from engine.search.suggest import Completer, completer

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Helps:
    """What only the items and the graph of an engine decide; events change none of it."""

    searcher: Searcher
    data: Data

    @property
    def items(self) -> pl.DataFrame:
        return self.searcher.items

    @cached_property
    def completer(self) -> Completer:
        kept = self.searcher.kept
        return kept.completer() if kept else completer(collect(self.items, self.searcher.graph))

    @cached_property
    def _speller(self) -> Speller:
        return Speller(self.searcher.frequencies, self._names)

    def _names(self) -> list[str]:
        """Names of things of the graph, and words of titles."""
        of = self.completer.of
        return [of.names[at] for at, thing in enumerate(of.things) if of.kinds[thing] != ITEM_KIND]

    @cached_property
    def _facets(self) -> Facets:
        return Facets(self.items)

    @cached_property
    def _answerer(self) -> Answerer:
        titles = list(map(terms, self.items["title"].to_list()))
        queries = self.searcher.queries
        encode = queries.encode_texts if queries.settings.text else None
        return Answerer(self.items["text"].to_list(), titles, self.searcher.names, self.searcher.frequencies, encode)

    @cached_property
    def teller(self) -> Teller:
        return Teller(self.searcher)

    def correct(self, query: str) -> Correction | None:
        return self._speller.correct(query)

    def facets(self, query: str | None, allowed: Mask, conditions: Mapping[str, Any] | None, n: int) -> list[Facet]:
        found = allowed if query is None else self._scores(query, allowed) > 0
        return self._facets.count(found, conditions, n)

    def to_drop(self, query: str, allowed: Mask, conditions: Mapping[str, Any] | None) -> list[str]:
        return relax.to_drop(self.items, self._scores(query, allowed), conditions, self.data)

    def answer(self, question: str, rows: Sequence[int] | None, allowed: Mask | None = None) -> Answer | None:
        """From these items, or from those of the allowed ones, (items,), that a search for the question finds."""
        asked = answer.checked(question)
        if rows is None:
            if allowed is None:
                allowed = np.ones(self.items.height, bool)  # those that were removed have no text to be found by
            rows = [match.item for match in self.searcher.search(asked, allowed, answer.NEAR_ITEMS)]
        found = self._answerer.best(asked, rows)
        if found is None:
            return None
        (row, start, end), score = found
        item = self.items.row(row, named=True)
        return Answer(item["item_id"], item["title"], item["text"][start:end], start, end, score)

    def _scores(self, query: str, allowed: Mask) -> NDArray[np.float64]:
        """(items,) what a search gives each of the allowed items, 0 for what it does not find."""
        return ask(self.searcher, query, allowed, self.data.currency).total
