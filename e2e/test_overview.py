"""The overview shows exactly what was sent, in every range, theme and width."""

import re

import pytest
from e2e_kit.calls import ALERTS, CALLS, FAILED_FORECASTS, FORECASTS
from e2e_kit.places import background, choose_theme, figure, settled_overflow, time_range, tool_cells
from e2e_kit.running import Running, Server, make_calls
from playwright.sync_api import Page, Route, expect


@pytest.fixture
def overview(page: Page, weather: Server) -> Page:
    """The page of the called server, with its numbers there."""
    page.goto(f"/servers/{weather.id}")
    expect(figure(page, "Calls")).to_have_text(str(CALLS))
    return page


def test_the_numbers_equal_what_was_called(overview: Page) -> None:
    expect(figure(overview, "Calls")).to_have_text(str(CALLS))
    expect(figure(overview, "Error rate")).to_have_text(f"{FAILED_FORECASTS / CALLS * 100:.1f}%")
    expect(figure(overview, "Clients")).to_have_text("1")
    for percentile in ("p50", "p95", "p99"):
        expect(figure(overview, f"{percentile} latency")).to_have_text(re.compile(r"^\d+(\.\d+)?(ms|s)$"))
    expect(tool_cells(overview, "forecast").nth(1)).to_have_text(str(FORECASTS + FAILED_FORECASTS))
    expect(tool_cells(overview, "forecast").nth(2)).to_have_text(str(FAILED_FORECASTS))
    expect(tool_cells(overview, "alerts").nth(1)).to_have_text(str(ALERTS))
    expect(tool_cells(overview, "alerts").nth(2)).to_have_text("0")


def test_the_volume_chart_is_read_by_keyboard(overview: Page) -> None:
    chart = overview.get_by_role("slider", name="Request volume, by time")
    chart.focus()
    overview.keyboard.press("End")
    last = int(chart.get_attribute("aria-valuemax") or "")
    counts: list[tuple[int, int]] = []
    # A quarter of an hour may have turned since the calls, or while they were made.
    for index in range(last, last - 4, -1):
        expect(chart).to_have_attribute("aria-valuenow", str(index))
        spoken = re.search(r"Successful (\d+), Errors (\d+)$", chart.get_attribute("aria-valuetext") or "")
        assert spoken
        counts.append((int(spoken[1]), int(spoken[2])))
        overview.keyboard.press("ArrowLeft")
    assert [sum(each) for each in zip(*counts, strict=True)] == [CALLS - FAILED_FORECASTS, FAILED_FORECASTS]


def test_the_range_is_in_the_address_and_outlives_a_reload_and_another_server(
    overview: Page, running: Running
) -> None:
    other = running.register("other")
    for words, name in (("Last 7 days", "7d"), ("Last 30 days", "30d"), ("Last 90 days", "90d")):
        time_range(overview, words).click()
        expect(overview).to_have_url(re.compile(f"range={name}$"))
        expect(figure(overview, "Calls")).to_have_text(str(CALLS))
    overview.reload()
    expect(time_range(overview, "Last 90 days")).to_be_checked()
    expect(figure(overview, "Calls")).to_have_text(str(CALLS))
    overview.get_by_role("button", name="Server: weather").click()
    overview.get_by_label("Find a server").fill("oth")
    overview.keyboard.press("Enter")
    expect(overview).to_have_url(re.compile(rf"/servers/{other.id}\?range=90d$"))


def test_a_heading_sorts_the_tools(overview: Page) -> None:
    first = overview.get_by_role("row").nth(1).get_by_role("cell").first
    expect(first).to_have_text("forecast")
    overview.get_by_role("button", name="Calls", exact=True).last.click()
    expect(first).to_have_text("alerts")


def test_a_server_without_calls_says_how_to_connect_and_fills_by_itself(page: Page, running: Running) -> None:
    server = running.register("fresh start")
    page.goto(f"/servers/{server.id}")
    expect(page.get_by_text("mcp-obs keys create --server 'fresh start'")).to_be_visible()
    expect(page.get_by_text("mcp_obs.instrument(server)")).to_be_visible()
    expect(page.get_by_text("Waiting for the first call")).to_be_visible()
    make_calls(running, server)
    expect(figure(page, "Calls")).to_have_text(str(CALLS))


def test_no_width_scrolls_sideways(overview: Page, running: Running) -> None:
    empty = running.register("empty")
    for width in (1440, 1024, 390, 320):
        overview.set_viewport_size({"width": width, "height": 800})
        assert settled_overflow(overview) == 0, f"the overview at {width}"
    overview.goto(f"/servers/{empty.id}")
    expect(overview.get_by_text("Waiting for the first call")).to_be_visible()
    assert settled_overflow(overview) == 0, "the empty page"


def test_the_theme_is_chosen_and_kept(overview: Page) -> None:
    choose_theme(overview, "Light")
    light = background(overview)
    choose_theme(overview, "Dark")
    dark = background(overview)
    assert light != dark
    overview.reload()
    body = overview.locator("body")
    expect(body).to_have_css("background-color", dark)
    choose_theme(overview, "System")
    overview.emulate_media(color_scheme="dark")
    expect(body).to_have_css("background-color", dark)
    overview.emulate_media(color_scheme="light")
    expect(body).to_have_css("background-color", light)


def test_an_address_of_no_server_says_so(page: Page) -> None:
    page.goto("/servers/999999")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    page.get_by_role("link", name="Go to the overview").click()
    expect(page).to_have_url(re.compile(r"/servers/\d+\?range=24h$"))


def test_a_failing_refresh_keeps_the_numbers_and_says_so(overview: Page) -> None:
    # Not a 503: the browser itself would write that to the console.
    def refuse(route: Route) -> None:
        route.fulfill(status=200, content_type="text/plain", body="not json")

    overview.route("**/overview?**", refuse)
    expect(overview.get_by_text("Can't refresh")).to_be_visible()
    expect(figure(overview, "Calls")).to_have_text(str(CALLS))
    overview.unroute("**/overview?**")
    expect(overview.get_by_text("Live")).to_be_visible()
