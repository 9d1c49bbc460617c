"""Coming in by a one-time link, and going out."""

import re

from e2e_kit.running import Running, Server
from e2e_kit.watch import Watch
from playwright.sync_api import Page, expect

REFUSED = "This sign-in link has been used or has expired. Get a new one."


def test_the_first_starts_link_signs_in_and_leaves_no_token_behind(visitor: Page, running: Running) -> None:
    visitor.goto(running.first_link)
    expect(visitor.get_by_role("heading", name="Overview")).to_be_attached()
    expect(visitor).to_have_url(re.compile(r"/servers/\d+\?range=24h$"))
    assert "token" not in visitor.evaluate("location.href + JSON.stringify(history.state)")


def test_a_used_link_is_refused_in_words(visitor: Page, running: Running, watch: Watch) -> None:
    link = running.sign_in_link()
    visitor.goto(link)
    expect(visitor.get_by_role("button", name="Your account")).to_be_visible()
    visitor.context.clear_cookies()
    visitor.goto("about:blank")
    visitor.goto(link)
    expect(visitor.get_by_role("alert")).to_have_text(REFUSED)
    expect(visitor.get_by_text("mcp-obs sign-in-link")).to_be_visible()
    watch.refusals_expected()


def test_who_opens_an_old_link_while_signed_in_can_go_on(page: Page, running: Running, watch: Watch) -> None:
    page.goto("/sign-in#token=used-long-ago")
    expect(page.get_by_role("alert")).to_have_text(REFUSED)
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(re.compile(r"/servers/\d+"))
    watch.refusals_expected()


def test_a_pasted_link_signs_in(visitor: Page, running: Running) -> None:
    visitor.goto("/sign-in")
    field = visitor.get_by_label("Or paste the link")
    field.fill("not a link")
    visitor.get_by_role("button", name="Sign in").click()
    expect(visitor.get_by_role("alert")).to_contain_text("Paste the whole address")
    field.fill(running.sign_in_link())
    field.press("Enter")
    expect(visitor.get_by_role("button", name="Your account")).to_be_visible()


def test_a_stranger_is_led_back_to_the_page_after_signing_in(
    visitor: Page, running: Running, weather: Server, watch: Watch
) -> None:
    visitor.goto(f"/servers/{weather.id}?range=7d")
    expect(visitor).to_have_url(re.compile("/sign-in"))
    visitor.get_by_label("Or paste the link").fill(running.sign_in_link())
    visitor.get_by_role("button", name="Sign in").click()
    expect(visitor).to_have_url(re.compile(rf"/servers/{weather.id}\?range=7d$"))
    watch.refusals_expected()


def test_signing_out_ends_the_session(page: Page, watch: Watch) -> None:
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to mcp-obs")).to_be_visible()
    page.goto("/")
    expect(page).to_have_url(re.compile("/sign-in"))
    assert page.context.cookies() == []
    watch.refusals_expected()


def test_a_session_that_ends_while_the_page_is_open_leads_to_sign_in(
    page: Page, weather: Server, watch: Watch
) -> None:
    page.goto(f"/servers/{weather.id}?range=30d")
    expect(page.get_by_text("Live")).to_be_visible()
    page.context.clear_cookies()
    expect(page).to_have_url(re.compile(r"/sign-in\?next=.*range%3D30d"))
    watch.refusals_expected()
