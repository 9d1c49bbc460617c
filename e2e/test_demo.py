"""What somebody sees who clones the project and runs `make demo`."""

import re
from pathlib import Path

from e2e_kit.demo import demo
from e2e_kit.places import figure, time_range
from e2e_kit.watch import Watch
from playwright.sync_api import Browser, expect


def test_the_demos_link_opens_its_numbers_and_range_and_session_outlive_a_reload(
    browser: Browser, watch: Watch, tmp_path: Path
) -> None:
    with demo(tmp_path / "data", "2d") as started:
        page = browser.new_page(locale="en-GB")
        watch.attach(page)
        page.goto(started.link)
        expect(page).to_have_url(re.compile(r"/servers/\d+"))
        server_id = page.url.split("/servers/")[1].split("?")[0]
        time_range(page, "Last 7 days").click()
        expect(page).to_have_url(re.compile("range=7d$"))
        # Live calls go on, but the generated ones are all there.
        generated = started.overview(server_id, "7d")["generated_calls"]
        # Of the least busy server, on a weekend, should it be the one that sent last.
        assert generated > 100
        note = page.get_by_text(
            re.compile(rf"^{generated:,} of [\d,]+ calls in this range are generated demo data")
        )
        expect(note).to_be_visible()
        expect(figure(page, "Calls")).to_have_text(re.compile(r"^\d"))
        expect(page.get_by_role("table", name="Tools").get_by_role("row").nth(5)).to_be_visible()
        page.reload()
        expect(time_range(page, "Last 7 days")).to_be_checked()
        expect(note).to_be_visible()
        page.close()
    assert watch.console == []
