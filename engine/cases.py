"""Candidate lists to learn from and to judge by, of generators that had not seen the answers.

Each user's events are cut by position into a base, a part to learn the fusion from, and a part to judge it on. Four
kinds of candidate lists come out of that, so that one fusion serves every case:

    warm    all items, full history: what a known person meets next
    short   all items, only the last few events: somebody who has just arrived
    mixed   all items, some of them hidden from the generators: new items among known ones
    cold    only the hidden items, every interaction with them an answer
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine import fusion
from engine.candidates import Features, Generator, enabled, fit_all
from engine.config import Config
from engine.fusion import Lists, Sample
from engine.history import Histories

LIST_FLOATS = 120_000_000
"""Most floats of one set of candidate lists (480 MB); users are sampled to stay below."""
BASE, LEARN, JUDGE = 0, 1, 2


@dataclass(frozen=True)
class Case:
    """Candidate lists of one kind, and the signals' names."""

    kind: str
    names: tuple[str, ...]
    lists: Lists
    sample: Sample


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


def cases(
    histories: Histories,
    part: NDArray[np.int8],
    asked: int,
    hidden: NDArray[np.bool_],
    features: Features,
    config: Config,
    rng: np.random.Generator,
) -> list[Case]:
    """The four kinds of lists asking for the events of part `asked`, by generators fitted on what came before."""
    before, answers = histories.select(part < asked), histories.select(part == asked)
    if not len(before.items):
        return []
    names, everything = enabled(config, features), np.ones(histories.n_items, bool)
    made = []
    generators = fit_all(before, features, config, names)
    for kind, inputs in (("warm", before), ("short", shortened(before, rng))):
        made.append(case(kind, generators, before, inputs, answers, everything, config, rng))
    visible = before.select(~hidden[before.items])
    if hidden.any() and len(visible.items):
        del generators  # of a large catalogue two sets are gigabytes
        generators = fit_all(visible, features, config, names)
        touched = histories.select(hidden[histories.items] & (part <= asked))
        made.append(case("mixed", generators, visible, visible, answers, everything, config, rng))
        made.append(case("cold", generators, visible, visible, touched, hidden, config, rng))
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
    config: Config,
    rng: np.random.Generator,
) -> Case:
    """Candidate lists of a sample of the users who have answers; what they had seen before is not asked again."""
    width = sum(len(generator.signals) for generator in generators)
    wanted = config.fusion.users if kind in ("warm", "cold") else config.fusion.users // 2
    most = min(wanted, max(1, LIST_FLOATS // (fitted_on.n_items * width)))
    users = np.flatnonzero(answers.lengths > 0)
    users = np.sort(rng.permutation(users)[:most])
    inputs = inputs.take(users)
    known = np.bincount(fitted_on.items, minlength=fitted_on.n_items) > 0
    allowed = ~(fitted_on.take(users).seen().toarray() > 0) & candidates
    chosen = (answers.take(users).seen().toarray() > 0) & allowed
    signals = fusion.standardised(generators, inputs, known)
    names = tuple(name for generator in generators for name in generator.signals)
    lists = Lists(signals, fusion.trust(inputs), known, allowed, chosen)
    return Case(kind, names, lists, fusion.sample(lists, rng))
