"""The pages of the evaluation and of the service, and keys."""

import json
import re
import signal
import subprocess
import sys

import httpx2
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import expect

from engine import Engine
from engine.service.app import create
from tests.console.watch import Watch
from tests.engine.sample_report import FULL


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
    harmed = [one for one in FULL.segments if one.harmed]
    for one in harmed:
        expect(page.locator(".board", has_text="Groups of users")).to_contain_text(one.label)


def test_the_report_is_served_as_it_was_written(served, shop):
    found = httpx2.get(f"{served}/v1/evaluation")
    assert found.json() == json.loads((shop / "artefact.report" / "report.json").read_text())


def test_without_a_report_the_command_is_told(shop, tmp_path, browser):
    app = create(Engine.load(shop / "artefact"), tmp_path / "log", tmp_path / "nothing")
    with TestClient(app) as client:
        assert client.get("/v1/evaluation").status_code == 204
    page = browser.new_page()
    page.route("**/*", lambda route: answer(route, client))
    page.goto("http://testserver/#/evaluation")
    expect(page.locator(".command")).to_have_text("weft evaluate ARTEFACT")
    page.close()


def answer(route, client):
    """What the application says, without a port."""
    found = client.get(route.request.url.removeprefix("http://testserver"))
    route.fulfill(status=found.status_code, body=found.content, headers=dict(found.headers))


def test_the_service_is_up_and_measured(open_page):
    page = open_page("#/service")
    health = httpx2.get(f"{open_page.served}/healthz").json()
    expect(page.locator(".tile dd").nth(1)).to_have_text(str(health["items"]))
    page.get_by_role("button", name="Measure now").click()
    expect(page.locator("table.intervals .figure")).to_have_count(5)
    assert all(re.fullmatch(r"[\d.,]+ ms", one) for one in page.locator("table.intervals .figure").all_inner_texts())


def test_a_key_is_asked_for_and_used(shop, tmp_path, browser):
    weft = [sys.executable, "-c", "from engine.cli import app; app()"]
    keys = str(tmp_path / "keys.json")
    made = subprocess.run(
        [*weft, "keys", "add", "page", "--scope", "write", "--keys", keys], capture_output=True, text=True, check=True
    )
    key = re.search(r"weft_\S+", made.stdout)[0]
    command = [*weft, "serve", str(shop / "artefact"), "--port", "0", "--keys", keys, "--events", str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            served = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
            page = browser.new_page()
            watch = Watch(page, served, refused=True)
            page.goto(f"{served}/#/user/u0001")
            expect(page.get_by_role("alert")).to_contain_text("a key is needed")
            page.get_by_label("Key").fill(key)
            page.keyboard.press("Enter")
            expect(page.locator(".card")).to_have_count(12)
            expect(page.locator(".card img").first).to_have_attribute("src", re.compile("^blob:"))
            assert page.locator(".card img").first.evaluate("one => one.decode().then(() => one.naturalWidth)") > 0
            page.goto(f"{served}/#/service")
            page.get_by_role("button", name="Forget the key").click()
            page.goto(f"{served}/#/user")
            expect(page.get_by_role("alert")).to_contain_text("a key is needed")
            page.close()
            assert watch.trouble == []
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
        finally:
            process.kill()


@pytest.mark.parametrize("path", ["/v1/evaluation", "/healthz"])
def test_numbers_of_the_service_are_not_kept(served, path):
    assert "no-store" in httpx2.get(f"{served}{path}").headers["cache-control"]
