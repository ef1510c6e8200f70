"""Train, validation and test: what was remembered is told apart from what was learned."""

import numpy as np
from scipy import sparse

from engine import fusion, generalise
from engine.benchmark import Question
from engine.candidates import Features, fit_all
from engine.config import Config, Ease
from engine.evaluation.report import Fit
from engine.history import Histories
from engine.training import Trained

USERS, ITEMS, EVENTS = 90, 60, 10
CONFIG = Config.model_validate(
    {"candidates": {"ease": {"l2": 0.1, "half_lives": [float("inf")]}}, "evaluation": {"test_share": 0.3}}
)


def fits(choices: np.ndarray, config: Config = CONFIG) -> dict[str, Fit]:
    """Users with `choices` (users, events + 2) of items, the last two of them test; EASE alone."""
    known = choices[:, :-2]
    size = known.size
    histories = Histories(
        np.arange(0, size + 1, known.shape[1]), known.ravel().astype(np.int32), np.ones(size, np.float32),
        np.arange(1, size + 1), ITEMS,
    )  # fmt: skip
    relevant = np.zeros((len(choices), ITEMS), np.float32)
    np.put_along_axis(relevant, choices[:, -2:], 1, axis=1)
    names = [str(number) for number in range(max(len(choices), ITEMS))]
    allowed = np.ones(ITEMS, bool)
    asked = Question(names[: len(choices)], names[:ITEMS], histories, histories, allowed, sparse.csr_array(relevant))
    nothing = sparse.csr_array((ITEMS, 0), dtype=np.float32)
    blank = np.zeros((ITEMS, 1), np.float32)
    features = Features(nothing, nothing, blank, blank, np.zeros(0, np.int64))
    generators = fit_all(histories, features, config, ["ease"])
    trained = Trained(generators, fusion.even(generators[0].signals), None, [], {})
    return {one.part: one for one in generalise.fits(asked, trained, features, config)}


def test_what_was_only_remembered_is_seen() -> None:
    rng = np.random.default_rng(0)
    chance = np.stack([rng.permutation(ITEMS)[: EVENTS + 2] for _ in range(USERS)])
    found = fits(chance)
    assert list(found) == ["train", "validation", "test"]
    area = {part: one.metrics["ROC-AUC"] or 0 for part, one in found.items()}
    assert area["train"] > 0.8, "the generators had these very events"
    assert abs(area["validation"] - 0.5) < 0.1 and abs(area["test"] - 0.5) < 0.1
    assert (found["train"].metrics["ndcg@20"] or 0) > 2 * (found["test"].metrics["ndcg@20"] or 0)


def test_what_was_learned_carries() -> None:
    rng = np.random.default_rng(0)
    halves = [rng.permutation(np.arange(user % 2, ITEMS, 2))[: EVENTS + 2] for user in range(USERS)]
    firm = CONFIG.model_copy(
        update={"candidates": CONFIG.candidates.model_copy(update={"ease": Ease(l2=50.0, half_lives=(float("inf"),))})}
    )
    found = fits(np.stack(halves), firm)
    assert all((one.metrics["ROC-AUC"] or 0) > 0.75 for one in found.values())


def test_at_most_so_many_users_are_asked(monkeypatch) -> None:
    monkeypatch.setattr(generalise, "USERS", 7)
    rng = np.random.default_rng(0)
    found = fits(np.stack([rng.permutation(ITEMS)[: EVENTS + 2] for _ in range(USERS)]))
    assert [one.users for one in found.values()] == [7, 7, 7]


def test_without_a_history_to_cut_there_is_the_test_alone() -> None:
    single = np.stack([np.array([user % 5, 10 + user % 7, 20 + user % 3]) for user in range(USERS)])
    config = replace_k(CONFIG, 5)
    assert list(fits(single, config)) == ["test"]


def replace_k(config: Config, k: int) -> Config:
    return config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"k": k})})
