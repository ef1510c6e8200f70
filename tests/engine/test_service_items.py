"""Items changed over HTTP: at once, durably, in every process over one log, all of a request or none."""

import io
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from engine import Engine, changing
from engine.service.app import create
from tests.engine.test_service import problem

NEW = {
    "item_id": "n1",
    "title": "Quokka zebrine lantern",
    "brand": "Nike",
    "category": "Shoes > Sport shoes",
    "colour": ["white"],
    "price": 499,
    "description": "A lantern that walks.",
    "edges": [{"relation": "accessory of", "to": "p0001"}],
}


@pytest.fixture
def artefact(small_artefact: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_artefact, tmp_path / "artefact"))


def served(artefact: Path) -> TestClient:
    return TestClient(create(Engine.load(artefact), artefact.with_suffix(".events"), artefact))


def found(client: TestClient, query: str = "quokka") -> list[str]:
    items = client.get("/v1/search", params={"q": query, "n": 50}).json()["items"]
    return [one["item_id"] for one in items]


def photo(colour: str = "red") -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(content, "PNG")
    return content.getvalue()


def test_an_added_item_is_found_and_told_also_after_a_restart(artefact: Path) -> None:
    with served(artefact) as client:
        assert found(client) == []
        answer = client.post("/v1/items", json=NEW)
        assert (answer.status_code, answer.json()) == (201, {"items": 1})
        assert found(client)[0] == "n1"
        told = client.get("/v1/items/n1").json()
        nike = client.get("/v1/recommend", params={"where": '{"brand": "Nike", "price": [499, 499]}', "n": 50}).json()
    assert told["text"].split("\n") == [NEW["title"], NEW["description"]]
    assert told["columns"] == {name: NEW[name] for name in ("brand", "category", "colour", "price")}
    assert told["edges"] == NEW["edges"] and told["events"] == 0 and told["learned"] is False
    assert "n1" in [one["item_id"] for one in nike["items"]]
    with served(artefact) as client:
        assert client.get("/v1/items/n1").json() == told
        assert found(client)[0] == "n1"


def test_an_item_is_described_anew_and_removed_and_comes_again(artefact: Path) -> None:
    with served(artefact) as client:
        client.post("/v1/items", json=[NEW, {"item_id": "n2", "title": "Quokka two"}])
        anew = {"title": "Plain lamp", "price": 5}
        assert client.put("/v1/items/n1", json=anew).json() == {"items": 1}
        told = client.get("/v1/items/n1").json()
        assert (told["title"], told["columns"], told["edges"]) == ("Plain lamp", {"price": 5}, NEW["edges"])
        assert found(client)[0] == "n2"
        assert client.put("/v1/items/n1", json=anew | {"edges": []}).json() == {"items": 1}
        assert client.get("/v1/items/n1").json()["edges"] == []
        assert client.delete("/v1/items/n2").json() == {"items": 1}
        assert "n2" not in found(client)
        problem(client.get("/v1/items/n2"), 404)
        problem(client.delete("/v1/items/n2"), 404)
        problem(client.put("/v1/items/n2", json=anew), 422)
        there = client.get("/healthz").json()["items"]
        assert client.delete("/v1/items/p0001").json() == {"items": 1}
        assert client.get("/healthz").json()["items"] == there - 1
        before = client.get("/v1/recommend", params={"user": "u0002", "n": 50}).json()
        assert client.post("/v1/items", json={"item_id": "n2", "title": "Quokka again"}).status_code == 201
    with served(artefact) as client:
        assert found(client)[0] == "n2"
        assert client.get("/v1/items/n1").json()["title"] == "Plain lamp"
        problem(client.get("/v1/items/p0001"), 404)
        assert client.delete("/v1/items/n2").json() == {"items": 1}
        after = client.get("/v1/recommend", params={"user": "u0002", "n": 50}).json()
    assert [one["item_id"] for one in after["items"]] == [one["item_id"] for one in before["items"]]


@pytest.mark.parametrize(
    ("rows", "row", "field", "words"),
    [
        ([{"item_id": "a"}, {"item_id": "p0001"}], 2, "item_id", ["already", "PUT /v1/items"]),
        ([{"item_id": "a"}, {"item_id": "a"}], 2, "item_id", ["earlier row"]),
        ([{"item_id": "a", "price": "cheap"}], 1, "price", ["not a finite number", "cheap", "give a number"]),
        ([{"item_id": "a", "colr": "red"}], 1, "colr", ["no such column", "did you mean 'colour'"]),
        ([{"item_id": "a", "image": "/etc/passwd"}], 1, "image", ["PUT /v1/items/ID/image"]),
        ([{"item_id": "a", "edges": [{"relation": "accessory of", "to": "item:zz"}]}], 1, "edges", ["no such item"]),
        ([{"item_id": "a", "edges": [{"relation": "??", "to": "p0001"}]}], 1, "edges", ["letter or digit"]),
    ],
)
def test_bad_rows_are_named_and_nothing_is_taken(
    artefact: Path, rows: list[dict[str, object]], row: int, field: str, words: list[str]
) -> None:
    with served(artefact) as client:
        answer = client.post("/v1/items", json=[{"item_id": "good", "title": "Good"}, *rows])
        detail = problem(answer, 422)
        (error,) = answer.json()["errors"]
        assert (error["row"], error["field"], error["at"]) == (row + 1, field, f"body.{row}.{field}")
        assert all(word in error["detail"] for word in words) and error["remedy"] in error["detail"]
        assert "nothing of the request was taken" in detail
        problem(client.get("/v1/items/good"), 404)


@pytest.mark.parametrize(
    "body", [{}, {"item_id": ""}, {"item_id": "a", "price": {"x": 1}}, {"item_id": "a" * 1001}, []]
)
def test_what_is_no_item_is_refused(artefact: Path, body: object) -> None:
    with served(artefact) as client:
        answer = client.post("/v1/items", json=body)
        problem(answer, 422)
        problem(client.get("/v1/items/a"), 404)


def test_a_request_sent_again_counts_once(artefact: Path) -> None:
    key = {"Idempotency-Key": "one"}
    with served(artefact) as client:
        assert client.post("/v1/items", json=NEW, headers=key).json() == {"items": 1}
        assert client.post("/v1/items", json=NEW, headers=key).json() == {"items": 0}
        problem(client.post("/v1/items", json=NEW | {"price": 1}, headers=key), 422)
        problem(client.delete("/v1/items/n1", headers=key), 422)
        problem(client.post("/v1/events", json={"user_id": "u", "item_id": "p0001"}, headers=key), 422)
    with served(artefact) as client:
        assert client.post("/v1/items", json=NEW, headers=key).json() == {"items": 0}
        assert client.get("/v1/items/n1").json()["columns"]["price"] == 499


def test_two_services_over_one_log_have_the_same_items(artefact: Path) -> None:
    with served(artefact) as one, served(artefact) as other:
        one.post("/v1/items", json=NEW)
        assert other.get("/v1/items/n1").json() == one.get("/v1/items/n1").json()
        problem(other.post("/v1/items", json=NEW), 422)
        assert other.post("/v1/events", json={"user_id": "new", "item_id": "n1", "time": 9}).json() == {"events": 1}
        other.post("/v1/items", json={"item_id": "n2", "title": "Quokka two"})
        assert one.post("/v1/events", json={"user_id": "new", "item_id": "n2", "time": 9}).json() == {"events": 1}
        assert one.put("/v1/items/n2", json={"title": "Quokka three"}).json() == {"items": 1}
        other.get("/v1/items/n2")
        for path in ("/v1/users/new", "/v1/recommend?user=new&n=100", "/v1/search?q=quokka&user=new", "/v1/items/n2"):
            assert one.get(path).json() == other.get(path).json(), path
        history = [done["item_id"] for done in one.get("/v1/users/new").json()["history"]]
        assert history == ["n2", "n1"]
        assert one.delete("/v1/users/new").json() == {"events": 2}
        problem(other.get("/v1/users/new"), 404)
        assert found(other) == found(one) and len(found(one)) == 2


def test_a_change_of_another_process_comes_without_being_asked_for(artefact: Path) -> None:
    with served(artefact) as one, served(artefact) as other:
        one.post("/v1/items", json=NEW)
        for _ in range(600):
            if "n1" in found(other):
                return
            threading.Event().wait(0.05)
        raise AssertionError("the other process never had the item")


def test_questions_are_answered_while_a_change_is_worked_out(artefact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    add = changing.add

    def slowly(*given: object) -> object:
        begun.set()
        assert go_on.wait(60)
        return add(*given)  # type: ignore[arg-type]

    with served(artefact) as client:
        monkeypatch.setattr(changing, "add", slowly)
        answers: list[int] = []
        adding = threading.Thread(target=lambda: answers.append(client.post("/v1/items", json=NEW).status_code))
        adding.start()
        assert begun.wait(60)
        assert found(client) == []
        event = {"user_id": "new", "item_id": "p0001"}
        assert client.post("/v1/events", json=event).json() == {"events": 1}
        assert client.get("/v1/users/new").json()["events"] == 1
        assert not answers
        go_on.set()
        adding.join()
        assert answers == [201] and found(client)[0] == "n1"
        assert client.get("/v1/users/new").json()["events"] == 1


def test_two_changes_at_once_are_both_there(artefact: Path) -> None:
    with served(artefact) as one, served(artefact) as other:
        clients = [one, other] * 3
        rows = [{"item_id": f"n{n}", "title": f"Quokka {n}"} for n in range(len(clients))]
        for client in (one, other):  # FastAPI makes its routes when it is first asked, and not in two threads at once
            assert client.get("/v1/items/p0001").status_code == 200
        with ThreadPoolExecutor(len(clients)) as pool:
            answers = list(pool.map(lambda client, row: client.post("/v1/items", json=row), clients, rows))
        assert [answer.status_code for answer in answers] == [201] * len(rows)
        for client in (one, other):
            client.get("/v1/items/n0")
            assert {row["item_id"] for row in rows} <= set(found(client))


def test_a_picture_is_sent_kept_served_and_taken_away(artefact: Path) -> None:
    with served(artefact) as client:
        client.post("/v1/items", json=NEW)
        assert client.get("/v1/items/n1").json()["image"] is None
        sent = {"image": ("../../evil.png", photo(), "image/png")}
        assert client.put("/v1/items/n1/image", files=sent).json() == {"items": 1}
        problem(client.put("/v1/items/n1/image", files={"image": ("a.png", b"no picture")}), 422)
        problem(client.put("/v1/items/none/image", files=sent), 404)
        kept = sorted(artefact.with_suffix(".events.pictures").iterdir())
        assert [len(path.stem) for path in kept] == [64]
        client.put("/v1/items/n1", json={"title": "Quokka with its picture still"})
    with served(artefact) as client:
        told = client.get("/v1/items/n1").json()
        assert told["title"] == "Quokka with its picture still"
        shown = client.get(told["image"])
        assert shown.headers["content-type"] == "image/jpeg"
        pixels = np.asarray(Image.open(io.BytesIO(shown.content)))
        assert pixels.shape == (30, 40, 3) and pixels[..., 0].min() > 200 and pixels[..., 1].max() < 60
        assert client.delete("/v1/items/n1/image").json() == {"items": 1}
        assert client.get("/v1/items/n1").json()["image"] is None
        client.put("/v1/items/n1/image", files={"image": ("a.png", photo("blue"))})
        client.delete("/v1/items/n1")
        client.post("/v1/items", json=NEW)
        assert client.get("/v1/items/n1").json()["image"] is None
    with served(artefact) as client:
        assert client.get("/v1/items/n1").json()["image"] is None


def test_a_picture_larger_than_an_upload_may_be_is_refused(artefact: Path) -> None:
    with served(artefact) as client:
        problem(client.put("/v1/items/p0001/image", content=b"", headers={"Content-Length": str(17 << 20)}), 413)
        problem(client.put("/v1/items/p0001", content=b"", headers={"Content-Length": str(2 << 20)}), 413)
