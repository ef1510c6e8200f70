"""Candidate lists to learn from and to judge by, of generators that had not seen the answers.

Each user's events are cut by position into a base, a part to learn the fusion from, and a part to judge it on. Four
kinds of candidate lists come out of that, so that one fusion serves every case:

    warm    all items, full history: what a known person meets next
    short   all items, only the last few events: somebody who has just arrived
    mixed   all items, some of them hidden from the generators: new items among known ones
    cold    only the hidden items, every interaction with them an answer

Where nothing says what an item is, no generator can tell two new items apart, and the last two are not made.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine import fusion
from engine.candidates import Features, Generator, enabled, fit_all
from engine.config import Config
from engine.fusion import Lists, Sample
from engine.history import Histories

LIST_FLOATS = 120_000_000
"""Most floats of one set of candidate lists (480 MB); users are sampled to stay below."""
SHARED_ABOVE = 10_000
"""Items above which one set of generators serves both, half of the users each: a fit costs minutes."""
MORE = 4
"""Times as many users then, two for each half: among many items few of a list are near enough to learn from."""
BASE, LEARN, JUDGE = 0, 1, 2


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


def both(
    histories: Histories, features: Features, config: Config, rng: np.random.Generator
) -> tuple[list[Case], list[Case]]:
    """Cases to learn from and cases to judge by; none where there is too little history."""
    part = parts(histories, config, rng)
    share = 0.0 if features.empty else config.fusion.hidden_share
    hidden = hidden_items(histories, share, rng)
    if histories.n_items > SHARED_ABOVE:
        part[part == LEARN] = BASE
        users = MORE * config.fusion.users
        made = cases(histories, part, JUDGE, hidden == JUDGE, features, config, rng, users, MORE * LIST_FLOATS)
        halves = [(half(one, 0, rng), half(one, 1, rng)) for one in made]
        halves = [(a, b) for a, b in halves if a.lists.chosen.any() and b.lists.chosen.any()]
        return [learn for learn, _ in halves], [judge for _, judge in halves]
    with ThreadPoolExecutor(min(2, config.threads)) as pool:
        # Each has random draws of its own, so that nothing depends on which is the quicker.
        learn, judge = pool.map(
            lambda asked, own: cases(
                histories, part, asked, hidden == asked, features, config, own, config.fusion.users, LIST_FLOATS
            ),
            (LEARN, JUDGE),
            rng.spawn(2),
        )
    return learn, judge


def half(case: Case, which: int, rng: np.random.Generator) -> Case:
    """Every other user of a case, from the first or the second on."""
    lists = case.lists
    some = slice(which, None, 2)
    lists = replace(
        lists,
        signals=lists.signals[some],
        trust=lists.trust[some],
        allowed=lists.allowed[some],
        chosen=lists.chosen[some],
    )
    return Case(case.kind, case.names, lists, fusion.sample(lists, rng), case.users[some])


def cases(
    histories: Histories,
    part: NDArray[np.int8],
    asked: int,
    hidden: NDArray[np.bool_],
    features: Features,
    config: Config,
    rng: np.random.Generator,
    users: int,
    floats: int,
) -> list[Case]:
    """The kinds of lists asking for the events of part `asked`, by generators fitted on what came before.

    Of at most `users` users, and `floats` floats a kind.
    """
    before, answers = histories.select(part < asked), histories.select(part == asked)
    if not len(before.items):
        return []
    names, everything = enabled(config, features), np.ones(histories.n_items, bool)
    made = []

    def add(kind: str, fitted_on: Histories, inputs: Histories, answers: Histories, of: NDArray[np.bool_]) -> None:
        wanted = users if kind in ("warm", "cold") else users // 2
        made.append(case(kind, generators, fitted_on, inputs, answers, of, rng, wanted, floats))

    generators = fit_all(before, features, config, names)
    add("warm", before, before, answers, everything)
    add("short", before, shortened(before, rng), answers, everything)
    visible = before.select(~hidden[before.items])
    if hidden.any() and len(visible.items):
        del generators  # of a large catalogue two sets are gigabytes
        generators = fit_all(visible, features, config, names)
        touched = histories.select(hidden[histories.items] & (part <= asked))
        add("mixed", visible, visible, answers, everything)
        add("cold", visible, visible, touched, hidden)
    return [one for one in made if one.lists.chosen.any()]


def shortened(histories: Histories, rng: np.random.Generator) -> Histories:
    """Each user with only the last one to ten events."""
    length = rng.integers(1, 11, len(histories))
    return histories.select(histories.ages < length[histories.rows])


def case(
    kind: str,
    generators: Sequence[Generator],
    fitted_on: Histories,
    inputs: Histories,
    answers: Histories,
    candidates: NDArray[np.bool_],
    rng: np.random.Generator,
    wanted: int,
    floats: int,
) -> Case:
    """Candidate lists of a sample of the users who have answers; what they had seen before is not asked again."""
    width = sum(len(generator.signals) for generator in generators)
    most = min(wanted, max(1, floats // (fitted_on.n_items * width)))
    users = np.flatnonzero(answers.lengths > 0)
    users = np.sort(rng.permutation(users)[:most])
    inputs = inputs.take(users)
    known = np.bincount(fitted_on.items, minlength=fitted_on.n_items) > 0
    allowed = ~(fitted_on.take(users).seen().toarray() > 0) & candidates
    chosen = (answers.take(users).seen().toarray() > 0) & allowed
    signals = fusion.standardised(generators, inputs, known)
    names = tuple(name for generator in generators for name in generator.signals)
    lists = Lists(signals, fusion.trust(inputs), known, allowed, chosen)
    return Case(kind, names, lists, fusion.sample(lists, rng), users)
