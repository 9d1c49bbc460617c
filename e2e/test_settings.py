"""What a server sent and was not kept is on its settings page, in words."""

import re
import time

import httpx2
from e2e_kit.places import settled_overflow, time_range
from e2e_kit.running import Running, Server
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.sync_api import Locator, Page, expect


def export_of(*start_times: int) -> bytes:
    """One span for each start time."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number, start in enumerate(start_times, 1):
        spans.add(
            trace_id=number.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            name="tools/call",
            start_time_unix_nano=start,
            end_time_unix_nano=start,
        )
    return request.SerializeToString()


def send(running: Running, server: Server, body: bytes) -> int:
    """The status that an exporter would see."""
    headers = {"authorization": f"Bearer {server.key}", "content-type": "application/x-protobuf"}
    return httpx2.post(f"{running.url}/v1/traces", content=body, headers=headers, timeout=60).status_code


def rejection(page: Page, title: str) -> Locator:
    """One entry of the list."""
    return (
        page.get_by_role("list", name="Rejections")
        .get_by_role("listitem")
        .filter(has=page.get_by_role("heading", name=title))
    )


def test_what_was_rejected_is_shown_with_what_to_do_about_it(page: Page, running: Running) -> None:
    server = running.register("clockless")
    page.goto(f"/servers/{server.id}")
    page.get_by_role("link", name="Settings").click()
    expect(page).to_have_url(re.compile(rf"/servers/{server.id}/settings\?range=7d$"))
    expect(page.get_by_text("Nothing was rejected")).to_be_visible()

    assert send(running, server, export_of(time.time_ns(), 1, 2)) == 200
    assert send(running, server, b"\xff") == 400
    too_old = rejection(page, "Older than what is kept")
    expect(too_old).to_contain_text("2 spans")
    expect(too_old).to_contain_text("Check that the sender's clock is right")
    expect(too_old).to_contain_text("the start time is older than the retention")
    expect(rejection(page, "Not OTLP")).to_contain_text("1 export")
    expect(page.get_by_role("table", name="API keys").get_by_role("row").nth(1)).to_contain_text("test")

    time_range(page, "Last 24 hours").click()
    expect(page).to_have_url(re.compile(r"range=24h$"))
    expect(too_old).to_contain_text("2 spans")


def test_a_user_s_data_is_deleted_after_a_question(page: Page, running: Running) -> None:
    server = running.register("forgetful")
    page.goto(f"/servers/{server.id}/settings")
    page.get_by_label("User id").fill("ada@example.com")
    page.keyboard.press("Enter")
    question = page.get_by_role("alertdialog")
    expect(question).to_contain_text(
        "Delete everything that forgetful has sent of ada@example.com, for ever?"
    )
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    question.get_by_role("button", name="Delete for ever").click()
    done = page.get_by_role("list", name="Deletions").get_by_role("listitem")
    expect(done).to_contain_text(re.compile("A user.s data is deleted: 0 rows"))
    expect(page.get_by_label("User id")).to_have_value("")


def test_no_width_scrolls_sideways(page: Page, running: Running) -> None:
    server = running.register("narrow")
    assert send(running, server, export_of(1)) == 200
    page.goto(f"/servers/{server.id}/settings")
    expect(rejection(page, "Older than what is kept")).to_be_visible()
    for width in (1440, 1024, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert settled_overflow(page) == 0, f"the settings at {width}"


def test_one_server_s_rejections_are_not_another_s(page: Page, running: Running) -> None:
    noisy, quiet = running.register("noisy"), running.register("quiet")
    assert send(running, noisy, b"\xff") == 400
    page.goto(f"/servers/{noisy.id}/settings")
    expect(rejection(page, "Not OTLP")).to_be_visible()
    page.goto(f"/servers/{quiet.id}/settings")
    expect(page.get_by_text("Nothing was rejected")).to_be_visible()
