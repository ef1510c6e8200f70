"""The client against a service over a real connection, and against answers that ask it to come again."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from PIL import Image

from engine import Engine, client
from engine.client import Client, ServiceError
from engine.service import keys
from engine.service.api import models
from engine.service.app import create
from engine.service.settings import Settings
from tests.engine.served import in_a_thread


@pytest.fixture(scope="module")
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ring") / "keys.json"


@pytest.fixture(scope="module")
def address(engine: Engine, small_artefact: Path, ring: Path) -> Iterator[str]:
    app = create(engine, ring.with_name("events"), None, Settings(keys=ring))
    with in_a_thread(app) as address:
        yield address


@pytest.fixture
def weft(address: str, ring: Path) -> Iterator[Client]:
    if not ring.exists():
        ring.with_name("admin").write_text(keys.add(ring, "admin", "admin"))
    with Client(address, key=ring.with_name("admin").read_text(), timeout=120) as weft:
        yield weft


def test_the_answers_are_those_of_the_engine(weft: Client, engine: Engine) -> None:
    found = weft.recommend("u0001", n=3, where={"price": (None, 900)}, exclude=["p0001"])
    assert isinstance(found, models.RankedList) and found.personal
    expected = engine.recommend(user="u0001", n=3, where={"price": (None, 900)}, exclude=["p0001"])
    assert [one.item_id for one in found.items] == [one.item_id for one in expected]
    assert weft.recommend(history=["p0001", "p0002"], n=2).personal
    assert weft.search("白色运动鞋", n=5, explain=True).items[0].why is not None
    assert weft.suggest("naik", n=3)[0].id == "brand:nike"
    assert "brand" in [facet.column for facet in weft.facets("white sneakers", where={"brand": "Nike"})]
    assert weft.answer("what material is it?", item="p0016") is not None
    assert weft.answer("xyzzyqq") is None
    assert len(weft.similar("p0001", n=3)) == 3
    item = engine.recommend(user="u0001", n=1)[0].item_id
    assert weft.explain(item, user="u0001").owed_to
    assert weft.health().items == 120
    pages = [weft.recommend("u0001", n=2, skip=skip).items for skip in (0, 2)]
    assert [one.item_id for page in pages for one in page] == [
        one.item_id for one in engine.recommend(user="u0001", n=4)
    ]
    asked = {"diversity": 16.0, "context": ["p0003"]}
    assert [one.item_id for one in weft.recommend("u0001", n=5, **asked).items] == [
        one.item_id for one in engine.recommend(user="u0001", n=5, **asked)
    ]
    assert weft.recommend("u0001", n=5, explore=1).items[-1].propensity is not None
    node = weft.nodes("nike")[0].id
    assert node == "brand:nike" and weft.neighbours(node, "MADE_BY", n=2).neighbours[0].id.startswith("item:")
    assert weft.artefact().name is None


def test_a_picture_is_sent_along(weft: Client) -> None:
    picture = weft.image("p0001")
    with pytest.raises(ServiceError, match="422"):  # this artefact has no picture encoder, and says so
        weft.search(image=picture)


def test_events_come_count_once_and_go(weft: Client) -> None:
    events = [{"user_id": "a/b ü", "item_id": "p0001"}, models.Event(user_id="a/b ü", item_id="p0002", value=2)]
    assert weft.add_events(events, idempotency_key="mine") == 2
    assert weft.add_events(events, idempotency_key="mine") == 0
    assert weft.add_events(events[:1]) == weft.add_events(events[:1]) == 1  # two requests, two keys
    known = weft.user("a/b ü", n=2)
    assert known.events == 4 and len(known.history) == 2
    assert weft.erase("a/b ü") == 4
    with pytest.raises(ServiceError) as refused:
        weft.user("a/b ü")
    assert refused.value.status == 404 and "not known" in refused.value.detail and refused.value.request_id


def test_a_refusal_is_an_error_with_its_reason(address: str, weft: Client, ring: Path) -> None:
    with Client(address) as stranger, pytest.raises(ServiceError, match="401: a key is needed"):
        stranger.recommend()
    reader = keys.add(ring, "reader", "read")
    with Client(address, key=reader) as low, pytest.raises(ServiceError, match="403"):
        low.add_events([{"user_id": "a", "item_id": "p0001"}])
    with pytest.raises(ServiceError, match="404"):
        weft.similar("../../etc/passwd")
    with pytest.raises(ServiceError, match="404"):
        weft.query_graph("RETURN 1 AS one")  # a service without an artefact has none


def test_items_feedback_and_rules(weft: Client) -> None:
    assert weft.add_items([{"item_id": "n/1", "title": "Nike Vista white running shoes", "brand": "Nike"}]) == 1
    assert weft.change_item("n/1", {"title": "Nike Vista black running shoes", "brand": "Nike"}) == 1
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(picture, "JPEG")
    assert weft.put_picture("n/1", picture.getvalue()) == 1
    assert weft.item("n/1").title == "Nike Vista black running shoes" and weft.item("n/1").image is not None
    assert weft.remove_item("n/1") == 1
    first = weft.recommend("u0002", n=1).items[0].item_id
    assert weft.add_feedback([{"user_id": "u0002", "item_id": first, "kind": "hide"}]) == 1
    assert first not in [one.item_id for one in weft.recommend("u0002", n=20).items]
    hidden = '[[rule]]\nname = "no nike"\nkind = "exclude"\nitems = { brand = "Nike" }\n'
    with pytest.raises(ServiceError, match="422"):
        weft.replace_rules("nonsense")
    assert weft.replace_rules(hidden).toml and weft.rules() == weft.replace_rules(hidden)


def test_rules_are_tried_changed_one_by_one_and_only_as_they_were_seen(weft: Client) -> None:
    weft.replace_rules("")
    seen = weft.rules_etag()
    rule = {"name": "no nike / 1", "kind": "exclude", "items": {"brand": "Nike"}}
    tried = weft.try_rules('[[rule]]\nname = "x"\nkind = "exclude"\nitems = { brand = "Nike" }\n', ["u0001"], n=5)
    assert tried.dry_run and tried.users == 1 and tried.n == 5 and weft.rules_etag() == seen
    assert weft.set_rule(rule, if_match=seen).in_force == ["no nike / 1"]
    for change in (
        lambda: weft.replace_rules("", if_match=seen),
        lambda: weft.set_rule(rule, if_match=seen),
        lambda: weft.remove_rule("no nike / 1", if_match=seen),
        lambda: weft.try_rules("", if_match=seen),
    ):
        with pytest.raises(ServiceError, match="412"):
            change()
    assert weft.remove_rule("no nike / 1", if_match=weft.rules_etag()).in_force == []
    latest = weft.rules_audit(n=2).changes
    assert [(one.who, one.what) for one in latest] == [
        ("admin", "removed 'no nike / 1'"), ("admin", "added 'no nike / 1'"),
    ]  # fmt: skip


def test_experiments_the_evaluation_and_the_shadow(small_artefact: Path, tmp_path: Path) -> None:
    artefact = Path(shutil.copytree(small_artefact, tmp_path / "shop"))
    (tmp_path / "file").write_text('[[experiment]]\nname = "a"\narms = [{ name = "x" }, { name = "y" }]\n')
    app = create(Engine.load(artefact), tmp_path / "events", artefact, Settings(experiments=tmp_path / "file"))
    with in_a_thread(app) as address, Client(address, timeout=120) as weft:
        assert [one.name for one in weft.experiments()] == ["a"]
        arm = weft.recommend("u0001", n=2).arm
        assert {one.name: one.exposed for one in weft.results("a").arms} == {"x": 0, "y": 0} | {arm: 1}
        assert weft.evaluation() is None
        (tmp_path / "report").mkdir()
        (tmp_path / "report" / "report.json").write_text('{"rankers": []}')
        assert weft.evaluation() == {"rankers": []}
        assert weft.shadow().name is None and weft.switch_shadow(None).ready is False
        with pytest.raises(ServiceError, match="404: there is no artefact 'other'"):
            weft.switch_shadow("other")


def answering(monkeypatch: pytest.MonkeyPatch, *answers: httpx2.Response) -> tuple[Client, list[httpx2.Request], list]:
    """A client that gets these answers one after the other, what it sent, and how long it waited."""
    sent: list[httpx2.Request] = []
    waited: list[float] = []
    left = list(answers)

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return left.pop(0)

    monkeypatch.setattr(client.time, "sleep", waited.append)
    asking = Client("http://weft.test", tries=4)
    asking._http = httpx2.Client(base_url="http://weft.test", transport=httpx2.MockTransport(answer))
    return asking, sent, waited


def test_it_comes_again_when_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = httpx2.Response(429, headers={"Retry-After": "7"}, json={"detail": "more than 3/hour"})
    down = httpx2.Response(503, json={"detail": "the disk is full"})
    good = httpx2.Response(201, json={"events": 1})
    asking, sent, waited = answering(monkeypatch, busy, down, down, good)
    assert asking.add_events([{"user_id": "a", "item_id": "b"}]) == 1
    assert len({request.headers["idempotency-key"] for request in sent}) == 1 and len(sent) == 4
    assert waited[0] == 7 and 0.5 <= waited[1] <= 1 <= waited[2] <= 2


def test_it_gives_up_at_last_and_at_once_for_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    down = httpx2.Response(503, text="<html>no backend</html>")
    asking, sent, _ = answering(monkeypatch, down, down, down, down)
    with pytest.raises(ServiceError, match="no backend"):
        asking.health()
    assert len(sent) == 4
    asking, sent, waited = answering(monkeypatch, httpx2.Response(500, json={"detail": "an error"}))
    with pytest.raises(ServiceError, match="500: an error"):
        asking.health()
    assert len(sent) == 1 and not waited
