"""Take the pictures of docs/console.md: serve an artefact, open each page of its console, and write WebP files.

python scripts/console_screenshots.py demo/artefact --out docs/console
"""

import argparse
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

WIDE, HIGH, PHONE, TALL = 1360, 900, 390, 844
QUALITY = 82
"""Of WebP; text stays sharp, and a picture has some tens of kilobytes."""


def _why(page: Page) -> None:
    page.locator(".card").first.click()
    page.wait_for_selector("dialog .paths path, dialog ul.short")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": 1240})


def _suggest(page: Page) -> None:
    page.locator("#query").press_sequentially("naik")
    page.wait_for_selector(".options li")
    page.keyboard.press("ArrowDown")


def _node(page: Page) -> None:
    page.locator(".about .neighbours button").nth(4).click()
    page.wait_for_timeout(600)


def _cypher(page: Page) -> None:
    page.get_by_role("group").locator("button").nth(3).click()
    page.wait_for_selector(".answer-rows tbody tr")
    page.locator(".cypher").scroll_into_view_if_needed()


def _asked(page: Page) -> None:
    """Ask a few things, so that there is something to count, and wait until they are counted."""
    for route in ("recommend?user=u0001", "search?q=white shoes", "suggest?q=nik", "facets?n=5", "similar/p0001"):
        for _ in range(8):
            page.evaluate("route => fetch(`/v1/${route}`).then(one => one.status)", route)
    page.wait_for_timeout(7000)


def _rules(page: Page) -> None:
    page.locator(".editor .chip").nth(2).click()
    page.locator("#whose").fill("u0001")
    page.locator(".editor button:not(.chip)").first.click()
    page.wait_for_selector(".outcome .both")


SCENES: dict[str, tuple[str, str, Callable[[Page], None] | None]] = {
    "user": ("#/user/u0001", ".interest", None),
    "why": ("#/user/u0001", ".card", _why),
    "history": ("#/user?by=history&history=p0030&history=p0042", ".interest", None),
    "search": ("#/search?q=white sneekers under 500, not leather&user=u0001", ".found", None),
    "suggest": ("#/search", ".browse", _suggest),
    "graph": ("#/graph", ".about .neighbours", None),
    "node": ("#/graph?node=brand:nike", ".about .neighbours", _node),
    "cypher": ("#/graph", ".about .neighbours", _cypher),
    "evaluation": ("#/evaluation", ".boards", None),
    "service": ("#/service", ".requests", _asked),
    "rules": ("#/rules", ".audit, .state", _rules),
}
"""Route, what is there when the page has done its work, and what is done then."""


@contextmanager
def served(artefact: Path) -> Iterator[str]:
    """Serve an artefact with a log of events of its own, for as long as this lasts."""
    weft = [sys.executable, "-c", "from engine.cli import app; app()"]
    with tempfile.TemporaryDirectory() as folder:
        command = [*weft, "serve", str(artefact), "--port", "0", "--events", str(Path(folder) / "events")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            if address is None:
                sys.exit("the artefact cannot be served")
            try:
                yield address[0]
            finally:
                process.send_signal(signal.SIGINT)


def take(browser: Browser, address: str, name: str, out: Path, width: int, theme: str, language: str) -> None:
    """One scene in one form, as a file."""
    route, ready, act = SCENES[name.partition(".")[0]]
    size = {"width": width, "height": HIGH if width == WIDE else TALL}
    context = browser.new_context(viewport=size, color_scheme=theme, locale=language, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{address}/{route}")
    page.wait_for_selector(ready)
    if act is not None:
        act(page)
    page.wait_for_timeout(1000)  # for pictures of items
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.save(out / f"{name}.webp", quality=QUALITY, method=6)
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("artefact", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/console"))
    parser.add_argument("--only", nargs="*", choices=SCENES, help="These scenes; all without it.")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    found = os.environ.get("WEFT_CHROMIUM") or shutil.which("chromium")
    with served(given.artefact) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found)
        for name in given.only or SCENES:
            take(browser, address, name, given.out, WIDE, "light", "en-US")
            take(browser, address, f"{name}.dark", given.out, WIDE, "dark", "zh-CN")
            take(browser, address, f"{name}.phone", given.out, PHONE, "light", "en-US")
            print(name)
        browser.close()


if __name__ == "__main__":
    main()
