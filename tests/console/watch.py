"""What a page does that it must not."""

from playwright.sync_api import ConsoleMessage, Page, Request


class Watch:
    """Notes requests to elsewhere, errors of scripts and of the console, and breaches of the policy."""

    def __init__(self, page: Page, served: str, refused: bool) -> None:
        self.page = page
        self.trouble: list[str] = []
        self._served, self._refused = served, refused
        page.on("request", self._asked)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.trouble.append(f"script: {error}"))

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self._served}/", "data:", f"blob:{self._served}/")):
            self.trouble.append(f"request: {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        # The browser itself calls each answer above 399 an error, also one that the page shows as it should.
        known = self._refused and message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not known:
            self.trouble.append(f"{message.type}: {message.text}")
