"""What a page says on the console and whom it asks."""

import re
from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Page, Request


@dataclass
class Watch:
    """What a page said and asked for."""

    console: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def attach(self, page: Page) -> None:
        """Listen to a page."""
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
        page.on("request", self._on_request)

    def refusals_expected(self) -> None:
        """Forget the browser's own lines about refused requests, in a test that is about them."""
        self.console = [line for line in self.console if "status of 401" not in line]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.console.append(message.text)

    def _on_request(self, request: Request) -> None:
        if match := re.match(r"https?://([^/]+)", request.url):
            self.hosts.add(match[1])
