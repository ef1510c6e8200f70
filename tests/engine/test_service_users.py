"""Events outlive the service, count once, and go with the user who wants to be forgotten."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient

from engine import Engine, artifact, generations
from engine.forget import forget_on_disk
from engine.service.app import create
from tests.engine.test_service import problem

EVENT = {"user_id": "newcomer", "item_id": "p0003", "time": 1760000000}


@pytest.fixture
def artefact(small_artefact: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_artefact, tmp_path / "artefact"))


def served(artefact: Path) -> TestClient:
    return TestClient(create(Engine.load(artefact), artefact.with_suffix(".events"), artefact))


def history(client: TestClient, user: str) -> list[str]:
    found = client.get(f"/v1/users/{user}")
    return [done["item_id"] for done in found.json()["history"]] if found.status_code == 200 else []


def naming(folder: Path, user: str) -> set[Path]:
    """Files with this id in them, or in a column."""
    found = set()
    for path in folder.rglob("*"):
        columns = pl.read_parquet(path) if path.suffix == ".parquet" else []
        if path.is_file() and (user.encode() in path.read_bytes() or any(user in map(str, one) for one in columns)):
            found.add(path)
    return found


def test_events_are_known_again_after_a_restart(artefact: Path) -> None:
    with served(artefact) as client:
        before = client.get("/v1/recommend", params={"user": "newcomer"}).json()
        assert not before["personal"]
        assert client.post("/v1/events", json=[EVENT, {**EVENT, "item_id": "p0004"}]).json() == {"events": 2}
        after = client.get("/v1/recommend", params={"user": "newcomer"}).json()
    assert after["personal"]
    with served(artefact) as client:
        assert history(client, "newcomer") == ["p0004", "p0003"]
        assert client.get("/v1/recommend", params={"user": "newcomer"}).json() == after


def test_a_request_sent_again_counts_once(artefact: Path) -> None:
    event = {"user_id": "newcomer", "item_id": "p0003"}  # without a time: it is of now, each time it is sent
    key = {"Idempotency-Key": "one"}
    with served(artefact) as client:
        assert client.post("/v1/events", json=event, headers=key).json() == {"events": 1}
        assert client.post("/v1/events", json=event, headers=key).json() == {"events": 0}
        assert "other events" in problem(client.post("/v1/events", json=EVENT, headers=key), 422)
        assert history(client, "newcomer") == ["p0003"]
    with served(artefact) as client:
        assert client.post("/v1/events", json=event, headers=key).json() == {"events": 0}


def test_an_unknown_item_leaves_the_log_as_it_was(artefact: Path) -> None:
    with served(artefact) as client:
        problem(client.post("/v1/events", json=[EVENT, {**EVENT, "item_id": "none"}]), 404)
        assert history(client, "newcomer") == []
    with served(artefact) as client:
        assert history(client, "newcomer") == []


def test_two_services_over_one_log_know_the_same(artefact: Path) -> None:
    with served(artefact) as one, served(artefact) as other:
        one.post("/v1/events", json=[EVENT, {**EVENT, "user_id": "other"}])
        assert history(other, "newcomer") == ["p0003"]
        assert one.delete("/v1/users/newcomer").json() == {"events": 1}
        assert history(other, "newcomer") == [] and history(other, "other") == ["p0003"]
        assert one.delete("/v1/users/u0001").json()["events"] > 0
        problem(other.get("/v1/users/u0001"), 404)
        assert other.post("/v1/events", json=EVENT).json() == {"events": 1}
        assert history(one, "newcomer") == history(other, "newcomer") == ["p0003"]


def test_a_user_is_told(artefact: Path) -> None:
    with served(artefact) as client:
        found = client.get("/v1/users/u0001", params={"n": 2}).json()
        everything = client.get("/v1/users/u0001", params={"n": 1_000_000}).json()
        problem(client.get("/v1/users/nobody"), 404)
    own = pl.read_parquet(artefact / "interactions.parquet").filter(user_id="u0001")
    assert found["events"] == own.height == len(everything["history"])
    assert [one["item_id"] for one in everything["history"]] == own["item_id"].to_list()[::-1]
    assert found["history"] == everything["history"][:2]
    assert found["attributes"].keys() == {"age_group", "sex", "area"}


def test_who_is_erased_is_nowhere(artefact: Path) -> None:
    with served(artefact) as client:
        known = client.get("/v1/users/u0001").json()["events"]
        client.post("/v1/events", json=[{**EVENT, "user_id": "u0001"}, EVENT])
        assert client.delete("/v1/users/u0001").json() == {"events": known + 1}
        assert client.delete("/v1/users/u0001").json() == {"events": 0}
        problem(client.get("/v1/users/u0001"), 404)
        assert not client.get("/v1/recommend", params={"user": "u0001"}).json()["personal"]
        assert history(client, "newcomer") == ["p0003"]
        assert client.get("/healthz").json()["status"] == "ok"
    assert naming(artefact.parent, "u0001") == set()
    with served(artefact) as client:  # the artefact is whole, and the others are there
        assert history(client, "u0001") == []
        assert len(history(client, "u0002")) and history(client, "newcomer") == ["p0003"]


def test_who_is_erased_is_in_no_artefact_of_before_either(artefact: Path) -> None:
    kept = [generations.keep(artefact), generations.keep(artefact)]
    with served(artefact) as client:
        client.post("/v1/events", json={**EVENT, "user_id": "u0001"})
        named = naming(artefact.parent, "u0001")
        assert all(any(folder in path.parents for path in named) for folder in (artefact, *kept))
        assert client.delete("/v1/users/u0001").status_code == 200
    assert naming(artefact.parent, "u0001") == set()
    assert naming(artefact.parent, "u0002")
    assert generations.rollback(artefact) == kept[-1]  # which checks that what was kept is whole
    with served(artefact) as client:
        assert history(client, "u0001") == [] and history(client, "u0002")


def test_rules_name_nobody_who_is_erased(artefact: Path) -> None:
    rules = [
        {"name": "mine", "kind": "exclude", "items": {"item_id": "p0001"}, "users": {"user_id": "u0001"}},
        {"name": "ours", "kind": "exclude", "items": {"item_id": "p0002"}, "users": {"user_id": ["u0001", "u0002"]}},
        {"name": "not mine", "kind": "exclude", "items": {"item_id": "p0003"}, "unless": {"user_id": "u0001"}},
    ]
    artifact.amend(artefact, {"rules": {"rule": rules[:1]}})
    with served(artefact) as client, served(artefact) as other:
        client.put("/v1/rules", json={"rule": rules})
        assert len(other.get("/v1/rules").json()["in_force"]) == 3
        client.delete("/v1/users/u0001")
        for one in (client, other):
            left = one.get("/v1/rules").json()["rules"]["rule"]
            assert [rule["name"] for rule in left] == ["ours", "not mine"]
            assert left[0]["users"] == {"user_id": ["u0002"]} and "unless" not in left[1]
            assert "u0001" not in one.get("/v1/rules/audit").text
    for path in artefact.parent.rglob("*"):
        assert not path.is_file() or b"u0001" not in path.read_bytes(), path


def test_forgetting_touches_no_other_file(artefact: Path) -> None:
    before = {path.name: path.stat().st_ino for path in artefact.iterdir() if path.is_file()}
    forget_on_disk(artefact, "u0001")
    artifact.read(artefact)
    after = {path.name: path.stat().st_ino for path in artefact.iterdir() if path.is_file()}
    changed = {name for name in before if before[name] != after[name]}
    assert before.keys() == after.keys()
    tables = {"interactions", "users", "rejects", "graph_nodes", "graph_edges"}
    assert changed <= {"manifest.json", *(f"{name}.parquet" for name in tables)}
    assert "interactions.parquet" in changed


def test_feedback_is_obeyed_kept_and_told(artefact: Path) -> None:
    with served(artefact) as client:
        listed = client.get("/v1/recommend", params={"user": "u0001", "n": 50}).json()["items"]
        first, second, third = (one["item_id"] for one in listed[:3])
        kinds = {first: "hide", second: "dislike", third: "seen"}
        said = [{"user_id": "u0001", "item_id": item, "kind": kind} for item, kind in kinds.items()]
        for new in (3, 0):
            answer = client.post("/v1/feedback", json=said, headers={"Idempotency-Key": "once"})
            assert (answer.status_code, answer.json()) == (201, {"events": new})
        events = client.get("/v1/users/u0001").json()["events"]
    for _ in range(2):
        with served(artefact) as client:
            items = client.get("/v1/recommend", params={"user": "u0001", "n": 50}).json()["items"]
            left = {one["item_id"]: one["contributions"] for one in items}
            assert not {first, second} & left.keys()
            assert left[third]["seen"] < 0
            told = client.get("/v1/users/u0001").json()
            assert (told["hidden"], told["disliked"], told["seen"]) == ([first], [second], {third: 1})
            assert told["events"] == events
    with served(artefact) as client:
        problem(client.post("/v1/feedback", json=said[0] | {"kind": "chosen"}), 422)
        problem(client.post("/v1/feedback", json=said[0] | {"item_id": "none"}), 404)
        client.delete("/v1/users/u0001")
        problem(client.get("/v1/users/u0001"), 404)
