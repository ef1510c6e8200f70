"""Experiments of the service: the file, who is in which arm, what is logged, what it tells, and what erasing leaves."""

import json
import shutil
import sqlite3
import time
from collections import Counter
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from engine import Engine
from engine.errors import ConfigError
from engine.evaluation import offpolicy
from engine.service import outcomes
from engine.service.app import create
from engine.service.eventlog import Entry, EventLog
from engine.service.experiments import Experiments, read
from engine.service.exposures import Exposure, Exposures
from engine.service.settings import Settings
from tests.engine.command import weft
from tests.engine.test_service import problem

FILE = """
[[experiment]]
name = "varied"
arms = [{ name = "as it is" }, { name = "varied", settings = { diversity = 8, explore = 1 } }]

[[experiment]]
name = "taste"
on = "search"
share = 0.5
arms = [{ name = "half" }, { name = "none", weight = 3, settings = { personal = 0 } }]
""".replace("as it is", "as-it-is")
USERS = [f"u{number:04}" for number in range(4000)]
DAY = outcomes.DAY


def write(folder: Path, text: str = FILE) -> Path:
    path = folder / "experiments.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def running(tmp_path: Path) -> Experiments:
    return read(write(tmp_path))


@pytest.fixture
def artefact(small_artefact: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_artefact, tmp_path / "artefact"))


def served(artefact: Path, text: str = FILE) -> TestClient:
    settings = Settings(experiments=write(artefact.parent, text))
    return TestClient(create(Engine.load(artefact), artefact.with_suffix(".events"), artefact, settings))


# The file


GOOD = '[[experiment]]\nname = "a"\narms = [{ name = "x" }, { name = "y" }]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + 'shar = 0.5', ["experiment 1 'a'", "`shar`", "`share`"]),
        (GOOD.replace('"y"', '"y", settings = { divresity = 1 }'), ["`arms.2.settings.divresity`", "`diversity`"]),
        (GOOD.replace('"y"', '"y", wieght = 1'), ["`arms.2.wieght`", "`weight`"]),
        (GOOD.replace('"y"', '"y", weight = 0'), ["`arms.2.weight`", "greater than 0", "got 0"]),
        (GOOD.replace('"y"', '"x"'), ["two arms have the same name"]),
        (GOOD.replace('"y"', '"y", settings = { personal = 0 }'), ["`personal` is nothing", "recommend"]),
        (GOOD.replace('"y"', '"y", settings = { mode = "interest", explore = 1 }'), ["mode interest"]),
        (GOOD.replace('"a"', '"a/b"'), ["`name`", "got 'a/b'"]),
        (GOOD + GOOD, ["name or salt 'a'"]),
        (GOOD + GOOD.replace('"a"', '"b"'), ["nobody is left for 'b'"]),
        (GOOD + 'share = 0.5\n' + GOOD.replace('"a"', '"b"\nsalt = "a"'), ["name or salt 'a'"]),
        ('[[experiments]]', ["`experiments`", "`experiment`"]),
        ('[[experiment]]\nname = "a"', ["experiment 1 'a'", "`arms`", "required"]),
        (GOOD.replace(', { name = "y" }', ""), ["fewer than two arms"]),
        ('experiment = [3]', ["experiment 1", "got 3"]),
        ('[[experiment', ["TOML"]),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_told_with_its_key(tmp_path: Path, text: str, words: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert all(word in str(caught.value) for word in [str(path), *words]), str(caught.value)
    assert len(str(caught.value).splitlines()) == 1 or "TOML" in words


def test_a_service_does_not_start_with_a_mistake(artefact: Path) -> None:
    with pytest.raises(ConfigError, match="shar"):
        served(artefact, GOOD + "shar = 1")


# Who is in which arm


def test_users_are_shared_out_by_the_weights_and_evenly(running: Experiments) -> None:
    varied, taste = running.experiment
    arms = Counter(arm.name for user in USERS if (arm := varied.arm_of(user)))
    assert arms.total() == len(USERS)
    assert stats.chisquare([arms["as-it-is"], arms["varied"]]).pvalue > 0.01
    arms = Counter(arm.name for user in USERS if (arm := taste.arm_of(user)))
    assert stats.binomtest(arms.total(), len(USERS), 0.5).pvalue > 0.01
    assert stats.binomtest(arms["none"], arms.total(), 0.75).pvalue > 0.01


def test_two_experiments_share_users_out_independently(running: Experiments) -> None:
    varied, taste = running.experiment
    pairs = Counter(
        (one.name, other.name) for user in USERS if (one := varied.arm_of(user)) and (other := taste.arm_of(user))
    )
    table = [[pairs[one, other] for other in ("half", "none")] for one in ("as-it-is", "varied")]
    assert stats.chi2_contingency(table).pvalue > 0.01
    same = varied.model_copy(update={"name": "other", "salt": "varied"})
    assert all(varied.arm_of(user) == same.arm_of(user) for user in USERS[:100])


@given(st.text(max_size=20), st.text(min_size=1, max_size=20))
def test_every_user_has_one_arm_for_good(user: str, salt: str) -> None:
    tree = {"name": "a", "salt": salt, "share": 0.5, "arms": [{"name": "x"}, {"name": "y", "weight": 0.01}]}
    first, again = (Experiments.model_validate({"experiment": [tree]}).assigned("recommend", user) for _ in range(2))
    assert first == again


def test_of_experiments_on_the_same_answers_a_user_is_in_one() -> None:
    arms = [{"name": "x"}, {"name": "y"}]
    trees = [{"name": "a", "share": 0.5, "arms": arms}, {"name": "b", "share": 0.5, "arms": arms}]
    both = Experiments.model_validate({"experiment": trees})
    found = Counter(one.experiment.name if (one := both.assigned("recommend", user)) else "" for user in USERS)
    assert stats.chisquare([found["a"], found["b"], found[""]], [2000, 1000, 1000]).pvalue > 0.01


# What is shown and logged


def test_an_arm_changes_the_list_and_says_so(artefact: Path) -> None:
    plain = Engine.load(artefact)
    with served(artefact) as client:
        assert client.get("/v1/experiments").json()["experiments"][1]["arms"][1]["settings"]["personal"] == 0
        for user in ("u0001", "u0002", "u0003", "u0004"):
            told = client.get("/v1/recommend", params={"user": user, "n": 5}).json()
            ids = [one["item_id"] for one in told["items"]]
            usual = [one.item_id for one in plain.recommend(user=user, n=5)]
            assert told["experiment"] == "varied"
            if told["arm"] == "as-it-is":
                assert ids == usual
            else:
                assert ids[:4] == [one.item_id for one in plain.recommend(user=user, n=4, diversity=8)]
        for params in ({"history": "p0001"}, {"user": "u0001", "diversity": 0}, {"user": "u0001", "mode": "interest"}):
            assert client.get("/v1/recommend", params=params).json()["experiment"] is None
    log = EventLog(artefact.with_suffix(".events"))
    logged = log.exposures("varied")
    assert [one.user for one in logged] == ["u0001", "u0002", "u0003", "u0004"]
    assert {one.arm for one in logged} == {"as-it-is", "varied"}  # or this test sees one of them only
    for one in logged:
        assert len(one.items) == 5
        assert (one.propensities is None) == (one.arm == "as-it-is")
        assert one.propensities is None or (one.propensities[:4] == [1] * 4 and 0 < one.propensities[4] < 1)
    log.close()


def test_a_search_is_by_its_arm(artefact: Path) -> None:
    text = FILE.replace("share = 0.5", "").replace("weight = 3", "weight = 1000000")
    with served(artefact, text) as client:
        found = client.get("/v1/search", params={"q": "shoes", "user": "u0001"}).json()
        asked = client.get("/v1/search", params={"q": "shoes", "history": "p0001", "personal": 0}).json()
    assert (found["experiment"], found["arm"], found["personal"]) == ("taste", "none", False)
    assert [one["item_id"] for one in found["items"]] == [one["item_id"] for one in asked["items"]]
    assert asked["experiment"] is None


def test_results_count_users_whose_days_are_over(artefact: Path) -> None:
    path, now = artefact.with_suffix(".events"), int(time.time())
    EventLog(path).close()
    past = Exposures(path)
    for number, user in enumerate(USERS[:600]):
        arm = "varied" if number % 2 else "as-it-is"
        past.add(Exposure(now - 9 * DAY, 0, user, "varied", arm, ["p0001", "p0002"], 0, None, {}))
    past.close()
    with served(artefact) as client:
        choices = [user for number, user in enumerate(USERS[:600]) if number % 2 and number % 3]
        events = [{"user_id": user, "item_id": "p0002", "time": now - 8 * DAY} for user in choices]
        assert client.post("/v1/events", json=events).status_code == 201
        fresh = client.get("/v1/recommend", params={"user": "somebody"}).json()
        told = client.get("/v1/experiments/varied/results").json()
        problem(client.get("/v1/experiments/none/results"), 404)
    base, arm = told["arms"]
    assert (base["users"], base["mean"], arm["users"]) == (300, 0, 300)
    assert arm["mean"] == arm["difference"] == pytest.approx(len(choices) / 300)
    assert 0 < arm["anytime"]["low"] < arm["fixed"]["low"] < arm["mean"] < arm["fixed"]["high"] < arm["anytime"]["high"]
    assert base["difference"] is base["fixed"] is base["anytime"] is None
    assert told["waiting"] == 1 and {one["name"]: one["exposed"] for one in told["arms"]}[fresh["arm"]] == 301
    assert not told["mismatch"] and told["moved"] == 0


# What came of it


def exposure(user: str, at: int, *items: str, arm: str = "as-it-is", skipped: int = 0) -> Exposure:
    return Exposure(at, 0, user, "varied", arm, list(items), skipped, None, {})


def logged(folder: Path, shown: list[Exposure], events: list[Entry]) -> EventLog:
    log = EventLog(folder / "events")
    written = Exposures(log.path)
    for each in shown:
        written.add(each)
    written.close()
    log.append(events)
    return log


def test_only_what_was_shown_before_counts_and_only_within_the_days(running: Experiments, tmp_path: Path) -> None:
    one = running.experiment[0].model_copy(update={"reward": "count"})
    shown = [
        exposure("a", 100, "p1", "p2"), exposure("b", 100, "p1"), exposure("c", 100, "p1", "p2", skipped=1),
        exposure("d", 100, "p1"), exposure("d", 200, "p2", arm="varied"), exposure("e", 100, "p1"),
        exposure("帽🧢", 100, "👒", "p1"), exposure("f", 100),
    ]  # fmt: skip
    events = [
        Entry("a", "p1", "chosen", 1, 100), Entry("a", "p2", "chosen", 1, 300), Entry("a", "p2", "chosen", 1, 400),
        Entry("b", "p1", "chosen", 1, 99), Entry("b", "p2", "chosen", 1, 200),  # before, and not shown
        Entry("c", "p1", "chosen", 1, 200),  # which came with a page before
        Entry("d", "p2", "chosen", 1, 150), Entry("d", "p2", "chosen", 1, 100 + 7 * DAY),
        Entry("e", "p1", "chosen", 1, 101 + 7 * DAY), Entry("e", "p1", "hide", 1, 200),
        Entry("帽🧢", "👒", "chosen", 1, 101),
    ]  # fmt: skip
    log = logged(tmp_path, shown, events)
    found = outcomes.rewards(one, log.shown("varied"), log.table("chosen"))
    expected = {"a": 2, "b": 0, "c": 0, "d": 1, "e": 0, "f": 0, "帽🧢": 1}
    assert dict(found.select("user_id", "reward").iter_rows()) == expected
    told = outcomes.results(one, log, 100 + 7 * DAY)
    assert (told.moved, told.waiting, told.exposed) == (1, 0, {"as-it-is": 7, "varied": 0})
    assert outcomes.results(one, log, 99 + 7 * DAY).waiting == 7
    chosen = outcomes.rewards(running.experiment[0], log.shown("varied"), log.table("chosen"))
    assert chosen.filter(user_id="a")["reward"].item() == 1
    assert log.shown("varied")["item"].to_list() == [list(each.shown) for each in shown]
    log.close()


def test_without_exposures_there_is_nothing_to_tell(running: Experiments, tmp_path: Path) -> None:
    log = logged(tmp_path, [], [Entry("a", "p1", "chosen", 1, 100)])
    told = outcomes.results(running.experiment[0], log, 0)
    log.close()
    assert [arm.users for arm in told.compared.arms] == [0, 0] and not told.mismatch


def test_exposures_are_a_log_for_another_policy(artefact: Path) -> None:
    """The chance that the engine that was served gives its own items is the one that it logged, whatever came since."""
    text = FILE.replace("diversity = 8, ", "").replace('{ name = "as-it-is" }, ', '{ name = "x", weight = 1e-6 }, ')
    with served(artefact, text) as client:
        client.post("/v1/events", json={"user_id": "u0001", "item_id": "p0003", "time": int(time.time()) - 60})
        for user in ("u0001", "u0002", "newcomer"):
            for params in (
                {},
                {"exclude": "p0007"},
                {"skip": 3, "n": 3},
                {"context": "p0005"},
                {"where": '{"brand": "Nike"}'},
            ):
                client.get("/v1/recommend", params={"user": user, **params})
        drawn = client.get("/v1/recommend", params={"user": "u0002"}).json()["items"][-1]["item_id"]
        client.post("/v1/events", json={"user_id": "u0002", "item_id": drawn})
    log = EventLog(artefact.with_suffix(".events"))
    one, engine = read(artefact.parent / "experiments.toml").experiment[0], Engine.load(artefact)
    events, shown = list(log.after()), log.exposures("varied")
    log.close()
    later = time.time() + 8 * DAY
    table = outcomes.draws(one, shown, events, later, engine)
    assert len(shown) == 16
    drawn_by_chance = [one for one in shown if one.propensities and one.propensities[-1] < 1]
    assert len(drawn_by_chance) == 13  # of the brand one item is left for the last place: it is no draw
    assert table.height == len(drawn_by_chance)
    assert table["target"].to_list() == pytest.approx(table["propensity"].to_list(), rel=1e-4)
    assert table["reward"].sum() == 1 and table.filter(reward=1)["item_id"].item() == drawn
    assert offpolicy.estimate(table).weight.mean == pytest.approx(1, abs=1e-4)
    assert not outcomes.draws(one, shown, events, time.time(), engine).height


# The file of the log


def rows(path: Path) -> list[str]:
    with sqlite3.connect(path) as base:
        found = [row[0] for row in base.execute("select user from exposures order by seq")]
    base.close()
    return found


def test_an_exposure_is_written_as_it_was_and_by_itself(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events")
    written = Exposures(tmp_path / "events")
    one = Exposure(
        5, 3, "用户", "e", "a", ["p1", "帽"], 1, [1.0, 0.25], {"where": '{"a": "\ud800"}', "exclude": ["p2"]}
    )
    written.add(one)
    until = time.monotonic() + 60
    while not rows(tmp_path / "events") and time.monotonic() < until:
        time.sleep(0.05)
    assert log.exposures("e") == [one] and log.exposures("other") == []
    written.close()
    log.close()


def test_who_is_erased_is_in_no_file_and_does_not_come_back(artefact: Path) -> None:
    with served(artefact) as one, served(artefact) as other:
        for client in (one, other):
            client.get("/v1/recommend", params={"user": "vanishing"})
            client.get("/v1/recommend", params={"user": "staying"})
        other.get("/v1/experiments/varied/results")  # writes what waits
        assert rows(artefact.with_suffix(".events")).count("vanishing") >= 1
        one.get("/v1/recommend", params={"user": "vanishing"})
        other.get("/v1/recommend", params={"user": "vanishing"})  # both wait, in two processes or as good as
        assert one.delete("/v1/users/vanishing").status_code == 200
    assert set(rows(artefact.with_suffix(".events"))) == {"staying"}
    for path in artefact.parent.rglob("*"):
        if path.is_file():
            assert b"vanishing" not in path.read_bytes(), path


def test_a_disk_that_takes_nothing_loses_exposures_and_no_answers(
    artefact: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with served(artefact) as client:
        with sqlite3.connect(artefact.with_suffix(".events")) as base:
            base.execute("alter table exposures rename to away")
        base.close()
        assert client.get("/v1/recommend", params={"user": "u0001"}).status_code == 200
        client.get("/v1/experiments")
    assert "exposures cannot be written" in caplog.text and "1 of them are lost" in caplog.text


def test_without_experiments_nothing_is_logged(artefact: Path) -> None:
    with TestClient(create(Engine.load(artefact), artefact.with_suffix(".events"), artefact)) as client:
        told = client.get("/v1/recommend", params={"user": "u0001"}).json()
        assert told["experiment"] is None and client.get("/v1/experiments").json() == {"experiments": []}
    assert rows(artefact.with_suffix(".events")) == []


# The command line


def test_the_command_line_tells_results_and_writes_a_log_of_draws(artefact: Path) -> None:
    text, log = FILE.replace("diversity = 8, ", ""), artefact.with_suffix(".events")
    with served(artefact, text) as client:
        for user in USERS[:10]:
            client.get("/v1/recommend", params={"user": user})
    file, out = str(artefact.parent / "experiments.toml"), artefact.parent / "log.csv"
    told = weft("experiments", "results", file, "--events", str(log), "--name", "varied")
    assert told.exit_code == 0 and "10 users wait" in told.stdout
    data = weft("experiments", "results", file, "--events", str(log), "--name", "varied", "--json")
    assert sum(arm["exposed"] for arm in json.loads(data.stdout)["arms"]) == 10
    late = text.replace('name = "varied"\n', 'name = "varied"\ndays = 1e-9\n')
    write(artefact.parent, late)
    made = weft(
        "experiments", "draws", file, str(artefact), "--events", str(log), "--name", "varied", "--out", str(out)
    )
    assert made.exit_code == 0, made.stderr
    drawn = sum(arm["exposed"] for arm in json.loads(data.stdout)["arms"] if arm["name"] == "varied")
    assert f"{drawn} drawn places" in made.stdout
    judged = weft("offpolicy", str(out))
    assert judged.exit_code == 0 and "SNIPS" in judged.stdout
    wrong = weft("experiments", "results", file, "--events", str(artefact.parent / "none"), "--name", "varied")
    assert wrong.exit_code == 2 and "no such log" in wrong.stderr
    assert "varied, taste" in weft("experiments", "results", file, "--events", str(log)).stderr
