"""Another artefact takes the place of the one that is served: at once, with all of the log, and back again."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from engine import Engine
from engine.service.app import create
from tests.engine.test_service import problem

EVENT = {"user_id": "newcomer", "item_id": "p0003", "time": 1760000000}


@pytest.fixture
def folder(small_artefact: Path, tmp_path: Path) -> Path:
    """Of two artefacts; the second has an item more, and one event that the log will have as well."""
    shutil.copytree(small_artefact, tmp_path / "first")
    engine = Engine.load(small_artefact)
    engine.add_items([{"item_id": "n1", "title": "Quokka lamp"}])
    engine.add_events([EVENT])
    engine.save(tmp_path / "second")
    return tmp_path


@pytest.fixture
def served(folder: Path) -> Callable[[], TestClient]:
    return lambda: TestClient(create(Engine.load(folder / "first"), folder / "events", folder / "first"))


def titles(client: TestClient, query: str) -> list[str]:
    return [one["title"] for one in client.get("/v1/search", params={"q": query, "n": 3}).json()["items"]]


def test_a_switch_keeps_the_log_and_goes_back(served: Callable[[], TestClient]) -> None:
    with served() as client:
        client.post("/v1/events", json=[EVENT, EVENT | {"item_id": "p0004"}])
        assert client.post("/v1/items", json={"item_id": "n2", "title": "Wombat lamp"}).status_code == 201
        assert "Quokka lamp" not in titles(client, "quokka lamp")
        found = client.post("/v1/artefact", json={"name": "second"}).json()
        assert (found["name"], found["others"]) == ("second", ["first"])
        assert titles(client, "quokka lamp")[0] == "Quokka lamp" and titles(client, "wombat lamp")[0] == "Wombat lamp"
        told = client.get("/v1/users/newcomer").json()
        assert [one["item_id"] for one in told["history"]] == ["p0004", "p0003"]  # the one that both have counts once
    with served() as client:  # a start with the first artefact
        assert client.get("/v1/artefact").json()["name"] == "second"
        assert titles(client, "quokka lamp")[0] == "Quokka lamp"
        switches = client.post("/v1/artefact", json={"name": "first"}).json()["switches"]
        assert [(one["before"], one["after"]) for one in switches] == [("second", "first"), ("first", "second")]
        assert "Quokka lamp" not in titles(client, "quokka lamp")
        assert titles(client, "wombat lamp")[0] == "Wombat lamp"
        assert client.get("/v1/users/newcomer").json()["events"] == 2


@pytest.mark.parametrize("name", ["none", "../first", "", ".", "events"])
def test_what_is_no_artefact_beside_it_is_refused(served: Callable[[], TestClient], name: str) -> None:
    with served() as client:
        problem(client.post("/v1/artefact", json={"name": name}), 404 if name else 422)
        assert client.get("/v1/artefact").json() == {"name": "first", "others": ["second"], "switches": []}


def test_a_broken_artefact_leaves_everything_as_it_is(folder: Path, served: Callable[[], TestClient]) -> None:
    with (folder / "second" / "items.parquet").open("ab") as file:
        file.write(b"x")
    with served() as client:
        assert "items.parquet" in problem(client.post("/v1/artefact", json={"name": "second"}), 422)
        assert client.get("/v1/artefact").json()["name"] == "first"
        assert client.get("/v1/recommend").status_code == 200


def test_other_processes_follow_and_the_erased_is_in_neither(folder: Path, served: Callable[[], TestClient]) -> None:
    with served() as one, served() as other:
        one.post("/v1/events", json=EVENT)
        one.post("/v1/artefact", json={"name": "second"})
        assert other.get("/v1/items/n1").json()["title"] == "Quokka lamp"
        assert other.get("/v1/artefact").json()["name"] == "second"
        assert other.delete("/v1/users/u0001").json()["events"] > 0
        problem(one.get("/v1/users/u0001"), 404)
        one.post("/v1/artefact", json={"name": "first"})
        problem(one.get("/v1/users/u0001"), 404)
    assert not Engine.load(folder / "first").state.lookup.knows("u0001")


def test_no_request_fails_while_artefacts_change(served: Callable[[], TestClient]) -> None:
    wrong: list[object] = []
    going = threading.Event()
    going.set()
    with served() as client:

        def ask() -> None:
            while going.is_set():
                answer = client.get("/v1/recommend", params={"user": "u0001"})
                if answer.status_code != 200 or len(answer.json()["items"]) != 10:
                    wrong.append(answer.text)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for name in ("second", "first", "second"):
            assert client.post("/v1/artefact", json={"name": name}).status_code == 200
        going.clear()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_an_engine_without_an_artefact_has_none_to_switch(small_artefact: Path, tmp_path: Path) -> None:
    with TestClient(create(Engine.load(small_artefact), tmp_path / "events")) as client:
        assert client.get("/v1/artefact").json() == {"name": None, "others": [], "switches": []}
        problem(client.post("/v1/artefact", json={"name": "first"}), 404)
