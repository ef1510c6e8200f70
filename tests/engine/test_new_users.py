"""New users of the bench: held out whole, told their first events alone, and asked for what follows."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

BENCH = Path(__file__).parents[2] / "scripts" / "bench"
sys.path[:0] = [str(BENCH), str(BENCH / "peers")]

import new_users as bench  # noqa: E402
import newcomers  # noqa: E402
import peer_split  # noqa: E402

from engine.evaluation import splits  # noqa: E402

USERS, ITEMS = 20, [str(item) for item in range(40)]


def events(lengths: list[int]) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        (str(user), str(item), 4.0, time)
        for user, length in enumerate(lengths)
        for time, item in enumerate(rng.permutation(len(ITEMS))[:length])
    ]
    schema = {"user_id": pl.String, "item_id": pl.String, "value": pl.Float32, "time": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.fixture
def split():
    return bench.new_users(events([20] * USERS), ITEMS, seed=0, first=10)


def test_new_users_are_held_out_whole(split):
    new = set(split.test["user_id"])
    assert len(new) == USERS // 5
    assert new == set(split.valid["user_id"])
    assert new.isdisjoint(split.train["user_id"])
    assert set(bench.new_users(events([20] * USERS), ITEMS, seed=1, first=10).test["user_id"]) != new


def test_the_first_ten_are_told_and_the_rest_asked(split):
    for user in set(split.test["user_id"]):
        first, rest = (part.filter(pl.col("user_id") == user)["time"].to_list() for part in (split.valid, split.test))
        assert (first, rest) == (list(range(10)), list(range(10, 20)))
    early = bench.new_users(events([20] * USERS), ITEMS, seed=0, first=3)
    assert early.train.equals(split.train)
    assert early.test["time"].to_list() == list(range(3, 20)) * (USERS // 5)


def test_who_did_little_is_neither_asked_nor_learned_from():
    short = bench.new_users(events([14] * USERS), ITEMS, seed=0, first=10)
    assert short.test.is_empty()
    assert short.valid.is_empty()
    assert short.train["user_id"].n_unique() == USERS - USERS // 5


def test_peers_are_told_what_weft_is(split, tmp_path):
    splits.write(split, tmp_path / "split")
    task = newcomers.task(tmp_path / "split")
    users, items = task.split.users, task.split.items
    assert {users[user] for user in task.known.users} == set(split.train["user_id"])
    for length in (0, 1, 3, 10):
        told = task.told(length)
        theirs = {(users[user], items[item]) for user, item in zip(told.users, told.items, strict=True)}
        assert theirs == set(split.valid.filter(pl.col("time") < length).select("user_id", "item_id").iter_rows())
        assert len(theirs) == length * USERS // 5
    asked = {(users[user], items[item]) for user, item in zip(task.answers.users, task.answers.items, strict=True)}
    assert asked == set(split.test.select("user_id", "item_id").iter_rows())


def test_a_run_shows_none_of_the_first_ten(split, tmp_path):
    splits.write(split, tmp_path / "split")
    task = newcomers.task(tmp_path / "split")
    flat = newcomers.linear(np.ones((len(task.split.items),) * 2))
    peer_split.write_run(tmp_path / "run.tsv", task.split, lambda users: flat(task.told(1), users))
    shown = {tuple(line.split("\t")[:2]) for line in (tmp_path / "run.tsv").read_text().splitlines()}
    assert shown.isdisjoint(split.valid.select("user_id", "item_id").iter_rows())
    assert len(shown) == (len(ITEMS) - 10) * USERS // 5
