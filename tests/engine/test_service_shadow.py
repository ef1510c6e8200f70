"""A shadow: another artefact answers in the background, is compared, and does nobody any harm."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from engine import Engine
from engine.service import shadow
from engine.service.app import create
from engine.service.shadowing import correlation, overlap
from tests.engine.test_service import problem
from tests.engine.test_service_users import naming


@pytest.fixture
def folder(small_artefact: Path, tmp_path: Path) -> Path:
    """Of two artefacts that are the same."""
    for name in ("first", "second"):
        shutil.copytree(small_artefact, tmp_path / name)
    return tmp_path


@pytest.fixture
def served(folder: Path) -> Callable[[], TestClient]:
    return lambda: TestClient(create(Engine.load(folder / "first"), folder / "events", folder / "first"))


def until(client: TestClient, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What is told of the shadow once it is so."""
    end = time.monotonic() + 300
    while not true(told := client.get("/v1/shadow").json()):
        assert time.monotonic() < end, told
        time.sleep(0.1)
    return told


def started(*clients: TestClient) -> list[TestClient]:
    """Switch it on for all answers; the one that has it comes first."""
    assert clients[0].post("/v1/shadow", json={"name": "second", "share": 1}).json()["name"] == "second"
    end = time.monotonic() + 300
    while True:
        told = {client: client.get("/v1/shadow").json() for client in clients}
        if any(one["ready"] for one in told.values()):
            return sorted(clients, key=lambda client: not told[client]["ready"])
        assert time.monotonic() < end and not any(one["trouble"] for one in told.values()), told
        time.sleep(0.1)


def compared(client: TestClient, on: str, many: int) -> dict[str, Any]:
    return until(client, lambda told: told["on"].get(on, {}).get("compared") == many)["on"][on]


def processes() -> set[int]:
    """Shadows of this process that run."""
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = {int(pid) for one in children for pid in one.read_text().split()}
    return {pid for pid in pids if b"engine.service.shadowing" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def test_what_two_lists_have_in_common() -> None:
    assert overlap(["a", "b", "c", "d"], ["b", "x", "a", "y"]) == 0.5
    assert overlap(["a"], ["a", "b"]) == 0.5 and overlap([], []) == 1 and overlap(["a"], []) == 0
    assert correlation(["a", "b", "c", "d"], ["c", "x", "b", "a"]) == -1
    assert correlation(["a", "b", "c"], ["a", "b", "c"]) == 1
    assert correlation(["a", "b", "c"], ["b", "a", "c"]) == pytest.approx(1 / 3)
    assert correlation(["a", "b"], ["b", "x"]) is None and correlation([], []) is None


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that run at the same time would keep a shadow behind them waiting."""
    monkeypatch.setattr(shadow, "BEHIND", 0)


def test_the_same_artefact_agrees_whatever_is_asked_and_goes_when_it_is_switched_off(
    served: Callable[[], TestClient],
) -> None:
    with served() as one, served() as two:
        client, other = started(one, two)  # of two services over one log one has it
        other.get("/v1/recommend", params={"user": "u0001"})
        assert other.get("/v1/shadow").json() | {"ready": True} == client.get("/v1/shadow").json()
        assert len(processes()) == 1
        client.post("/v1/items", json={"item_id": "n1", "title": "Wombat lamp"})
        client.post("/v1/events", json=[{"user_id": "newcomer", "item_id": item} for item in ("n1", "p0003")])
        more = [{}, {"exclude": "p0007", "n": 5}, {"skip": 3}, {"context": "p0005"}, {"where": '{"brand": "Nike"}'}]
        for params in more:
            for user in ("u0001", "newcomer"):
                assert client.get("/v1/recommend", params={"user": user, **params}).status_code == 200
        client.get("/v1/recommend", params={"history": ["n1", "p0001"], "sensitive": "x", "diversity": 8})
        client.get("/v1/recommend", params={"user": "u0001", "explore": 1})  # by chance: it is not compared
        lists = compared(client, "recommend", 11)
        assert lists["overlap"] == lists["correlation"] == 1 and lists["missed"] == {}
        assert lists["shadow_ms"] > 0 and lists["shown_ms"] > 0
        nothing = {"q": "lamp", "where": '{"price": [1, 1]}'}
        for params in ({"q": "wombat"}, {"q": "白色运动鞋", "user": "u0001"}, nothing):
            assert client.get("/v1/search", params=params).status_code == 200
        assert compared(client, "search", 3)["overlap"] == 1
        assert 'weft_shadow_overlap_count{artefact="second",on="search"} 3.0' in client.get("/metrics").text
        assert other.delete("/v1/shadow").json()["name"] is None
        end = time.monotonic() + 60
        while processes() and time.monotonic() < end:
            time.sleep(0.1)
        assert processes() == set()
        client.get("/v1/recommend", params={"user": "u0001"})
        off = {"name": None, "share": 0, "ready": False, "trouble": None, "on": {}}
        assert client.get("/v1/shadow").json() == other.get("/v1/shadow").json() == off


def test_another_artefact_disagrees_outlives_a_restart_and_who_is_erased_is_not_in_it(
    folder: Path, served: Callable[[], TestClient]
) -> None:
    engine = Engine.load(folder / "second")
    engine.remove_items([one.item_id for one in engine.recommend(user="u0001", n=5)])
    engine.save(folder / "second")
    with served() as client:
        client.post("/v1/shadow", json={"name": "second", "share": 1})
    with served() as client:
        until(client, lambda told: told["ready"])
        client.get("/v1/recommend", params={"user": "u0001"})
        found = compared(client, "recommend", 1)
        assert found["overlap"] <= 0.5 and found["correlation"] > 0
        assert client.delete("/v1/users/u0001").status_code == 200
        assert naming(folder, "u0001") == set()
        client.get("/v1/recommend", params={"user": "u0001"})
        compared(client, "recommend", 2)
        client.post("/v1/artefact", json={"name": "second"})
        assert client.get("/v1/shadow").json()["name"] is None  # what is served is no shadow
    assert processes() == set()


def test_a_shadow_that_fails_harms_nobody(
    folder: Path, served: Callable[[], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "MOST", 4)
    with served() as client:
        problem(client.post("/v1/shadow", json={"name": "none"}), 404)
        assert "compared with itself" in problem(client.post("/v1/shadow", json={"name": "first"}), 422)
        problem(client.post("/v1/shadow", json={"name": "second", "share": 0}), 422)
        shutil.copytree(folder / "second", folder / "broken")
        with (folder / "broken" / "items.parquet").open("ab") as file:
            file.write(b"x")
        assert "items.parquet" in problem(client.post("/v1/shadow", json={"name": "broken"}), 422)
        assert client.get("/v1/shadow").json()["name"] is None
        started(client)
        (pid,) = processes()
        os.kill(pid, signal.SIGSTOP)  # requests are answered, and what does not fit is dropped
        for number in range(40):
            answer = client.get("/v1/recommend", params={"user": f"u{number + 1:04}"})
            assert len(answer.json()["items"]) == 10
        told = client.get("/v1/shadow").json()["on"]["recommend"]
        assert told["compared"] == 0 and told["missed"]["dropped"] >= 40 - shadow.MOST - 1
        os.kill(pid, signal.SIGKILL)
        told = until(client, lambda told: told["trouble"])
        assert told["on"]["recommend"]["missed"]["ended"] == 1 and not told["ready"]
        assert len(client.get("/v1/recommend", params={"user": "u0001"}).json()["items"]) == 10
