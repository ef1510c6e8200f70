"""Candidate lists to learn from and to judge by, of generators that had not seen the answers.

Each user's events are cut by position into a base, a part to learn the fusion from, and a part to judge it on. Four
kinds of candidate lists come out of that, so that one fusion serves every case:

    warm    all items, full history: what a known person meets next
    short   all items, the first few events of people that the generators never met: somebody who has just arrived
    mixed   all items, some of them hidden from the generators: new items among known ones
    cold    only the hidden items, every interaction with them an answer

The last few events of people who have long been there would not do for short: they met what is popular long ago, so
that it is no answer, and the fusion would learn not to show it to those who have just arrived.
Where nothing says what an item is, no generator can tell two new items apart, and the last two are not made.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine import fusion, listwise
from engine.candidates import SLOW, Features, Generator, enabled, fit_all
from engine.config import Config
from engine.history import Histories
from engine.lists import Lists, joined, shortlisted, whole
from engine.listwise import Sample

LIST_FLOATS = 120_000_000
"""Most floats of one kind of candidate lists (480 MB); users are sampled to stay below."""
LOOKED_AT = 800_000_000
"""Most pairs of user and item that one kind of lists is picked from: minutes among hundreds of thousands of items."""
WIDTH = 2000
"""Candidates of a list that are kept: all, or those that anything is learned from (lists.py)."""
SHARED_ABOVE = 10_000
"""Items above which one set of generators serves both, half of the users each: a fit costs minutes."""
MORE = 4
"""Times as many users then, two for each half: among many items few of a list are near enough to learn from."""
BASE, LEARN, JUDGE = 0, 1, 2
NEW_USERS = 0.1
"""Share of the users whom the generators of a set never meet."""
FIRST = 10
"""Most events that a new user shows."""
DRAWS = 10
"""Times that each new user is asked, showing so many events as chance says."""


@dataclass(frozen=True)
class Case:
    """Candidate lists of one kind, and the signals' names."""

    kind: str
    names: tuple[str, ...]
    lists: Lists
    sample: Sample
    users: NDArray[np.int64]
    """(lists,) whose each is, as a row of the histories."""


def parts(histories: Histories, config: Config, rng: np.random.Generator) -> NDArray[np.int8]:
    """(events,) BASE, LEARN or JUDGE: by position in time within a user, or by chance where there are no times.

    The last share of a user's events is JUDGE and the share before it LEARN: one event at least of each, where there
    are two and three.
    """
    later, lengths = histories.ages, histories.lengths[histories.rows]
    if not histories.times.any():
        order = np.lexsort((rng.random(len(later)), histories.rows))
        later = later[np.argsort(order)]
    judged = np.maximum(1, (config.evaluation.test_share * lengths).astype(np.int64))
    learned = judged + np.maximum(1, (config.evaluation.valid_share * lengths).astype(np.int64))
    base = later == lengths - 1  # a user's first event
    return np.where(base | (later >= learned), BASE, np.where(later < judged, JUDGE, LEARN)).astype(np.int8)


def hidden_items(histories: Histories, share: float, rng: np.random.Generator) -> NDArray[np.int8]:
    """(items,) which items are hidden while learning (LEARN) and which while judging (JUDGE), two disjoint draws."""
    touched = np.unique(histories.items)
    drawn = rng.permutation(touched)[: 2 * int(share * len(touched))]
    hidden = np.zeros(histories.n_items, np.int8)
    hidden[drawn[::2]] = LEARN
    hidden[drawn[1::2]] = JUDGE
    return hidden


def new_users(histories: Histories, rng: np.random.Generator) -> NDArray[np.int8]:
    """(users,) who is new while learning (LEARN) and who while judging (JUDGE), two disjoint draws."""
    drawn = rng.permutation(np.flatnonzero(histories.lengths > 1))
    share = int(NEW_USERS * len(drawn))
    new = np.zeros(len(histories), np.int8)
    new[drawn[:share]], new[drawn[share : 2 * share]] = LEARN, JUDGE
    return new


def both(
    histories: Histories, features: Features, config: Config, rng: np.random.Generator
) -> tuple[list[Case], list[Case], list[Generator]]:
    """Cases to learn from and cases to judge by, none where there is too little history; and generators of those parts
    that are SLOW to fit, which have learned all but what is judged by.
    """
    part = parts(histories, config, rng)
    share = 0.0 if features.empty else config.fusion.hidden_share
    hidden, new = hidden_items(histories, share, rng), new_users(histories, rng)
    if histories.n_items > SHARED_ABOVE:
        part[part == LEARN] = BASE
        users = MORE * config.fusion.users
        made, slow = cases(histories, part, JUDGE, hidden, new, features, config, rng, users, MORE * LIST_FLOATS)
        halves = [(half(one, 0), half(one, 1)) for one in made if len(np.unique(one.users)) > 1]
        return [learn for learn, _ in halves], [judge for _, judge in halves], slow
    with ThreadPoolExecutor(min(2, config.threads)) as pool:
        # Each has random draws of its own, so that nothing depends on which is the quicker.
        (learn, _), (judge, slow) = pool.map(
            lambda asked, own: cases(
                histories, part, asked, hidden, new, features, config, own, config.fusion.users, LIST_FLOATS
            ),
            (LEARN, JUDGE),
            rng.spawn(2),
        )
    return learn, judge, slow


def half(case: Case, which: int) -> Case:
    """Every other user of a case, from the first (0) or the second (1) on; all lists of a user stay together."""
    some = np.flatnonzero(odd(case.users) == which)
    lists = case.lists.of(some)
    return Case(case.kind, case.names, lists, listwise.sample(lists), case.users[some])


def odd(users: NDArray[np.int64]) -> NDArray[np.int64]:
    """(lists,) 0 and 1 by turns from user to user."""
    return np.unique(users, return_inverse=True)[1] % 2


def cases(
    histories: Histories,
    part: NDArray[np.int8],
    asked: int,
    hidden: NDArray[np.int8],
    new: NDArray[np.int8],
    features: Features,
    config: Config,
    rng: np.random.Generator,
    users: int,
    floats: int,
) -> tuple[list[Case], list[Generator]]:
    """The kinds of lists asking for the events of part `asked`, by generators fitted on what came before; and those of
    these generators that are SLOW to fit. Of at most `users` users, and `floats` floats a kind.
    """
    there = (new != asked)[histories.rows]
    before, answers = histories.select(there & (part < asked)), histories.select(there & (part == asked))
    if not len(before.items):
        return [], []
    names, everything = enabled(config, features), np.ones(histories.n_items, bool)
    made: list[Case] = []

    def add(kind: str, inputs: Histories, answers: Histories, of: NDArray[np.bool_], some: NDArray[np.int64]) -> None:
        width = sum(len(generator.signals) for generator in generators)
        most = max(1, min(floats // (min(WIDTH, histories.n_items) * width), LOOKED_AT // histories.n_items))
        at = np.sort(rng.permutation(len(some))[:most])
        batch = max(1, LIST_FLOATS // (histories.n_items * width))
        lists = [
            candidates(generators, known, inputs.take(few), answers.take(few), of, rng)
            for few in np.split(at, range(batch, len(at), batch))
        ]
        found = joined(lists)
        useful = np.flatnonzero(found.chosen.any(axis=1))
        if len(useful):
            names = tuple(name for generator in generators for name in generator.signals)
            found = found.of(useful)
            made.append(Case(kind, names, found, listwise.sample(found), some[at][useful]))

    def sample(answers: Histories, most: int) -> NDArray[np.int64]:
        return np.sort(rng.permutation(np.flatnonzero(answers.lengths > 0))[:most])

    generators, known = fit_all(before, features, config, names), met(before)
    slow = [one for one in generators if one.name in SLOW]
    some = sample(answers, users)
    add("warm", before.take(some), answers.take(some), everything, some)
    some = np.sort(rng.permutation(np.repeat(np.flatnonzero(new == asked), DRAWS))[: users // 2])
    if len(some):
        add("short", *arrived(histories.select(part <= asked).take(some), rng), everything, some)
    shown = (hidden != asked)[histories.items]
    visible, touched = (
        histories.select(there & (part < asked) & shown),
        histories.select(there & (part <= asked) & ~shown),
    )
    if not shown.all() and len(visible.items):
        del generators  # of a large catalogue two sets are gigabytes
        generators, known = fit_all(visible, features, config, names), met(visible)
        some = sample(answers, users // 2)
        add("mixed", visible.take(some), answers.take(some), everything, some)
        some = sample(touched, users)
        add("cold", visible.take(some), touched.take(some), hidden == asked, some)
    return made, slow


def met(histories: Histories) -> NDArray[np.bool_]:
    """(items,) which anybody met."""
    return np.bincount(histories.items, minlength=histories.n_items) > 0


def arrived(histories: Histories, rng: np.random.Generator) -> tuple[Histories, Histories]:
    """Of each user the first one to ten events, a few more often than many, and the rest."""
    shows = ((FIRST + 1) ** rng.random(len(histories))).astype(np.int64)  # even in the log, as trust is
    shows = np.minimum(shows, histories.lengths - 1)
    place = np.arange(len(histories.items)) - histories.indptr[histories.rows]
    first = place < shows[histories.rows]
    return histories.select(first), histories.select(~first)


def candidates(
    generators: Sequence[Generator],
    known: NDArray[np.bool_],
    inputs: Histories,
    answers: Histories,
    items: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Lists:
    """Candidate lists of users who showed `inputs` and are asked for `answers`; what they showed is not asked again."""
    allowed = ~(inputs.seen().toarray() > 0) & items
    chosen = (answers.seen().toarray() > 0) & allowed
    signals = fusion.standardised(generators, inputs, known)
    lists = whole(signals, fusion.trust(inputs), known, allowed, chosen, rng)
    return shortlisted(lists, WIDTH, rng)
