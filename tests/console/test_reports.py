"""The pages of the evaluation and of the service, and keys."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from fastapi.testclient import TestClient
from playwright.sync_api import expect

from engine import Engine
from engine.service import keys
from engine.service.app import create
from engine.service.settings import Settings
from tests.engine.sample_report import FULL


@contextmanager
def page_of(browser, app) -> Iterator:
    """A page that this application answers, without a process and a port of its own."""
    with TestClient(app) as client:

        def answer(route):
            asked = route.request
            path = asked.url.removeprefix("http://testserver")
            found = client.request(asked.method, path, headers=asked.headers, content=asked.post_data_buffer)
            route.fulfill(status=found.status_code, body=found.content, headers=dict(found.headers))

        page = browser.new_page()
        page.route("**/*", answer)
        yield page
        page.close()


def test_the_report_is_shown(open_page):
    page = open_page("#/evaluation")
    expect(page.locator(".tile dd").first).to_be_visible()
    names = [row.name for row in FULL.rankers]
    shown = page.locator(".board").first.locator("table.intervals th").all_inner_texts()
    assert sorted(shown) == sorted(names)
    page.get_by_role("combobox").select_option("ndcg@20")
    first = page.locator(".board").first.locator("table.intervals tr.first .figure")
    expect(first).to_have_text(f"{FULL.rankers[0].metrics['ndcg@20'].mean:.4f}")
    expect(page.locator("svg.scatter circle")).to_have_count(len(FULL.reliability.expected))
    for one in FULL.segments:
        if one.harmed:
            expect(page.locator(".board", has_text="Groups of users")).to_contain_text(one.label)


def test_the_report_is_served_as_it_was_written(served, shop):
    found = httpx2.get(f"{served}/v1/evaluation")
    assert found.json() == json.loads((shop / "artefact.report" / "report.json").read_text())
    assert "no-store" in found.headers["cache-control"]


def test_without_a_report_the_command_is_told(shop, tmp_path, browser):
    alone = shutil.copytree(shop / "artefact", tmp_path / "alone" / "artefact")
    app = create(Engine.load(alone), tmp_path / "log", alone)
    with page_of(browser, app) as page:
        page.goto("http://testserver/#/evaluation")
        expect(page.locator(".command")).to_have_text("weft evaluate ARTEFACT")


def test_the_service_tells_how_it_does(open_page):
    page = open_page("#/service")
    health = httpx2.get(f"{open_page.served}/healthz").json()
    expect(page.locator(".tile dd").nth(1)).to_have_text(str(health["items"]))
    row = page.locator(".requests tr", has_text="/healthz").locator("td")
    before = int(row.first.inner_text())
    httpx2.get(f"{open_page.served}/healthz")
    expect(row.first).not_to_have_text(str(before), timeout=15_000)
    assert re.fullmatch(r"[\d.,]+ ms", row.nth(2).inner_text())


def test_an_artefact_that_answers_in_the_background_is_told(shop, tmp_path, browser):
    for name in ("artefact", "next"):
        shutil.copytree(shop / "artefact", tmp_path / name)
    app = create(Engine.load(tmp_path / "artefact"), tmp_path / "log", tmp_path / "artefact")
    with page_of(browser, app) as page:
        page.goto("http://testserver/#/service")
        expect(page.locator(".tile dd").nth(1)).to_have_text("120")
        sent = {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": '{"name": "next"}'}
        page.evaluate("sent => fetch('/v1/shadow', sent)", sent)
        expect(page.get_by_text("next answers 10% in the background.")).to_be_visible()


def test_a_key_is_asked_for_and_used(shop, tmp_path, browser):
    key = keys.add(tmp_path / "keys.json", "page", "write")
    settings = Settings(keys=tmp_path / "keys.json")
    app = create(Engine.load(shop / "artefact"), tmp_path / "log", shop / "artefact", settings)
    with page_of(browser, app) as page:
        page.goto("http://testserver/#/user/u0001")
        expect(page.get_by_role("alert")).to_contain_text("a key is needed")
        page.get_by_label("Key").fill(key)
        page.keyboard.press("Enter")
        expect(page.locator(".card")).to_have_count(12)
        picture = page.locator(".card img").first
        expect(picture).to_have_attribute("src", re.compile("^blob:"))
        assert picture.evaluate("one => one.decode().then(() => one.naturalWidth)") > 0
        page.goto("http://testserver/#/service")
        page.get_by_role("button", name="Forget the key").click()
        page.goto("http://testserver/#/user")
        expect(page.get_by_role("alert")).to_contain_text("a key is needed")


QUANTILES = """() => import("/console/parts/metrics.js").then(({quantile, routes, samples}) => [
  quantile([[1, 2], [2, 4], [Infinity, 4]], .5), quantile([[1, 0], [2, 0]], .5), quantile([[1, 0], [Infinity, 3]], .95),
  routes(samples('# HELP x y\\nweft_requests_total{method="GET",route="/a\\\\"b",status="500"} 3.0\\n')),
])"""


def test_counts_for_prometheus_are_read(open_page):
    page = open_page("#/search")
    half, none, beyond, routes = page.evaluate(QUANTILES)
    assert (half, none, beyond) == (1, None, 1)
    assert routes == [{"route": '/a\\"b', "requests": 3, "failed": 3, "middle": None, "slow": None}]
