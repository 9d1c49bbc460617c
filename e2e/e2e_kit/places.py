"""Where things are on the dashboard."""

from playwright.sync_api import Locator, Page


def figure(page: Page, label: str) -> Locator:
    """The number under a label of the overview."""
    return page.locator(f"[data-indicator='{label}'] [data-value]")


def tool_cells(page: Page, tool: str) -> Locator:
    """The cells of one tool's row: name, calls, errors, error rate, ..."""
    return (
        page.get_by_role("row")
        .filter(has=page.get_by_role("cell", name=tool, exact=True))
        .get_by_role("cell")
    )


def time_range(page: Page, words: str) -> Locator:
    """A choice of the time range."""
    return page.get_by_role("radio", name=words)


def choose_theme(page: Page, name: str) -> None:
    """Choose light, dark or system."""
    page.get_by_role("button", name="Theme").click()
    page.get_by_role("menuitemradio", name=name).click()


def background(page: Page) -> str:
    """The colour that the page is painted on."""
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


_SETTLED_OVERFLOW = """async () => {
  const overflow = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const end = performance.now() + 25000;
  while (overflow() > 0 && performance.now() < end) await new Promise(requestAnimationFrame);
  return overflow();
}"""


def settled_overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window, once its charts have followed the window's width."""
    pixels: int = page.evaluate(_SETTLED_OVERFLOW)
    return pixels
