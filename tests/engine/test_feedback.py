"""What users say against items is obeyed in their lists, in nobody else's, and told."""

from pathlib import Path

import numpy as np
import pytest

from engine import Engine
from engine.errors import DataError, UnknownIdError
from engine.rules.feedback import Feedback, Reaction, restored

USER, OTHER = "u0001", "u0002"


@pytest.fixture
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


def listed(engine: Engine, user: str, n: int = 200) -> dict[str, float]:
    return {one.item_id: one.score for one in engine.recommend(user, n=n)}


@pytest.mark.parametrize("kind", ["hide", "dislike"])
def test_what_is_hidden_or_disliked_is_gone_for_that_user_only(engine: Engine, kind: str) -> None:
    before, others = listed(engine, USER), listed(engine, OTHER)
    first = next(iter(before))
    assert engine.add_feedback([(USER, first, kind)]) == 1
    assert listed(engine, USER).keys() == before.keys() - {first}
    assert listed(engine, OTHER) == others
    assert first not in [one.item_id for one in engine.recommend(USER, n=200, mode="interest")]
    assert first in [
        one.item_id for one in engine.search(engine.state.lookup.titles[engine.state.lookup.rows([first])[0]])
    ]
    both = engine.recommend_batch([OTHER, USER], n=200)
    assert {one.item_id for one in both[0]} == others.keys() and first not in {one.item_id for one in both[1]}
    engine.add_feedback([(USER, first, "undo")])
    assert listed(engine, USER) == before


def test_what_is_like_the_disliked_goes_down_by_what_is_told(engine: Engine) -> None:
    before = listed(engine, USER)
    disliked = next(iter(before))
    alike, _ = next((item, cosine) for item, cosine in engine.similar(disliked, n=50) if item in before)
    engine.add_feedback([(USER, disliked, "dislike")])
    after = {one.item_id: one for one in engine.recommend(USER, n=200)}
    lost = {item: before[item] - one.score for item, one in after.items()}
    for item, one in after.items():
        assert sum(one.contributions.values()) == pytest.approx(one.score, abs=1e-4)
        assert -one.contributions.get("disliked", 0) == pytest.approx(lost[item], abs=1e-4)
    assert lost[alike] > np.median(list(lost.values()))
    why = engine.explain(USER, alike)
    assert why.contributions["disliked"] == pytest.approx(-lost[alike], abs=1e-4)
    assert "hidden by the user" in engine.explain(USER, disliked).rules


def test_what_was_shown_often_goes_down_slower_and_slower(engine: Engine) -> None:
    before = listed(engine, USER)
    item = next(iter(before))
    scores = [before[item]]
    for _ in range(3):
        engine.add_feedback([(USER, item, "seen")] * 3)
        scores.append(listed(engine, USER)[item])
    steps = -np.diff(scores)
    assert (steps > 0).all() and (np.diff(steps) < 0).all()
    assert engine.state.feedback.of(USER).seen == {item: 9}


def test_bad_feedback_is_refused_whole(engine: Engine) -> None:
    for wrong, error in (((USER, "none", "hide"), UnknownIdError), ((USER, "p0001", "love"), DataError)):
        with pytest.raises(error):
            engine.add_feedback([(USER, "p0002", "hide"), wrong])
    assert engine.state.feedback == Feedback()


def test_an_artefact_keeps_feedback_until_the_user_is_forgotten(engine: Engine, tmp_path: Path) -> None:
    engine.add_feedback([(USER, "p0001", "hide"), (USER, "p0002", "seen"), (OTHER, "p0003", "dislike")])
    assert restored(engine.state.feedback.table()) == engine.state.feedback
    engine.save(tmp_path / "kept")
    kept = Engine.load(tmp_path / "kept")
    assert kept.state.feedback == engine.state.feedback
    kept.forget(USER)
    assert kept.state.feedback == Feedback().after([Reaction(OTHER, "p0003", "dislike")])


def test_later_words_take_the_place_of_earlier_ones() -> None:
    said = (
        Feedback()
        .after([Reaction("u", "a", "hide"), Reaction("u", "b", "dislike"), Reaction("u", "a", "dislike")])
        .of("u")
    )
    assert (list(said.hidden), list(said.disliked)) == ([], ["b", "a"])


def test_without_an_item_of_the_history_the_rank_is_that_of_a_history_without_it(engine: Engine) -> None:
    item = engine.recommend(USER, n=5)[4].item_id
    why = engine.explain(USER, item)
    assert why.rank == 5
    lookup = engine.state.lookup
    past = [lookup.ids[row] for row in lookup.histories([USER]).items]
    assert [liked for liked, _ in why.without] == [liked for liked, _ in why.neighbours]
    why = engine.explain(None, item, past)  # without times and values, as bare histories are
    for liked, rank in why.without:
        left = [one for one in past if one != liked]
        found = [one.item_id for one in engine.recommend(history=left, n=200, exclude=[liked])]
        assert found.index(item) + 1 == rank
