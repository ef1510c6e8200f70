"""Who gains and who pays: each way to part users and items by hand, and that harm behind a gain on average is seen."""

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from engine import groups, history
from engine.benchmark import Question, Row
from engine.config import Config
from engine.evaluation import segments
from engine.evaluation.segments import Grouping, Lists
from engine.evaluation.splits import Split


def members(grouping: Grouping) -> dict[str, list[int]]:
    return {label: np.flatnonzero(row).tolist() for label, row in zip(grouping.labels, grouping.members, strict=True)}


def test_users_by_history_and_pause() -> None:
    found = members(segments.by_history(np.array([0, 1, 4, 5, 250])))
    assert found["0"] == [0] and found["1–4"] == [1, 2] and found["5–9"] == [3] and found["200+"] == [4]
    found = members(segments.by_pause(np.array([0.2, 1.0, 6.9, 400, np.nan])))
    assert found == {"0": [0], "1–6": [1, 2], "7–29": [], "30–89": [], "90–364": [], "365+": [3]}


def test_tenths_have_one_size_under_ties() -> None:
    found = segments.tenths("x", "items", np.array([5] * 15 + [1] * 5))
    assert found.members.sum(axis=1).tolist() == [2] * 10
    assert np.flatnonzero(found.members[0]).tolist() == [15, 16]


def test_items_by_language() -> None:
    found = members(segments.by_language(["白色运动鞋", "white shoes", "Nike 鞋", "", "белые 42", "42"]))
    assert found == {"zh": [0], "en": [1], "zh and en": [2], "other": [4], "none": [3, 5]}


def test_items_by_what_they_lack() -> None:
    some, every = np.array([True, False, True]), np.ones(3, bool)
    found = members(segments.by_lack({"text": some, "picture": np.array([True, True, False]), "facts": every}))
    assert found == {"nothing": [0], "text": [1], "picture": [2]}
    assert not len(segments.by_lack({"text": every, "picture": ~every}).labels)


def test_gains_of_users_and_of_items_by_hand() -> None:
    relevant = sparse.csr_array(np.array([[1, 1, 0], [0, 1, 0]], np.float32))
    ours = Lists(np.array([0.5, 0.1]), np.array([[[0, 1], [0, -1]]]))
    rival = Lists(np.array([0.2, 0.3]), np.array([[[0, 2], [1, -1]]]))
    users = Grouping("u", "users", ("first", "both", "none"), np.array([[1, 0], [1, 1], [0, 0]], bool))
    items = Grouping("i", "items", ("item 0", "item 1", "item 2"), np.eye(3, dtype=bool))
    found = {one.label: one for one in segments.gains([users, items], ours, rival, relevant, 2, 100)}
    assert set(found) == {"first", "both", "item 0", "item 1"}  # nobody, or nothing chosen: no segment
    assert (found["first"].metric, found["item 0"].metric) == ("ndcg@2", "recall@2")
    assert found["first"].gain == pytest.approx(0.3)
    assert found["both"].gain == pytest.approx(0.05)
    assert (found["item 0"].users, found["item 0"].gain) == (1, 0)  # both show it to the first
    assert (found["item 1"].users, found["item 1"].mean, found["item 1"].rival) == (2, 0.5, 0.5)


def test_harm_behind_a_gain_on_average_is_seen() -> None:
    rng = np.random.default_rng(0)
    base, long = rng.random(400), np.arange(400) >= 340
    ndcg = base + np.where(long, -0.05, 0.05) + rng.normal(0, 0.01, 400)
    nothing = np.full((1, 400, 1), -1)
    relevant = sparse.csr_array(np.ones((400, 1), np.float32))
    tiny = np.zeros(400, bool)
    tiny[-5:] = True
    parted = Grouping("length", "users", ("short", "long", "tiny"), np.array([~long, long, tiny]))
    assert (ndcg - base).mean() > 0
    found = segments.gains([parted], Lists(ndcg, nothing), Lists(base, nothing), relevant, 1, 200)
    assert [(one.label, one.harmed) for one in found] == [("short", False), ("long", True), ("tiny", False)]
    assert found[2].high < 0, "five users are told, but not called harmed"


def asked_by(times: list[list[int]]) -> Question:
    rows = [(f"u{n}", f"i{m}", 1.0, t) for n, one in enumerate(times) for m, t in enumerate(one)]
    schema = {"user_id": pl.String, "item_id": pl.String, "value": pl.Float32, "time": pl.Int64}
    frame = pl.DataFrame(rows, schema, orient="row")
    users, items = [f"u{n}" for n in range(len(times))], ["i0", "i1"]
    made = history.from_frame(frame, users, {"i0": 0, "i1": 1})
    return Question(users, items, made, made, np.ones(2, bool), sparse.csr_array(np.ones((len(times), 2), np.float32)))


def test_pauses_are_days_up_to_the_first_asked_event() -> None:
    asked = asked_by([[86_400, 2 * 86_400], []])
    frame = pl.DataFrame({"user_id": ["u1", "u0", "u0"], "item_id": ["i0"] * 3, "time": [9, 9 * 86_400, 5 * 86_400]})
    split = Split(frame, frame, frame, None, "time", 0)
    np.testing.assert_array_equal(groups.pauses(split, asked), [3, np.nan])
    assert groups.pauses(Split(frame, frame, frame.with_columns(time=pl.lit(0)), None, "time", 0), asked) is None


def test_the_best_rival_is_no_weft() -> None:
    def row(name: str, ndcg: float) -> Row:
        return Row(name, {"ndcg@20": np.array([ndcg])}, np.zeros((1, 1), np.int64), np.zeros((1, 1), np.float32))

    rows = [row("weft", 0.9), row("weft without the reranker", 0.8), row("ease.10", 0.3), row("random", 0.1)]
    found = groups.best_rival(rows, Config())
    assert found is not None and found.name == "ease.10"
    assert groups.best_rival(rows[:2], Config()) is None
