"""Lists for users and histories, what is like an item, and why one is shown: questions to one state of an engine."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from engine import explain as explaining
from engine import transparent, where
from engine.candidates.base import dense
from engine.errors import DataError
from engine.explain import Explanation
from engine.history import Histories
from engine.rules.lists import Placed, batched, explained
from engine.state import State

Mode = Literal["fused", "interest"]
"""What a list goes by: everything that was learned, or interest-weighted similarity alone."""


@dataclass(frozen=True)
class Recommendation:
    """One item of a list, its score, and what each part added to it; the contributions sum to the score.

    A rule that boosted or buried it is among them as `rule: NAME`; one that let others take its place adds 0.
    """

    item_id: str
    title: str
    score: float
    contributions: dict[str, float]
    factors: dict[str, float] = field(default_factory=dict)
    """In mode `interest`: similarity and interest, whose product is the score."""
    probability: float | None = None
    """The chance that the user chooses the item among their next events (engine/calibration.py), in the order of the
    scores; rules change no chance. None where it was not learned: in other modes, in a search, from little history."""
    sponsored: bool = False
    """Whether a rule for sponsored places put it there."""


@dataclass(frozen=True)
class Wanted:
    """How many items, and which are not: ids, conditions, and whether rules are kept."""

    n: int
    exclude: Iterable[str]
    where: Mapping[str, Any] | None
    rules: bool
    topics: Collection[str] = ()
    """Sensitive ones that are asked for."""


def recommend(
    state: State, user: str | None, history: Sequence[str] | None, wanted: Wanted, mode: Mode
) -> list[Recommendation]:
    """As `Engine.recommend`."""
    past = state.lookup.history(user, history)
    if mode not in get_args(Mode):
        raise DataError(f"mode is one of {', '.join(get_args(Mode))}, not {mode!r}")
    return _by_interest(state, user, past, wanted) if mode == "interest" else lists(state, [user], past, wanted)[0]


def lists(
    state: State, users: Sequence[str | None], histories: Histories, wanted: Wanted
) -> list[list[Recommendation]]:
    """A list for each of the histories, which are those of the users."""
    allowed = _wanted(state, wanted)
    force = state.book.in_force(users, histories, topics=wanted.topics) if wanted.rules else None
    found = batched(state.ranker, histories, allowed, wanted.n, force)
    return [[_one(state, placed) for placed in each] for each in found]


def _by_interest(state: State, user: str | None, past: Histories, wanted: Wanted) -> list[Recommendation]:
    allowed = _wanted(state, wanted)
    allowed[past.items] = False
    force = state.book.in_force([user], past, topics=wanted.topics) if wanted.rules else None
    if force is not None:
        allowed = force.opened(allowed[None])[0]
    ids, titles = state.lookup.ids, state.lookup.titles
    found = transparent.rank(state.interest, state.vocabulary.entities, past, allowed, wanted.n)
    return [Recommendation(ids[one.item], titles[one.item], one.score, one.contributions, one.factors) for one in found]


def _wanted(state: State, wanted: Wanted) -> NDArray[np.bool_]:
    if wanted.n < 1:
        raise DataError(f"n must be at least 1, not {wanted.n}")
    return allowed(state, wanted.exclude, wanted.where)


def allowed(state: State, exclude: Iterable[str], conditions: Mapping[str, Any] | None) -> NDArray[np.bool_]:
    """(items,) which may be shown."""
    shown = where.mask(state.catalogue.items, conditions).copy()
    shown[state.lookup.rows(exclude)] = False
    return shown & ~state.removed


def _one(state: State, one: Placed) -> Recommendation:
    contributions = dict(zip(state.ranker.parts, one.parts.tolist(), strict=True)) | one.rules
    ids, titles = state.lookup.ids, state.lookup.titles
    return Recommendation(
        ids[one.item], titles[one.item], one.score, contributions, probability=one.chance, sponsored=one.sponsored
    )


def similar(state: State, item: str, wanted: Wanted) -> list[tuple[str, float]]:
    """As `Engine.similar`."""
    row, ids = state.lookup.shown(item), state.lookup.ids
    features = state.ranker.features
    total = np.zeros(len(ids), np.float32)
    for matrix in (features.facts, features.words, features.text, features.image):
        total += dense(matrix @ matrix[[row]].T).ravel() / 4
    others = _wanted(state, wanted)
    others[row] = False
    nobody = state.lookup.history(None, [])
    force = state.book.in_force([None], nobody, topics=wanted.topics) if wanted.rules else None
    if force is not None:
        others = force.opened(others[None])[0]
    total[~others] = -np.inf
    best = np.argsort(-total, kind="stable")[: min(wanted.n, int(others.sum()))]
    return [(ids[i], float(total[i])) for i in best]


def explain(state: State, user: str | None, item: str, history: Sequence[str] | None) -> Explanation:
    """As `Engine.explain`."""
    past, row = state.lookup.history(user, history), state.lookup.shown(item)
    found = explaining.explain(state.ranker, state.lookup, state.paths, past, row)
    return explained(found, state.ranker, past, row, state.book.in_force([user], past))
