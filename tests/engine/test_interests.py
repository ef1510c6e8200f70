"""What a history holds more of than the catalogue, on histories of which it is known."""

from pathlib import Path

import numpy as np
import pytest

from engine import Engine
from engine.history import Histories
from engine.interests import LATEST, Liking, likings, session


@pytest.fixture(scope="module")
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


def of(engine: Engine, items: list[str]) -> list[Liking]:
    past = engine.state.lookup.history(None, items)
    return likings(engine.state.interest, engine.state.vocabulary.entities, past, 12)


def test_whoever_chose_one_brand_only_is_told_so(engine: Engine) -> None:
    items = engine.catalogue.items
    brand = items["brand"].drop_nulls().mode().sort()[0]
    found = of(engine, items.filter(brand=brand)["item_id"].to_list())
    named = next(one for one in found if one.relation == "MADE_BY")
    assert (named.name, named.share) == (brand, 1.0)
    assert named.lift == pytest.approx(items.height / items.filter(brand=brand).height, rel=1e-5)
    assert all(one.lift > 1 for one in found)
    weights = [one.share * np.log(one.lift) for one in found]
    assert weights == sorted(weights, reverse=True)


def test_who_chose_the_whole_catalogue_or_nothing_has_no_interests(engine: Engine) -> None:
    assert of(engine, engine.catalogue.items["item_id"].to_list()) == []
    assert of(engine, []) == []


def test_one_event_is_no_habit_of_a_longer_history(engine: Engine) -> None:
    items = engine.catalogue.items["item_id"].to_list()
    assert of(engine, items[:1]) != []
    facts = engine.state.interest.features.facts
    for one in of(engine, items[:5]):
        at = engine.state.vocabulary.entities["id"].to_list().index(one.node)
        assert (facts[:5][:, [at]] > 0).sum() >= 2


def history(times: list[int]) -> Histories:
    n = len(times)
    return Histories(np.array([0, n]), np.arange(n, dtype=np.int32), np.ones(n, np.float32), np.array(times), 100)


@pytest.mark.parametrize(
    ("times", "items"),
    [
        ([], []),
        ([100, 9000, 9500, 11000], [1, 2, 3]),  # half an hour and more before them
        ([100, 200, 300], [0, 1, 2]),
        ([100, 9000], [1]),
        ([0] * 20, list(range(20 - LATEST, 20))),  # no times are known
        (list(range(1000, 1020)), list(range(20 - LATEST, 20))),
    ],
)
def test_a_session_ends_with_a_pause(times: list[int], items: list[int]) -> None:
    assert session(history(times)).items.tolist() == items
