"""Splits: their laws on any table, hand-worked cuts, the judge's folders, and damaged folders."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from engine.errors import DataError
from engine.evaluation import runs, splits
from tests.engine.outside import MOVIELENS, judge, movielens

PARTS = ("train", "valid", "test")
PROTOCOLS = ("time", "leave-one-out", "random", "cold-item", "cold-user")


def table(rows):
    """Interactions of (user, item, time) rows."""
    schema = {"user_id": pl.String, "item_id": pl.String, "value": pl.Float32, "time": pl.Int64}
    frame = pl.DataFrame([(user, item, 1.0, time) for user, item, time in rows], schema=schema, orient="row")
    return frame.with_columns(value=pl.int_range(pl.len()).cast(pl.Float32)).sort(
        "user_id", "time", maintain_order=True
    )


def pairs(frame):
    return list(frame.select("user_id", "item_id").iter_rows())


def one_user(n, start=0):
    return [("u", str(item), start + item) for item in range(n)]


interactions = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 8).map(str), st.integers(0, 5)), min_size=1, max_size=40
).map(table)
shares = st.sampled_from([(0.1, 0.1), (0.2, 0.0), (0.5, 0.3), (0.3, 0.5)])


# --- laws


@given(interactions, st.sampled_from(PROTOCOLS), shares, st.integers(0, 99))
def test_parts_are_disjoint_and_cover(frame, protocol, share, seed):
    made = splits.split(frame, protocol, test_share=share[0], valid_share=share[1], seed=seed)
    train, valid, test = (set(pairs(getattr(made, part))) for part in PARTS)
    assert train | valid | test == set(pairs(frame))
    assert not train & valid and not train & test and not valid & test
    assert len(valid) == len(made.valid) and len(test) == len(made.test), "what is asked is asked once"


@given(interactions, st.sampled_from(PROTOCOLS), shares, st.integers(0, 99))
def test_same_seed_same_split_and_events_stay_in_order(frame, protocol, share, seed):
    made, again = (
        splits.split(frame, protocol, test_share=share[0], valid_share=share[1], seed=seed) for _ in range(2)
    )
    for part in PARTS:
        rows = getattr(made, part)
        assert_frame_equal(rows, getattr(again, part))
        assert rows.schema == frame.schema
        assert_frame_equal(rows, rows.sort("user_id", "time", maintain_order=True))
    assert made.candidates == again.candidates


@given(interactions, st.sampled_from(["time", "leave-one-out"]), shares)
def test_nothing_known_is_later_than_what_is_asked(frame, protocol, share):
    made = splits.split(frame, protocol, test_share=share[0], valid_share=share[1])
    for user in frame["user_id"].unique():
        times = [getattr(made, part).filter(user_id=user)["time"].to_list() for part in PARTS]
        for before, after in ((0, 1), (0, 2), (1, 2)):
            assert max(times[before], default=-1) <= min(times[after], default=99)


@given(interactions, st.sampled_from(["time", "leave-one-out", "random"]), shares)
def test_every_user_can_be_trained_on(frame, protocol, share):
    made = splits.split(frame, protocol, test_share=share[0], valid_share=share[1])
    assert set(made.train["user_id"]) == set(frame["user_id"])
    assert made.candidates is None


@given(interactions, st.integers(0, 99), st.sampled_from(["item_id", "user_id"]))
def test_cold_ids_are_in_one_part_only(frame, seed, column):
    protocol = {"item_id": "cold-item", "user_id": "cold-user"}[column]
    made = splits.split(frame, protocol, test_share=0.4, valid_share=0.3, seed=seed)
    train, valid, test = (set(getattr(made, part)[column]) for part in PARTS)
    assert not train & valid and not train & test and not valid & test
    n = frame[column].n_unique()
    assert (len(valid), len(test)) == (int(0.3 * n), int(0.4 * n))
    assert made.candidates == (sorted(test, key=int) if column == "item_id" else None)


def test_seeds_differ():
    frame = table([(user, str(item), item) for user in "abc" for item in range(10)])
    made = [splits.split(frame, "cold-item", test_share=0.4, seed=seed) for seed in range(5)]
    assert len({tuple(one.candidates) for one in made}) > 1
    assert len({tuple(pairs(splits.split(frame, "random", test_share=0.4, seed=seed).test)) for seed in range(5)}) > 1


# --- cuts worked by hand


@pytest.mark.parametrize(
    ("events", "sizes"), [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (2, 0, 1)), (10, (8, 1, 1)), (25, (20, 2, 3))]
)
def test_time_cut_by_hand(events, sizes):
    made = splits.split(table(one_user(events)), "time")
    assert tuple(len(getattr(made, part)) for part in PARTS) == sizes
    assert pairs(made.test) == [("u", str(item)) for item in range(events - sizes[2], events)]


@pytest.mark.parametrize(("events", "sizes"), [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (6, (4, 1, 1))])
def test_leave_one_out_by_hand(events, sizes):
    made = splits.split(table(one_user(events)), "leave-one-out")
    assert tuple(len(getattr(made, part)) for part in PARTS) == sizes


def test_events_of_one_second_go_by_number_of_the_item():
    frame = table([("u", "10", 5), ("u", "9", 5), ("u", "11", 5), ("u", "2", 1)])
    made = splits.split(frame, "leave-one-out")
    assert [item for part in PARTS for _, item in pairs(getattr(made, part))] == ["2", "9", "10", "11"]
    letters = table([("u", "b", 5), ("u", "c", 5), ("u", "a", 5), ("u", "10", 1)])
    assert pairs(splits.split(letters, "leave-one-out").test) == [("u", "c")]


def test_without_times_the_order_of_the_table_stands():
    made = splits.split(table([("u", "3", 0), ("u", "1", 0), ("u", "2", 0)]), "leave-one-out")
    assert [pairs(getattr(made, part)) for part in PARTS] == [[("u", "3")], [("u", "1")], [("u", "2")]]


def test_a_repeat_is_not_asked_again():
    frame = table([("u", "1", 1), ("u", "2", 2), ("u", "3", 3), ("u", "1", 4)])
    made = splits.split(frame, "leave-one-out")
    assert pairs(made.valid) == [("u", "3")] and pairs(made.test) == []


@pytest.mark.parametrize("share", [(0.5, 0.5), (0, 0.1), (1, 0), (0.1, -0.1)])
def test_shares_must_leave_something(share):
    with pytest.raises(DataError, match="leave a share for training"):
        splits.split(table(one_user(3)), "time", test_share=share[0], valid_share=share[1])


# --- the judge


def test_time_split_equals_the_judges_warm_split(tmp_path):
    frame = movielens()
    judge().make_split(MOVIELENS, "warm", tmp_path / "warm")
    theirs = splits.read_folder(tmp_path / "warm", frame)
    ours = splits.split(frame, "time", test_share=0.1, valid_share=0.1)
    for part in PARTS:
        assert_frame_equal(getattr(ours, part), getattr(theirs, part))
    assert set(theirs.candidates) == set(frame["item_id"])
    assert theirs.protocol == "warm"


def test_cold_item_split_equals_the_judges(tmp_path):
    frame = movielens()
    judge().make_split(MOVIELENS, "cold", tmp_path / "cold", seed=3)
    theirs = splits.read_folder(tmp_path / "cold", frame)
    ours = splits.split(frame, "cold-item", test_share=0.2, valid_share=0, seed=3)
    assert ours.candidates == theirs.candidates
    assert (ours.seed, theirs.seed) == (3, 3)
    for part in PARTS:
        ids = ["user_id", "item_id"]
        assert_frame_equal(getattr(ours, part).sort(ids), getattr(theirs, part).sort(ids))


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("protocol", ["time", "cold-item"])
def test_the_judge_reads_our_folders_and_runs(tmp_path, protocol):
    frame = table([(str(user), str(item), item) for user in range(3) for item in range(10)])
    made = splits.split(frame, protocol, test_share=0.2, valid_share=0)
    splits.write(made, tmp_path / "split")
    asked = judge().Split(tmp_path / "split")
    assert {(str(u), str(i)) for u, items in asked.test.items() for i in items} == set(pairs(made.test))
    assert {(str(u), str(i)) for u, items in asked.seen.items() for i in items} == set(pairs(made.train))
    assert asked.candidates.tolist() == [int(item) for item in made.candidates or [str(i) for i in range(10)]]
    user, item = pairs(made.test)[0]
    runs.write(tmp_path / "run.tsv", [user], [item, "99"], np.array([[0, -1]]), np.array([[0.5, -np.inf]]))
    assert judge().read_run(tmp_path / "run.tsv", asked) == {int(user): [int(item)]}


# --- folders


@given(frame=interactions, protocol=st.sampled_from(PROTOCOLS))
def test_round_trip(tmp_path_factory, frame, protocol):
    # The random and the cold split keep no order between repeats of a pair, so their values cannot be told apart.
    frame = frame.unique(["user_id", "item_id"], keep="first", maintain_order=True)
    made = splits.split(frame, protocol, test_share=0.3, valid_share=0.2, seed=7)
    folder = tmp_path_factory.mktemp("split") / "it"
    splits.write(made, folder)
    back = splits.read_folder(folder, frame)
    for part in PARTS:
        assert_frame_equal(getattr(back, part), getattr(made, part))
    assert (back.candidates, back.protocol, back.seed) == (made.candidates, protocol, 7)
    assert not list(folder.parent.glob(".*")), "nothing is left beside it"


def test_repeats_take_their_values_in_turn(tmp_path):
    frame = table([("u", "1", 1), ("u", "2", 2), ("u", "1", 3), ("u", "3", 4)])
    made = splits.split(frame, "leave-one-out")
    splits.write(made, tmp_path / "it")
    assert_frame_equal(splits.read_folder(tmp_path / "it", frame).train, made.train)


def folder_of(path, **files):
    path.mkdir()
    whole = {"train": "u\t3\nu\t1\nv\t7\n", "test": "u\t2\n"} | files
    for name, text in whole.items():
        (path / f"{name}.tsv").write_text(text)
    (path / "candidates.txt").write_text("1\n2\n3\n")
    (path / "split.json").write_text('{"protocol": "kgat", "candidates": 3, "seed": 0}')
    return path


def test_pairs_without_a_match_keep_one_and_zero_and_their_order(tmp_path):
    folder = folder_of(tmp_path / "it")
    read = splits.read_folder(folder, table([("v", "7", 9)]))
    assert pairs(read.train) == [("u", "3"), ("u", "1"), ("v", "7")]
    assert read.train["time"].to_list() == [0, 0, 9]
    assert read.train["value"].to_list() == [1, 1, 0]
    assert read.valid.is_empty() and read.valid.schema == read.train.schema
    assert read.candidates == ["1", "2", "3"]
    assert splits.read(folder).train["time"].to_list() == [0, 0, 0]


def test_ids_are_text(tmp_path):
    frame = table([("007", '"quoted"', 1), ("007", "白色 运动鞋", 2), ("1e5", " ", 3), ("null", "NA", 4)])
    splits.write(splits.split(frame, "time", test_share=0.5, valid_share=0), tmp_path / "it")
    read = splits.read_folder(tmp_path / "it", frame)
    assert pairs(read.train) + pairs(read.test) == [
        ("007", '"quoted"'), ("1e5", " "), ("null", "NA"), ("007", "白色 运动鞋"),
    ]  # fmt: skip


def test_writing_replaces_a_split_and_nothing_else(tmp_path):
    made = splits.split(table(one_user(10)), "time")
    splits.write(made, tmp_path / "it")
    splits.write(splits.split(table(one_user(5)), "time"), tmp_path / "it")
    assert len(splits.read(tmp_path / "it").train) == 4
    assert not (tmp_path / "it" / "valid.tsv").exists()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="will not be replaced"):
        splits.write(made, mine)
    assert (mine / "thesis.txt").read_text() == "years of work"


def test_an_id_with_a_tab_is_refused(tmp_path):
    made = splits.split(table([("u", "a\tb", 1), ("u", "c", 2)]), "time")
    with pytest.raises(DataError, match="item_id 'a\\\\tb' has a tab"):
        splits.write(made, tmp_path / "it")
    assert not (tmp_path / "it").exists()


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("train.tsv", None, r"train\.tsv: no such file"),
        ("test.tsv", "u\n", r"test\.tsv: every line"),
        ("test.tsv", "u\t1\nu\n", r"test\.tsv: every line"),
        ("test.tsv", "u\t1\t5\n", r"test\.tsv: every line"),
        ("valid.tsv", "\t1\n", r"valid\.tsv: every line"),
        ("train.tsv", b"\xff\xfe\t1\n", r"train\.tsv"),
        ("candidates.txt", None, r"candidates\.txt"),
        ("split.json", None, r"split\.json: no such file; is .* a split folder"),
        ("split.json", "{", r"split\.json"),
        ("split.json", "[1]", r"split\.json: expected an object"),
    ],
)
def test_damaged_folders_are_refused(tmp_path, name, text, says):
    folder = folder_of(tmp_path / "it")
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=says):
        splits.read(folder)


def test_split_json_says_what_it_is(tmp_path):
    splits.write(splits.split(table(one_user(10)), "time"), tmp_path / "it")
    facts = json.loads((tmp_path / "it" / "split.json").read_text())
    assert facts == {"protocol": "time", "candidates": 10, "whole_catalogue": True, "seed": 0}


# --- runs


def test_run_round_trip(tmp_path):
    ranked, scores = np.array([[1, 0], [2, -1]]), np.array([[0.123456789, -1e-9], [3, -np.inf]])
    runs.write(tmp_path / "deep" / "run.tsv", ["u", "v"], ["a", "b", "c"], ranked, scores)
    lines = list(runs.read(tmp_path / "deep" / "run.tsv").iter_rows())
    assert lines == [("u", "b", 0.123456789), ("u", "a", -1e-9), ("v", "c", 3.0)]


def test_damaged_runs_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        runs.read(tmp_path / "none.tsv")
    (tmp_path / "run.tsv").write_text("u\ta\thigh\n")
    with pytest.raises(DataError, match="every line must be"):
        runs.read(tmp_path / "run.tsv")
