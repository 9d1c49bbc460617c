"""A running mcp-obs with known calls, and a browser that reports what no page may do."""

import shutil
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    expect,
    sync_playwright,
)

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from e2e_kit.running import Running, Server, make_calls, mcp_obs  # noqa: E402 (found by the path above)
from e2e_kit.watch import Watch  # noqa: E402

ARTIFACTS = HERE / "artifacts"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
]

# The page asks for news every ten seconds.
PATIENCE_MILLISECONDS = 60_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the outcome where the page's fixture finds it."""
    report = yield
    if report.when == "call":
        item.stash[OUTCOME] = report
    return report


OUTCOME = pytest.StashKey[pytest.TestReport]()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One mcp-obs for all tests."""
    with mcp_obs(tmp_path_factory.mktemp("mcp-obs") / "data") as started:
        yield started


@pytest.fixture(scope="session")
def weather(running: Running) -> Server:
    """A server that was called as calls.py says."""
    server = running.register("weather")
    make_calls(running, server)
    return server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    assert executable is not None, "the browser tests need chromium on the PATH: make chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield started
        started.close()


@pytest.fixture
def watch() -> Watch:
    """What the test's page said and asked for."""
    return Watch()


@pytest.fixture
def context(browser: Browser, running: Running) -> Iterator[BrowserContext]:
    """A visitor with no past."""
    opened = browser.new_context(
        base_url=running.url, viewport={"width": 1440, "height": 900}, locale="en-GB"
    )
    opened.set_default_timeout(PATIENCE_MILLISECONDS)
    yield opened
    opened.close()


@pytest.fixture
def visitor(
    request: pytest.FixtureRequest, context: BrowserContext, running: Running, watch: Watch
) -> Iterator[Page]:
    """A page of somebody who has not signed in. It may show no errors and talk to no other host."""
    page = context.new_page()
    watch.attach(page)
    yield page
    report = request.node.stash.get(OUTCOME, None)
    if report is None or report.failed:
        ARTIFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTIFACTS / f"{request.node.name}.png", full_page=True)
        return
    assert watch.console == []
    assert watch.hosts == {running.url.removeprefix("http://")}


@pytest.fixture
def page(visitor: Page, running: Running) -> Page:
    """A page of the signed-in owner."""
    visitor.goto(running.sign_in_link())
    expect(visitor.get_by_role("button", name="Your account")).to_be_visible()
    return visitor
