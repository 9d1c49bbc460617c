"""Takes the README's pictures of the overview, light and dark, from the running demo.

python e2e/screenshot.py
"""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Literal

from e2e_kit.demo import demo
from playwright.sync_api import Browser, expect, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
# Two weeks, so that the last one has one to be compared with.
HISTORY = "14d"
SIZE = {"width": 1360, "height": 1325}


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
        demo(Path(folder) / "data", HISTORY) as started,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        picture(browser, started.link, "weather", ("light", "dark"))
        browser.close()


if __name__ == "__main__":
    main()
