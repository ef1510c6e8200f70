"""The best that anybody could learn of a generated shop: all rules known, each user's taste learned from their history.

Who knows what every item is, how often it is shown in each month, what follows what, and how tastes are spread over
people (their mean and covariance) still has to learn the taste of a user from a few events: the most probable one,
given these (a multinomial logit with a normal prior, by Adam). The truth of `engine.demo.truth` knows the taste itself,
which nobody can.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from engine.benchmark import Question
from engine.demo import choices, truth
from engine.demo.people import SESSION, People, World

STEPS, RATE = 40, 0.15
BATCH = 250
"""Users whose tastes are learned at once."""
NEVER = np.float32(-1e4)
"""The utility of what could not be chosen."""

Floats = NDArray[np.float32]


def scores(folder: Path, asked: Question) -> Floats:
    """(users, items) utilities at the time of each user's next event, by the taste learned from the events before."""
    world = World(**load_file(folder / truth.TRUTH / "world.safetensors"))
    people = People(**load_file(folder / truth.TRUTH / "people.safetensors"))
    mean = people.late.mean(axis=0)
    spread = np.linalg.cholesky(np.cov(people.late.T.astype(np.float64)) + 1e-6 * np.eye(len(mean)))
    towards = (world.features @ spread).astype(np.float32)
    usual = world.features @ mean
    events = truth._histories(folder, set(asked.users))
    row_of = {item: row for row, item in enumerate(asked.items)}
    blank = np.zeros((1, len(mean)), np.float32)
    nobody = People(blank, blank, *(np.zeros(1, np.int64) for _ in range(3)))
    found = np.empty((len(asked.users), len(asked.items)), np.float32)
    lengths = asked.asked.lengths.tolist()
    for start in range(0, len(found), BATCH):
        some = slice(start, start + BATCH)
        users = [
            ([row_of[item] for item in events[user][0][: n + 1]], events[user][1][: n + 1])
            for user, n in zip(asked.users[some], lengths[some], strict=True)
        ]
        base = np.concatenate([without_taste(world, nobody, *user) + usual for user in users])
        last = np.cumsum([len(items) for items, _ in users]) - 1  # the event that is asked for
        known = np.ones(len(base), bool)
        known[last] = False
        chosen = np.concatenate([items for items, _ in users])
        user = np.repeat(np.arange(len(users)), [len(items) for items, _ in users])
        taste = learned(base[known], towards, user[known], chosen[known])
        found[some] = base[last] + taste @ towards.T
    return found


def without_taste(world: World, nobody: People, items: list[int], times: NDArray[np.int64]) -> Floats:
    """(events, items) what is shown, what follows what, and what was chosen or is not out yet."""
    previous = np.array([-1, *items[:-1]])
    same = np.diff(times, prepend=times[0] - SESSION) < SESSION
    base = choices.utility(world, nobody, np.zeros(len(items), np.int64), times, previous, same)
    for event in range(len(items)):
        base[event, items[:event]] = -np.inf
    return np.maximum(base, NEVER)


def learned(base: Floats, towards: Floats, user: NDArray[np.int64], chosen: NDArray[np.int64]) -> Floats:
    """(users, dim) the most probable tastes, in deviations from the mean of all people.

    Shapes: base (events, items), towards (items, dim), user and chosen (events,), in order of user.
    """
    starts = np.flatnonzero(np.diff(user, prepend=-1))
    taste, moment, square = (np.zeros((len(starts), towards.shape[1]), np.float32) for _ in range(3))
    seen = np.add.reduceat(towards[chosen], starts, axis=0)
    for step in range(1, STEPS + 1):
        odds = base + (taste @ towards.T)[user]
        odds = np.exp(odds - odds.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        slope = seen - np.add.reduceat(odds, starts, axis=0) @ towards - taste
        moment, square = 0.9 * moment + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        size = RATE if step < 0.7 * STEPS else 0.3 * RATE
        taste = taste + size * (moment / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-6)
    return taste.astype(np.float32)
