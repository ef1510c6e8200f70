"""Lists for users and histories, what is like an item, and why one is shown: questions to one state of an engine."""

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from engine import explain as explaining
from engine import transparent, where
from engine.candidates.content import alike
from engine.config import Diversity, Exploration
from engine.diversity.kinds import column_of
from engine.diversity.varied import Varied
from engine.errors import DataError
from engine.explain import Explanation
from engine.history import Histories, followed
from engine.rules import lists as making
from engine.rules.feedback import Heeded, heeded
from engine.rules.lists import Order, Placed, batched, explained, ranked_among
from engine.state import State

Settings = TypeVar("Settings", Diversity, Exploration)
Mode = Literal["fused", "interest"]
"""What a list goes by: everything that was learned, or interest-weighted similarity alone."""


@dataclass(frozen=True)
class Recommendation:
    """One item of a list, its score, and what each part added to it; the contributions sum to the score.

    A rule that boosted or buried it is among them as `rule: NAME`; one that let others take its place adds 0. What its
    likeness to the items above took from it is there as `diversity`.
    """

    item_id: str
    title: str
    score: float
    contributions: dict[str, float]
    factors: dict[str, float] = field(default_factory=dict)
    """In mode `interest`: similarity and interest, whose product is the score."""
    probability: float | None = None
    """The chance that the user chooses the item among their next events (engine/calibration.py), in the order of the
    scores; rules and diversity change no chance. None where it was not learned: in other modes, in a search, from
    little history."""
    propensity: float | None = None
    """In a list that explores: the chance that this place shows this item, given those above it; 1 where nothing is
    drawn. Log it beside what comes of it, and another list can be judged by that (docs/exploration.md)."""
    sponsored: bool = False
    """Whether a rule for sponsored places put it there."""


@dataclass(frozen=True)
class Wanted:
    """How many items, and which are not: ids, conditions, and whether rules are kept."""

    n: int
    exclude: Iterable[str]
    where: Mapping[str, Any] | None
    rules: bool
    diversity: Diversity | float | None = None
    """As of `Engine.recommend`; None is as the configuration says."""
    explore: Exploration | int | None = None
    """As `diversity`."""
    context: Iterable[str] = ()
    """Items that the user looks at now."""
    topics: Collection[str] = ()
    """Sensitive ones that are asked for."""


def recommend(
    state: State, user: str | None, history: Sequence[str] | None, wanted: Wanted, mode: Mode
) -> list[Recommendation]:
    """As `Engine.recommend`."""
    past = followed(state.lookup.history(user, history), state.lookup.rows(wanted.context))
    if mode not in get_args(Mode):
        raise DataError(f"mode is one of {', '.join(get_args(Mode))}, not {mode!r}")
    if mode == "fused":
        return lists(state, [user], past, wanted)[0]
    if wanted.diversity or wanted.explore:
        raise DataError("mode interest has no diversity and no exploration; ask without them, or in mode fused")
    return _by_interest(state, user, past, wanted)


def lists(
    state: State, users: Sequence[str | None], histories: Histories, wanted: Wanted
) -> list[list[Recommendation]]:
    """A list for each of the histories, which are those of the users."""
    allowed = _wanted(state, wanted)
    force = state.book.in_force(users, histories, topics=wanted.topics) if wanted.rules else None
    varied = _varied(state, histories, wanted)
    found = batched(state.ranker, histories, allowed, wanted.n, force, True, varied, _heeded(state, users))
    return [[_one(state, placed) for placed in each] for each in found]


def _heeded(state: State, users: Sequence[str | None]) -> Heeded | None:
    return heeded(state.feedback, users, state.lookup, state.ranker.features)


def _varied(state: State, histories: Histories, wanted: Wanted) -> Varied | None:
    """The diversity and exploration that are wanted of these lists, if any."""
    diversity = _settings(state.config.diversity, wanted.diversity, "weight", "diversity is a weight from 0 to 100")
    explore = _explore(state, wanted)
    if not diversity.weight and not explore.places:
        return None
    by_kinds = diversity.weight and diversity.by == "calibrated"
    kinds = state.kinds(column_of(state.config.data, diversity.column)) if by_kinds else None
    entropy = secrets.randbits(128) if explore.seed is None else explore.seed
    return Varied(diversity, explore, state.ranker.features, kinds, histories, entropy, np.arange(len(histories)))


def _explore(state: State, wanted: Wanted) -> Exploration:
    return _settings(state.config.exploration, wanted.explore, "places", "explore is a number of places to 1,000")


def _settings(default: Settings, given: Settings | float | None, key: str, words: str) -> Settings:
    """What is given, where a number is the value of one key and all else as the configuration says."""
    if given is None or isinstance(given, type(default)):
        return default if given is None else given
    try:
        return type(default).model_validate(default.model_dump() | {key: given})
    except ValidationError:
        raise DataError(f"{words}, not {given!r}") from None


def propensity(
    state: State, user: str | None, history: Sequence[str] | None, shown: Sequence[str], item: str, wanted: Wanted
) -> float:
    """As `Engine.propensity`."""
    past = followed(state.lookup.history(user, history), state.lookup.rows(wanted.context))
    open_to = allowed(state, wanted.exclude, wanted.where)[None]
    open_to[0, past.items] = False
    order = Order(state.book.in_force([user], past) if wanted.rules else None, heeded=_heeded(state, [user]))
    explore = _explore(state, wanted)
    row, above = state.lookup.rows([item])[0], state.lookup.rows(shown)
    return making.propensity(state.ranker, past, order.opened(open_to), above, row, order, explore)


def _by_interest(state: State, user: str | None, past: Histories, wanted: Wanted) -> list[Recommendation]:
    allowed = _wanted(state, wanted)
    allowed[past.items] = False
    force = state.book.in_force([user], past, topics=wanted.topics) if wanted.rules else None
    allowed = Order(force, heeded=_heeded(state, [user])).opened(allowed[None])[0]
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
        ids[one.item],
        titles[one.item],
        one.score,
        contributions,
        probability=one.chance,
        propensity=one.propensity,
        sponsored=one.sponsored,
    )


def similar(state: State, item: str, wanted: Wanted) -> list[tuple[str, float]]:
    """As `Engine.similar`."""
    row, ids = state.lookup.shown(item), state.lookup.ids
    total = alike(state.ranker.features, [row])
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
    order = Order(state.book.in_force([user], past), heeded=_heeded(state, [user]))
    told = explained(found, state.ranker, past, row, order)
    owed = state.lookup.rows(item for item, _ in found.neighbours)
    return ranked_among(told, state.ranker, past, row, allowed(state, (), None), owed, order)
