"""Lists to learn from: who is new in them was met by no generator, and shows the first few events."""

import numpy as np
from scipy import sparse

from engine import cases
from engine.candidates import Features
from engine.config import Config
from engine.history import Histories

USERS, ITEMS, EVENTS = 80, 31, 14
NOTHING = Features(
    sparse.csr_array((ITEMS, 0), dtype=np.float32),
    sparse.csr_array((ITEMS, 0), dtype=np.float32),
    np.zeros((ITEMS, 0), np.float32),
    np.zeros((ITEMS, 0), np.float32),
    np.zeros(0, np.int64),
)
ONLY = {
    name: {"enabled": False}
    for name in ("als", "neighbours", "transitions", "later", "attention", "content", "gnn", "prior")
}
CONFIG = Config.model_validate({"candidates": ONLY})


def histories(rng: np.random.Generator, new: np.ndarray) -> Histories:
    """Every item but the last is met by anybody; the last one by those who are new while learning, and comes last."""
    items = np.array([rng.permutation(ITEMS - 1)[:EVENTS] for _ in range(USERS)], np.int32)
    items[new == cases.LEARN, -1] = ITEMS - 1
    indptr = np.arange(USERS + 1) * EVENTS
    times = np.tile(np.arange(EVENTS), USERS)
    return Histories(indptr, items.ravel(), np.ones(items.size, np.float32), times, ITEMS)


def test_no_generator_met_those_who_are_new() -> None:
    rng = np.random.default_rng(0)
    everyone = Histories(
        np.arange(USERS + 1) * 2, *(np.zeros(2 * USERS, kind) for kind in (np.int32, np.float32, int)), 1
    )
    new = cases.new_users(everyone, rng)
    assert (new == cases.LEARN).sum() == (new == cases.JUDGE).sum() == USERS * cases.NEW_USERS
    known = histories(rng, new)
    part, hidden = (
        np.where(known.ages == 1, cases.LEARN, np.where(known.ages == 0, cases.JUDGE, 0)),
        np.zeros(ITEMS, np.int8),
    )
    part[(new == cases.LEARN)[known.rows]] = 0  # so that only who is asked keeps the last item from the generators
    made, _ = cases.cases(known, part, cases.LEARN, hidden, new, NOTHING, CONFIG, rng, 200, 10**6)
    found = {one.kind: one for one in made}
    assert set(found) == {"warm", "short"}
    assert set(found["short"].users) == set(np.flatnonzero(new == cases.LEARN))
    assert not set(found["warm"].users) & set(found["short"].users)
    assert not found["short"].lists.known[:, -1].any()
    assert found["short"].lists.chosen[:, -1].all()
    assert len(found["short"].users) == cases.DRAWS * (new == cases.LEARN).sum()


def test_who_has_arrived_shows_the_first_events_and_is_asked_for_the_rest() -> None:
    rng = np.random.default_rng(1)
    known = histories(rng, np.zeros(USERS, np.int8))
    first, rest = cases.arrived(known, rng)
    assert set(first.lengths) == set(range(1, cases.FIRST + 1))
    assert (first.lengths + rest.lengths == EVENTS).all()
    for user in range(USERS):
        own = known.items[known.indptr[user] : known.indptr[user + 1]]
        shown = first.items[first.indptr[user] : first.indptr[user + 1]]
        assert shown.tolist() == own[: len(shown)].tolist()


def test_all_lists_of_a_user_stay_together() -> None:
    users = np.array([3, 3, 3, 5, 5, 9])
    assert cases.odd(users).tolist() == [0, 0, 0, 1, 1, 0]
