"""Takes the README's pictures of the overview, light and dark, from the running demo.

python e2e/screenshot.py
"""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, expect, sync_playwright

COMMAND = Path(sys.executable).with_name("mcp-obs")
IMAGES = Path(__file__).parents[1] / "docs" / "images"
# Two weeks, so that the last one has one to be compared with.
HISTORY = "14d"
SIZE = {"width": 1360, "height": 1325}
STOP_SECONDS = 30


@contextmanager
def demo(folder: Path) -> Generator[str]:
    """The running demo; gives its sign-in link."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [COMMAND, "demo", "--history", HISTORY, "--data-dir", str(folder), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield read_link(process)
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def read_link(process: subprocess.Popen[str]) -> str:
    """The link that the demo prints once everything runs."""
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="")
        if match := re.search(r"\S+/sign-in#token=\S+", line):
            return match[0]
    raise SystemExit("The demo ended before it printed a sign-in link.")


def picture(browser: Browser, link: str, server: str, themes: tuple[Literal["light", "dark"], ...]) -> None:
    """One picture for each theme."""
    context = browser.new_context(viewport=SIZE, device_scale_factor=2, locale="en-GB")  # pyright: ignore[reportArgumentType]
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name=re.compile("^Server: ")).click()
    page.get_by_role("option", name=server).click()
    page.get_by_role("radio", name="Last 7 days").click()
    expect(page.get_by_role("table", name="Tools").get_by_role("row").nth(3)).to_be_visible()
    expect(page).to_have_url(re.compile("range=7d"))
    # Until calls of the running clients are among the generated ones.
    expect(page.get_by_role("row").nth(1).get_by_role("time")).to_have_text(
        re.compile("now|s ago"), timeout=60_000
    )
    for theme in themes:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        name = "overview.png" if theme == "light" else f"overview-{theme}.png"
        page.screenshot(path=IMAGES / name)
    context.close()


def main() -> None:
    """Start the demo, take the pictures, stop it."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("Pictures need chromium on the PATH: make chromium")
    with (
        tempfile.TemporaryDirectory() as folder,
        demo(Path(folder) / "data") as link,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        picture(browser, link, "weather", ("light", "dark"))
        browser.close()


if __name__ == "__main__":
    main()
