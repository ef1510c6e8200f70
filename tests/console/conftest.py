"""A small shop that is served as anybody serves one, and a real browser that looks at it."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from engine import Engine
from engine.demo.shop import generate
from engine.evaluation import report
from tests.console.watch import Watch
from tests.engine.sample_report import FULL
from tests.engine.test_look import quick

expect.set_options(timeout=60_000)  # a busy machine is no failure
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium of the system, or what WEFT_CHROMIUM names, or that of `playwright install chromium`."""
    found = os.environ.get("WEFT_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        path = found or playwright.chromium.executable_path
        if not Path(path).exists() and not os.environ.get("CI"):
            pytest.skip(
                "no Chromium: install it (apt install chromium, playwright install chromium) or set WEFT_CHROMIUM"
            )
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a generated shop, its artefact with pictures that can be searched by, and a report beside it."""
    folder = tmp_path_factory.mktemp("console")
    generate(folder / "shop", products=120, users=40)
    Engine.build(quick(folder / "shop" / "weft.toml")).save(folder / "artefact")
    report.write(FULL, folder / "artefact.report")
    return folder


@pytest.fixture(scope="package")
def served(shop: Path) -> Iterator[str]:
    """Where `weft serve` answers, without a slash at the end."""
    command = [
        sys.executable,
        "-c",
        "from engine.cli import app; app()",
        "serve",
        str(shop / "artefact"),
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert address is not None, line
            yield address[0]
            process.send_signal(signal.SIGINT)
            process.wait(timeout=120)
        finally:
            process.kill()


@pytest.fixture
def open_page(browser: Browser, served: str) -> Iterator["Opener"]:
    """Opens pages of the console; whatever a test does, nothing may come from elsewhere, break the policy or fail."""
    opener = Opener(browser, served)
    yield opener
    opener.close()


class Opener:
    """Opens pages, each in a context of its own, and looks for trouble when they close."""

    def __init__(self, browser: Browser, served: str) -> None:
        self.served = served
        self._browser = browser
        self._watches: list[Watch] = []

    def __call__(
        self, route: str, *, width: int = 1280, language: str = "en-US", theme: str = "light", refused: bool = False
    ) -> Page:
        """The page at a route such as #/search; `refused` where the service is meant to refuse something."""
        context = self._browser.new_context(
            viewport={"width": width, "height": 844}, locale=language, color_scheme=theme, reduced_motion="reduce"
        )
        context.set_default_timeout(30_000)
        page = context.new_page()
        self._watches.append(Watch(page, self.served, refused))
        page.goto(f"{self.served}/{route}")
        page.wait_for_selector("h1")
        return page

    def close(self) -> None:
        for watch in self._watches:
            watch.page.context.close()
        assert [one for watch in self._watches for one in watch.trouble] == []
