"""Searches and the helps around them: questions to one state of an engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.asking import Recommendation, Wanted, allowed
from engine.errors import DataError
from engine.history import Histories
from engine.search.asking import ask
from engine.search.hybrid import DEPTH, Match
from engine.search.look import Picture, looks
from engine.search.query import checked
from engine.search.reasons import Reasons, habits
from engine.search.results import Results
from engine.search.taste import personalised
from engine.search.understood import Understood
from engine.state import State

if TYPE_CHECKING:
    from engine.search.answer import Answer
    from engine.search.facets import Facet


@dataclass(frozen=True)
class Manner:
    """How a search is done: as `Engine.search` says."""

    personal: float
    literal: bool
    explain: bool
    image: Picture | None


def search(
    state: State, query: str | None, user: str | None, history: Sequence[str] | None, wanted: Wanted, manner: Manner
) -> Results[Recommendation]:
    """As `Engine.search`."""
    if wanted.n < 1 or not 0 <= manner.personal < np.inf:
        raise DataError(f"n must be at least 1 and personal a number from 0, not {wanted.n} and {manner.personal}")
    if query is None and manner.image is None:
        raise DataError("there is nothing to search for: give a query, an image, or both")
    past, shown = _searchable(state, user, history, wanted)
    look = None if manner.image is None else looks(manner.image, state.queries, state.ranker.features.image)
    depth = max(wanted.n, DEPTH)
    currency = state.config.data.currency
    asked = ask(state.searcher, query, shown, currency, manner.literal, depth, look)
    # Words of a turn of phrase (something like, 配件) are in no item, and meant all the same.
    if query is not None and state.config.search.spelling and asked.understood.kind in ("find", "question"):
        meant = state.helps.correct(checked(query))
        if meant:
            asked = ask(state.searcher, meant.query, shown, currency, manner.literal, depth, look)
            asked = asked.noted(f"read as `{meant.query}`")
    found = personalised(asked.best(depth), state.ranker, past, manner.personal)
    best = asked.arranged(found)[: wanted.n]
    ids, titles = state.lookup.ids, state.lookup.titles
    items = [Recommendation(ids[one.item], titles[one.item], one.score, one.parts) for one in best]
    return Results(items, asked.understood, _reasons(state, asked.understood, best, past) if manner.explain else ())


def _reasons(state: State, understood: Understood, best: Sequence[Match], past: Histories) -> tuple[Reasons, ...]:
    entities, teller = state.vocabulary.entities, state.helps.teller
    return tuple(teller.tell(understood, one, habits(one, state.interest, entities, past)) for one in best)


def facets(state: State, query: str | None, where: Mapping[str, Any] | None, n: int, wanted: Wanted) -> "list[Facet]":
    """As `Engine.facets`."""
    return state.helps.facets(query, _searchable(state, None, None, wanted)[1], where, n)


def relax(
    state: State,
    query: str,
    where: Mapping[str, Any] | None,
    user: str | None,
    history: Sequence[str] | None,
    wanted: Wanted,
) -> list[str]:
    """As `Engine.relax`."""
    return state.helps.to_drop(query, _searchable(state, user, history, wanted)[1], where)


def answer(state: State, question: str, item: str | None, wanted: Wanted) -> "Answer | None":
    """As `Engine.answer`."""
    if item is not None:
        return state.helps.answer(question, [state.lookup.shown(item)])
    return state.helps.answer(question, None, _searchable(state, None, None, wanted)[1])


def _searchable(
    state: State, user: str | None, history: Sequence[str] | None, wanted: Wanted
) -> tuple[Histories, NDArray[np.bool_]]:
    """The history of who searches, empty for nobody, and (items,) what may be found."""
    asked = user is not None or history is not None
    past = state.lookup.history(user, history) if asked else state.lookup.history(None, [])
    shown = allowed(state, wanted.exclude, wanted.where)
    force = state.book.in_force([user], past, topics=wanted.topics) if wanted.rules else None
    return past, shown if force is None else force.opened(shown[None])[0]
