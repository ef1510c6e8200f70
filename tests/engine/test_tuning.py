"""The search for settings: it looks at validation only, goes on where it was, gives up early, tells an honest gain."""

import tomllib
from pathlib import Path

import numpy as np
import optuna
import polars as pl
import pytest
from optuna.trial import TrialState

from engine import config as configuration
from engine import space, tuning
from engine.assess import own_split
from engine.benchmark import Question
from engine.config import Config
from engine.describe import describe
from engine.errors import DataError
from engine.evaluation.splits import Split
from engine.tables import catalogue
from engine.tracking import Nothing
from engine.tuning import Limits
from tests.engine.command import weft
from tests.engine.two_kinds import write


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("tune") / "shop")


@pytest.fixture(scope="module")
def world(shop: Path) -> tuple:
    settings = configuration.load(shop / "weft.toml")
    tables = catalogue.read(settings)
    return tables, own_split(tables, settings), describe(tables, settings).features, settings


def search(world: tuple, file: Path, trials: int = 3, folds: int = 2, **limits: float) -> tuning.Found:
    return tuning.search(*world, file, Limits(trials, **limits), folds, lambda stage: None, Nothing())


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Trials cost nothing: the best is where EASE's penalty is 1000."""
    seen: list[float] = []

    def quality(asked: Question, features: object, config: Config) -> np.ndarray:
        seen.append(config.candidates.ease.l2)
        return np.full(len(asked.users), 1 - abs(np.log10(config.candidates.ease.l2 / 1000)))

    monkeypatch.setattr(tuning, "quality", quality)
    return seen


def test_from_the_command_line_it_writes_a_file_that_builds(shop: Path, tmp_path: Path) -> None:
    done = weft("tune", shop, "--trials", 3, "--folds", 1)
    assert done.exit_code == 0, done.stderr
    file = shop / "weft.tuned.toml"
    tuned, before = configuration.load(file), configuration.load(shop / "weft.toml")
    assert tuned.data == before.data and tuned.evaluation == before.evaluation
    assert "# " in file.read_text() and str(shop) not in file.read_text(), (
        "comments, and paths as they stand in the source"
    )
    assert (shop / "weft.tuned.study").is_file()
    assert f"weft build {file}" in done.stdout
    elsewhere = tmp_path / "deep" / "found.toml"
    assert weft("tune", shop, "--trials", 1, "--folds", 1, "--out", elsewhere).exit_code == 0
    assert configuration.load(elsewhere).data == before.data, "elsewhere its paths are whole"
    assert tomllib.loads(elsewhere.read_text())["evaluation"]["k"] == 5


def test_it_finds_what_is_better_and_tells_the_gain(world: tuple, judged: list[float], tmp_path: Path) -> None:
    found = search(world, tmp_path / "study", trials=20)
    before, after = found.changed["candidates.ease.l2"]
    assert before == 500 and abs(np.log10(after / 1000)) < abs(np.log10(0.5))
    assert found.start == pytest.approx(1 - np.log10(2)) and found.score > found.start
    assert found.gain.low > 0 and found.gain.mean == pytest.approx(found.score - found.start)
    assert judged[0] == 500, "it begins with the settings as they are"


def test_it_goes_on_where_it_was(world: tuple, judged: list[float], tmp_path: Path) -> None:
    search(world, tmp_path / "study", trials=4)
    seen = len(judged)
    assert search(world, tmp_path / "study", trials=4).trials == 4
    assert len(judged) - seen <= 2, "nothing but the confirmation"
    assert search(world, tmp_path / "study", trials=6).trials == 6


def test_a_search_that_was_killed_begins_again_with_the_start(
    world: tuple, judged: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = tuning.quality

    def cut(*arguments: object) -> np.ndarray:
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning, "quality", cut)
    with pytest.raises(KeyboardInterrupt):
        search(world, tmp_path / "study")
    monkeypatch.setattr(tuning, "quality", working)
    assert search(world, tmp_path / "study", trials=3).start == pytest.approx(1 - np.log10(2))


def test_what_falls_behind_is_given_up_after_a_fold(
    world: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def quality(asked: Question, features: object, config: Config) -> np.ndarray:
        calls.append(1)
        return np.full(len(asked.users), 0.5 if len(calls) <= 12 else 0.1)

    monkeypatch.setattr(tuning, "quality", quality)
    found = search(world, tmp_path / "study", trials=8)
    assert (found.trials, found.pruned) == (8, 2)
    assert len(calls) == 6 * 2 + 2 + 2 * bool(found.changed), "one fold each of the last two"


def test_the_time_is_kept(world: tuple, judged: list[float], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no trial was finished"):
        search(world, tmp_path / "study", minutes=0)
    assert not judged


def test_another_search_is_not_mixed_in(world: tuple, judged: list[float], tmp_path: Path) -> None:
    search(world, tmp_path / "study", trials=1)
    with pytest.raises(DataError, match="a search with other folds"):
        search(world, tmp_path / "study", trials=1, folds=1)
    tables, split, features, settings = world
    with pytest.raises(DataError, match="a search with other settings"):
        search((tables, split, features, settings.model_copy(update={"seed": 1})), tmp_path / "study", trials=1)


def pairs(frame: pl.DataFrame) -> set[tuple[str, str]]:
    return set(frame.select("user_id", "item_id").iter_rows())


@pytest.mark.parametrize("protocol", ["time", "cold-item", "cold-user", "random", "leave-one-out"])
def test_nothing_of_the_test_or_of_the_confirmation_is_looked_at(world: tuple, protocol: str) -> None:
    tables, _, _, settings = world
    settings = settings.model_copy(update={"evaluation": settings.evaluation.model_copy(update={"split": protocol})})
    split = own_split(tables, settings)
    confirming, *folds = tuning.cuts(split, settings, 2)
    assert len(folds) == 2 and len({frozenset(pairs(one.test)) for one in folds}) == 2
    for one in folds:
        assert not (pairs(one.train) | pairs(one.test)) & (pairs(split.test) | pairs(confirming.test))
        assert len(one.test) and not pairs(one.test) & pairs(one.train)
    assert not (pairs(confirming.train) | pairs(confirming.test)) & pairs(split.test)


def test_a_split_from_outside_is_taken_for_what_it_looks_like() -> None:
    frame = pl.DataFrame({"user_id": ["a"], "item_id": ["x"]})
    assert tuning.protocol_of(Split(frame, frame.clear(), frame, ["x"], "warm", 0)) == "time"
    assert tuning.protocol_of(Split(frame, frame.clear(), frame, ["y"], "judge's own", 0)) == "cold-item"
    assert tuning.protocol_of(Split(frame, frame.clear(), frame, None, "random", 0)) == "random"


def test_every_knob_turns_a_key_within_its_bounds() -> None:
    assert {knob.key for knob in space.knobs(Config())} == {knob.key for knob in space.SPACE}
    for knob in space.SPACE:
        for value in (knob.low, knob.high):
            turned = space.put(Config(), {knob.key: int(value) if knob.scale == "count" else value})
            assert Config.model_validate(turned.model_dump()) == turned
            assert space.get(turned, knob.key) == value
        assert knob.low <= space.get(Config(), knob.key) <= knob.high, f"{knob.key}: the default is outside"


def test_what_is_off_is_not_turned_and_a_range_holds_the_start() -> None:
    config = Config.model_validate(
        {
            "candidates": {"gnn": {"enabled": False}, "ease": {"l2": 9000.0}, "content": {"image": 0.0}},
            "fusion": {"rerank": False, "l2": 0.0},
        }
    )
    found = {knob.key: knob for knob in space.knobs(config)}
    assert not any(key.startswith("candidates.gnn") for key in found)
    assert not {"fusion.l2", "fusion.depth", "fusion.share"} & found.keys()
    assert found["candidates.ease.l2"].high == 9000 and "candidates.content.image" in found


def test_counts_are_whole_numbers() -> None:
    study = optuna.create_study()
    trial = study.ask()
    knob = next(knob for knob in space.SPACE if knob.scale == "count")
    assert isinstance(space.suggest(trial, knob), int)
    study.tell(trial, 0.0)
    assert study.trials[0].state == TrialState.COMPLETE
