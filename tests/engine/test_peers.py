"""What the peers beside Weft are given and what they write: nothing of the test, and lists that the judge takes."""

import json
import sys
from argparse import Namespace
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from engine.evaluation import runs, splits

HERE = Path(__file__).parents[2] / "scripts" / "bench" / "peers"
sys.path.insert(0, str(HERE))

import environments  # noqa: E402
import peer_choice  # noqa: E402
import peer_split  # noqa: E402
import peer_table  # noqa: E402
import run  # noqa: E402

TRAIN = {"b": ["4", "2", "9", "7"], "a": ["1", "2", "3"], "c": ["9"]}
TEST = {"a": ["7", "8"], "d": ["1"]}


def written(folder: Path, candidates: list[str], valid: dict[str, list[str]] | None = None) -> Path:
    for name, lists in (("train", TRAIN), ("valid", valid), ("test", TEST)):
        if lists:
            lines = [f"{user}\t{item}\n" for user, items in lists.items() for item in items]
            (folder / f"{name}.tsv").write_text("".join(lines))
    (folder / "candidates.txt").write_text("".join(f"{item}\n" for item in candidates))
    (folder / "split.json").write_text(json.dumps({"protocol": "warm", "seed": 0}))
    return folder


def named(split: peer_split.Split, events: peer_split.Events) -> dict[str, list[str]]:
    found = defaultdict(list)
    for user, item in zip(events.users, events.items, strict=True):
        found[split.users[user]].append(split.items[item])
    return dict(found)


@pytest.fixture
def warm(tmp_path):
    return peer_split.read(written(tmp_path, list("123456789")))


def test_reads_what_weft_reads(tmp_path, warm):
    theirs = splits.read(tmp_path)
    ours = defaultdict(list)
    for user, item in theirs.train.select("user_id", "item_id").iter_rows():
        ours[user].append(item)
    assert named(warm, warm.known) == dict(ours) == TRAIN
    assert [warm.users[user] for user in warm.asked] == ["a", "d"]
    assert {warm.items[item] for item in warm.candidates} == set(theirs.candidates)
    assert warm.valid is None
    assert not warm.cold


def test_holds_out_the_last_events_and_nothing_of_the_test(warm):
    early, asked, shown = peer_choice.hold_out(warm)
    assert named(warm, early) == {"b": ["4", "2", "9"], "a": ["1", "2"], "c": ["9"]}
    assert named(warm, asked) == {"b": ["7"], "a": ["3"]}
    assert set(shown) == set(warm.candidates)
    assert not {(user, item) for user, items in TEST.items() for item in items} & {
        (user, item) for events in (early, asked) for user, items in named(warm, events).items() for item in items
    }


def test_validation_of_the_split_is_what_is_asked(tmp_path):
    split = peer_split.read(written(tmp_path, list("123456789"), {"a": ["4", "5"], "c": ["2"]}))
    early, asked, _ = peer_choice.hold_out(split)
    assert named(split, early) == TRAIN
    assert named(split, asked) == {"a": ["4", "5"], "c": ["2"]}
    assert named(split, split.known)["a"] == ["1", "2", "3", "4", "5"]


def test_cold_items_hide_known_items_in_turn(tmp_path):
    split = peer_split.read(written(tmp_path, ["5", "6"]))
    assert split.cold
    early, asked, shown = peer_choice.hold_out(split)
    assert not set(shown) & set(split.candidates)
    assert set(asked.items) <= set(shown)
    assert not set(early.items) & set(shown)
    assert len(early.items) + len(asked.items) == len(split.known.items)


def test_run_file_has_unseen_candidates_best_first(tmp_path, warm):
    values = np.arange(len(warm.items), dtype=float)
    values[warm.items.index("8")] = -np.inf
    peer_split.write_run(tmp_path / "made" / "one.tsv", warm, lambda users: np.tile(values, (len(users), 1)))
    made = runs.read(tmp_path / "made" / "one.tsv")
    for user in ("a", "d"):
        lines = made.filter(user_id=user)
        items = lines["item_id"].to_list()
        assert set(items) == set("12345679") - set(TRAIN.get(user, []))
        assert lines["score"].is_sorted(descending=True)
    assert made["user_id"].n_unique() == 2


def test_the_best_settings_on_validation_are_learned_on_everything(tmp_path, warm):
    learned = []

    def fit(known, settings, seed):
        learned.append(named(warm, known))
        for epochs in (1, 2, 3):
            scores = known.matrix().sum(0).A1 * 0.0
            scores[[warm.items.index("7"), warm.items.index("3")]] = settings["right"] * (epochs == 2)
            yield epochs, lambda users, scores=scores: np.tile(scores, (len(users), 1))

    choice = Namespace(split=tmp_path, out=tmp_path, model="toy", seed=0, budget=60, given="", chosen=None)
    peer_choice.compete(choice, fit, [{"right": -1.0}, {"right": 1.0}], {})
    facts = json.loads((tmp_path / "toy.json").read_text())
    assert facts["chosen"]["settings"] == {"right": 1.0}
    assert facts["chosen"]["epochs"] == 2
    assert learned[-1] == TRAIN
    assert all("7" not in known["b"] for known in learned[:-1])
    assert (tmp_path / "toy.tsv").exists()


def test_names_of_models():
    assert run.wanted("cornac,implicit:als") == [("cornac", "vbpr"), ("cornac", "vbpr-text"), ("implicit", "als")]
    with pytest.raises(SystemExit, match="no such peer"):
        run.wanted("implicit:kgat")


def test_an_environment_that_cannot_be_made_is_a_row_with_its_error(tmp_path, monkeypatch):
    monkeypatch.setattr(environments, "ready", lambda peer: environments.Environment(tmp_path, "no such wheel"))
    choice = Namespace(seeds=[0], items=tmp_path, runs=tmp_path)
    row = run.compete("implicit", "als", False, choice)
    assert "not installed: no such wheel" in peer_table.line(row)
    assert run.UNSEEN in peer_table.line(run.compete("implicit", "als", True, choice))


def test_published_figures_stand_apart():
    rows = [{"peer": "popularity", "recall@20": 0.1, "ndcg@20": 0.05, "seeds": [0]}]
    first, second = peer_table.table(rows, [{"name": "KGAT", "recall@20": 0.15, "ndcg@20": None}]).split("\n\n")
    assert "KGAT" not in first
    assert second.startswith("| published, not measured here |")
