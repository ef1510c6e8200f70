"""Rules changed over HTTP: at once, durably, in every process over one log, and nobody's by somebody else's."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from engine import Engine
from engine.cli import app as weft
from engine.rules import rulefile
from engine.service.app import create
from engine.service.settings import Settings
from tests.engine.test_service import problem

TOML = {"Content-Type": "application/toml"}
NO_NIKE = '[[rule]]\nname = "no Nike"\nkind = "exclude"\nnode = "brand:nike"\n'
PAID = {"name": "paid", "kind": "sponsored", "items": {"price": [1, 1000000]}, "places": [2]}


@pytest.fixture
def artefact(small_artefact: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_artefact, tmp_path / "artefact"))


def served(artefact: Path) -> TestClient:
    return TestClient(create(Engine.load(artefact), artefact.with_suffix(".events"), artefact))


def put(client: TestClient, text: str, **headers: str) -> httpx2.Response:
    return client.put(
        "/v1/rules", content=text.encode(), headers=TOML | {k.replace("_", "-"): v for k, v in headers.items()}
    )


def brands(client: TestClient, **asked: object) -> list[str]:
    found = client.get("/v1/recommend", params={"user": "u0001", "n": 50, **asked}).json()["items"]
    return [client.get(f"/v1/items/{one['item_id']}").json()["columns"].get("brand", "") for one in found]


def test_rules_are_replaced_told_and_there_after_a_restart(artefact: Path) -> None:
    with served(artefact) as client:
        assert client.get("/v1/rules").json() == {"rules": {}, "toml": "rule = []\n", "in_force": [], "conflicts": []}
        assert "Nike" in brands(client)
        told = put(client, NO_NIKE).json()
        assert told["in_force"] == ["no Nike"] and rulefile.parse(told["toml"]) == rulefile.parse(NO_NIKE)
        assert "Nike" not in brands(client)
        again = client.put("/v1/rules", json=told["rules"])
        assert again.json() == told and again.headers["etag"] == client.get("/v1/rules").headers["etag"]
    with served(artefact) as client:
        assert client.get("/v1/rules").json() == told
        assert "Nike" not in brands(client)
        assert put(client, "").json()["in_force"] == []
        assert "Nike" in brands(client)


def test_two_people_do_not_overwrite_each_other(artefact: Path) -> None:
    with served(artefact) as one, served(artefact) as other:
        seen = one.get("/v1/rules").headers["etag"]
        assert other.get("/v1/rules").headers["etag"] == seen
        assert put(one, NO_NIKE, If_Match=seen).status_code == 200
        assert "changed since" in problem(put(other, "", If_Match=seen), 412)
        problem(other.request("DELETE", "/v1/rules/no Nike", headers={"If-Match": seen}), 412)
        problem(other.post("/v1/rules/rule", json=PAID, headers={"If-Match": seen}), 412)
        problem(put(other, "", If_Match=f"W/{seen}"), 412)
        latest = other.get("/v1/rules").headers["etag"]
        assert other.post("/v1/rules/rule", json=PAID, headers={"If-Match": f'"x", {latest}'}).status_code == 201
        assert put(one, "", If_Match="*").status_code == 200
        assert one.get("/v1/rules").headers["etag"] == seen


def test_every_process_has_the_rules_and_the_items_of_the_log(artefact: Path) -> None:
    with served(artefact) as one, served(artefact) as other:
        put(one, NO_NIKE)
        assert "Nike" not in brands(other)
        other.post("/v1/items", json={"item_id": "n1", "title": "Nike lamp", "brand": "Nike"})
        one.get("/v1/items/n1")
        assert [found["item_id"] for found in one.get("/v1/search?q=lamp&n=50").json()["items"]].count("n1") == 0
        other.delete("/v1/rules/no Nike")
        assert "Nike" in brands(one)
        assert one.get("/v1/rules").json() == other.get("/v1/rules").json()
        assert one.get("/v1/rules/audit").json() == other.get("/v1/rules/audit").json()
        assert one.delete("/v1/users/u0002").status_code == 200  # the other opens the artefact anew
        assert other.get("/v1/rules").json()["in_force"] == []


def test_one_rule_is_set_and_taken_away(artefact: Path) -> None:
    with served(artefact) as client:
        put(client, NO_NIKE)
        assert client.post("/v1/rules/rule", json=PAID).json()["in_force"] == ["no Nike", "paid"]
        items = client.get("/v1/recommend", params={"user": "u0001", "n": 5}).json()["items"]
        assert [one["sponsored"] for one in items] == [False, True, False, False, False]
        assert items[1]["contributions"]["rule: paid"] == 0
        off = client.post("/v1/rules/rule", json=PAID | {"enabled": False}).json()
        assert off["in_force"] == ["no Nike"] and len(off["rules"]["rule"]) == 2
        assert client.delete("/v1/rules/no%20Nike").json()["in_force"] == []
        problem(client.delete("/v1/rules/no%20Nike"), 404)
        problem(client.post("/v1/rules/rule", json=PAID | {"name": "PAID"}), 422)  # names differ by more than case


def test_the_audit_says_who_when_what_before_and_after(artefact: Path) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    with served(artefact) as client:
        assert client.get("/v1/rules/audit").json() == {"changes": []}
        put(client, NO_NIKE)
        client.post("/v1/rules/rule", json=PAID)
        client.post("/v1/rules/rule", json=PAID | {"places": [3]})
        client.delete("/v1/rules/no%20Nike")
    with served(artefact) as client:
        changes = client.get("/v1/rules/audit").json()["changes"]
        assert client.get("/v1/rules/audit?n=1").json()["changes"] == changes[:1]
    assert [one["what"] for one in changes] == ["removed 'no Nike'", "changed 'paid'", "added 'paid'", "replaced"]
    assert [one["number"] for one in changes] == [4, 3, 2, 1]
    assert {one["who"] for one in changes} == {"local"}
    assert all(before <= datetime.fromisoformat(one["time"]) <= datetime.now(UTC) for one in changes)
    assert (changes[1]["before"], changes[1]["after"]) == ([PAID], [PAID | {"places": [3]}])
    assert (changes[3]["before"], [one["name"] for one in changes[3]["after"]]) == ([], ["no Nike"])
    assert ([one["name"] for one in changes[0]["before"]], changes[0]["after"]) == (["no Nike"], [])


def test_the_caller_is_the_name_of_the_key(artefact: Path, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    made = [
        CliRunner().invoke(weft, ["keys", "add", name, "--scope", scope, "--keys", str(file)]).stdout.strip()
        for name, scope in (("merchandising", "admin"), ("shop", "write"))
    ]
    app = create(Engine.load(artefact), artefact.with_suffix(".events"), artefact, Settings(keys=file))
    with TestClient(app) as client:
        admin, writer = ({"Authorization": f"Bearer {key}"} for key in made)
        problem(put(client, NO_NIKE), 401)
        problem(put(client, NO_NIKE, **writer), 403)
        assert put(client, NO_NIKE, **admin).status_code == 200
        assert client.get("/v1/rules/audit", headers=writer).json()["changes"][0]["who"] == "merchandising"


def test_a_dry_run_shows_lists_before_and_after_and_changes_nothing(artefact: Path) -> None:
    with served(artefact) as client:
        now = client.get("/v1/recommend", params={"user": "u0001", "n": 5}).json()["items"]
        asked = {"dry_run": "true", "user": "u0001", "n": 5}
        tried = client.put("/v1/rules", params=asked, content=NO_NIKE, headers=TOML).json()
        assert tried["dry_run"] is True and tried["users"] == 1
        (example,) = tried["examples"]
        assert example["user"] == "u0001"
        assert [one["item_id"] for one in example["before"]] == [one["item_id"] for one in now]
        assert client.get("/v1/rules").json()["in_force"] == []
        put(client, NO_NIKE)
        after = client.get("/v1/recommend", params={"user": "u0001", "n": 5}).json()["items"]
        assert [one["item_id"] for one in example["after"]] == [one["item_id"] for one in after]
        drawn = client.put("/v1/rules", params={"dry_run": "true"}, content="", headers=TOML).json()
        assert drawn["users"] > 1 and drawn["each"] == [] and drawn["all"]["lists"] > 0


def test_a_request_sent_again_counts_once(artefact: Path) -> None:
    with served(artefact) as client:
        assert put(client, NO_NIKE, Idempotency_Key="one").status_code == 200
        client.delete("/v1/rules/no%20Nike")
        assert put(client, NO_NIKE, Idempotency_Key="one").json()["in_force"] == []
        problem(put(client, "", Idempotency_Key="one"), 422)
        assert len(client.get("/v1/rules/audit").json()["changes"]) == 2


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        (NO_NIKE.replace("node", "nod"), TOML, ["line 4", "'no Nike'", "did you mean `node`"]),
        ('[[rule]]\nname = "a"\nkind = "exclude"\nitems = { colr = "red" }', TOML, ["rule 'a'", "no column 'colr'"]),
        ('[[rule]]\nname = "a"\nkind = "at_most"\nrelation = "NOPE"', TOML, ["rule 'a'", "no relation NOPE"]),
        ("[[rule", TOML, ["TOML"]),
        (b"\xff", TOML, ["UTF-8"]),
        ('{"rule": [{"name": "a", "kind": "exclude"}]}', {}, ["rule 1 'a'", "which items"]),
        ('{"rule": [{"name": "a", "kind": "exclude", "node": "\\ud800"}]}', {}, ["rule 1"]),
        ("[]", {}, ["an object"]),
        ("nonsense", {}, ["not JSON", "application/toml"]),
        ("[" * 50_000, {}, ["not JSON"]),
    ],
)
def test_what_is_no_rule_is_told_and_nothing_is_changed(
    artefact: Path, body: str | bytes, headers: dict[str, str], words: list[str]
) -> None:
    with served(artefact) as client:
        detail = problem(client.put("/v1/rules", content=body, headers=headers), 422)
        assert all(word in detail for word in words), detail
        assert client.get("/v1/rules/audit").json() == {"changes": []}


def test_what_is_sensitive_is_asked_for_over_http(artefact: Path) -> None:
    with served(artefact) as client:
        put(client, '[[rule]]\nname = "s"\nkind = "sensitive"\nitems = { brand = "Nike" }\ntopic = "sport"')
        assert "Nike" not in brands(client) and "Nike" in brands(client, sensitive="sport")
        for path, asked in (("/v1/search", {"q": "nike", "n": 50}), ("/v1/similar/p0016", {"n": 50})):
            plain, whole = (
                {one["item_id"] for one in client.get(path, params=asked | more).json()["items"]}
                for more in ({}, {"sensitive": ["other", "sport"]})
            )
            assert {client.get(f"/v1/items/{item}").json()["columns"].get("brand") for item in whole - plain} >= {
                "Nike"
            }
            assert "Nike" not in {client.get(f"/v1/items/{item}").json()["columns"].get("brand") for item in plain}


def test_rules_that_clash_are_told(artefact: Path) -> None:
    with served(artefact) as client:
        more = NO_NIKE + '[[rule]]\nname = "more"\nkind = "boost"\nnode = "brand:nike"\nweight = 1\n'
        (clash,) = put(client, more).json()["conflicts"]
        assert clash["rules"] == ["more", "no Nike"]


def test_a_change_of_items_that_breaks_a_rule_is_refused(artefact: Path) -> None:
    glow = '[[rule]]\nname = "glow"\nkind = "at_most"\nrelation = "GLOWS_WITH"\n'
    with served(artefact) as client:
        problem(put(client, glow), 422)
        client.post("/v1/items", json={"item_id": "n1", "edges": [{"relation": "glows with", "to": "p0001"}]})
        assert put(client, glow).status_code == 200
        assert "'glow'" in problem(client.delete("/v1/items/n1"), 422)
        assert client.get("/v1/items/n1").status_code == client.get("/v1/recommend").status_code == 200
        assert put(client, "").status_code == client.delete("/v1/items/n1").status_code == 200
    with served(artefact) as client:
        problem(client.get("/v1/items/n1"), 404)
