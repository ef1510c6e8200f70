"""What holds for every page: accessible, in both themes and languages, on a phone, and of its own files only."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Page, expect

from engine.service import static

ROOT = Path(__file__).parents[2]
AXE = Path(__file__).with_name("vendor") / "axe.min.js"
ROUTES = {
    "user": ("#/user/u0001", ".interest"),
    "user without a name": ("#/user", ".card"),
    "history": ("#/user?by=history&history=p0001", ".card"),
    "search": ("#/search?q=white sneekers, not leather&user=u0001", ".found"),
    "search before a query": ("#/search", ".browse"),
    "graph": ("#/graph", ".about .neighbours"),
    "node": ("#/graph?node=brand:nike", ".about .neighbours"),
    "evaluation": ("#/evaluation", ".boards"),
    "service": ("#/service", ".tile"),
    "rules": ("#/rules", ".editor"),
}
"""Routes, and what is there when a page has done its work."""


def complaints(page: Page) -> list[str]:
    """Serious and critical ones of axe, with where they are."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    assert len(found["passes"]) > 10
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html']}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("name", ROUTES)
def test_is_accessible_in_both_themes(open_page, name):
    route, ready = ROUTES[name]
    page = open_page(route)
    page.wait_for_selector(ready)
    assert complaints(page) == []
    page.get_by_role("button", name="Theme: as the system").click()
    page.get_by_role("button", name="Theme: light").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 23)"
    assert complaints(page) == []


def test_why_is_accessible(open_page):
    page = open_page("#/user/u0001", theme="dark")
    page.locator(".card").first.click()
    page.wait_for_selector("dialog ul.short")
    assert complaints(page) == []


@pytest.mark.parametrize("name", ROUTES)
def test_fits_a_phone_in_chinese(open_page, name):
    route, ready = ROUTES[name]
    page = open_page(route, width=390, language="zh-CN")
    page.wait_for_selector(ready)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    expect(page.locator("h1")).to_have_text(re.compile(r"[\u4e00-\u9fff]"))


def test_language_and_theme_are_kept(open_page):
    page = open_page("#/search")
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="主题").click()
    page.reload()
    expect(page.locator("h1")).to_have_text("搜索")
    assert page.locator("html").get_attribute("data-theme") == "light"


def test_the_next_page_is_told_and_has_the_focus(open_page):
    page = open_page("#/user")
    page.get_by_role("navigation").get_by_role("link", name="Search").click()
    expect(page.locator("#main")).to_be_focused()
    expect(page).to_have_title("Search · Weft")
    expect(page.locator("#live")).to_have_text("Search")
    assert page.locator("nav a[aria-current=page]").inner_text() == "Search"


def test_both_dictionaries_say_the_same_things(open_page):
    page = open_page("#/search")
    words = page.evaluate(
        "Promise.all(['en', 'zh'].map(one => import(`/console/words/${one}.js`).then(found => found.default)))"
    )
    free = re.compile(r"^(relation|label|column)\.")  # the names of the data are English as they are
    assert {key for key in words[0] if not free.match(key)} == {key for key in words[1] if not free.match(key)}
    for key, said in words[0].items():
        assert set(re.findall(r"{\w+}", said)) == set(re.findall(r"{\w+}", words[1].get(key, said))), key
    sources = "".join(
        path.read_text(encoding="utf-8") for path in static.FOLDER.rglob("*.js") if "vendor" not in str(path)
    )
    used = set(re.findall(r'\bsay\("([\w.]+)"', sources))
    assert used - words[0].keys() == set()


def test_files_are_asked_for_again_and_not_sent_twice(served):
    with httpx2.Client(base_url=served) as client:
        for path in ("/", "/console/main.js", "/console/style/base.css", "/console/vendor/cytoscape.js"):
            first = client.get(path)
            assert first.status_code == 200
            assert first.headers["cache-control"] == "no-cache"
            assert first.headers["content-security-policy"] == static.POLICY
            again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        for path in (
            "/console/../app.py",
            "/console/%2e%2e/app.py",
            "/console/nothing.js",
            "/console/",
            "/console/vendor",
        ):
            assert client.get(path).status_code == 404
    assert "unsafe" not in static.POLICY
    assert "http" not in static.POLICY


def test_every_file_is_of_a_kind_that_a_wheel_takes_along():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    patterns = settings["package-data"]["*"]
    files = [path.name for path in static.FOLDER.rglob("*") if path.is_file()]
    assert [name for name in files if not any(fnmatch(name, pattern) for pattern in patterns)] == []


def test_the_page_names_files_that_are_there():
    text = (static.FOLDER / "index.html").read_text(encoding="utf-8")
    named = re.findall(r'(?:src|href)="/console/([^"]+)"', text)
    assert len(named) > 5
    assert [one for one in named if not (static.FOLDER / one).is_file()] == []
