"""What a server asks and tells its client, on every library."""

from functools import partial
from typing import Any

import anyio
import pytest
from dirty_equals import IsPartialDict, IsPositiveInt, IsStr
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from sdk_kit.asking import LOG, AskingLine, Hesitation, asking_lines, telling_lines, traceparents
from sdk_kit.collector import collecting
from sdk_kit.lines import IS_BEFORE_1_25, LAST_LEGACY_REVISION, Line
from sdk_kit.proofs import place_of
from sdk_kit.recording import Recording, picture
from sdk_kit.serving import serving
from sdk_kit.transports import connected, on_every_line

import mcp_obs
from mcp_obs._operation import MOST_TOLD
from mcp_obs.testing import Distribution

pytestmark = [
    pytest.mark.anyio,
    # mcp 2.x calls what is gone from 2026-07-28 deprecated on all revisions.
    pytest.mark.filterwarnings("ignore:The logging capability is deprecated"),
]
ASKING = pytest.mark.parametrize("line", asking_lines(), ids=str)
TELLING = pytest.mark.parametrize("line", telling_lines(), ids=str)
METHODS = {
    "roots": "roots/list",
    "sampling": "sampling/createMessage",
    "elicitation": "elicitation/create",
    "ping": "ping",
}
TOLD = {
    "notifications/progress": {},
    "notifications/message": {"mcp_obs.log.level": "warning"},
    "notifications/resources/updated": {"mcp.resource.uri": "memo://today"},
    "notifications/tools/list_changed": {},
    "notifications/resources/list_changed": {},
    "notifications/prompts/list_changed": {},
}


async def ask(line: AskingLine, what: str, **client: Any) -> str:
    """Have a tool ask a client, and return what the tool says of the answer."""
    async with line.in_memory(mcp_obs.instrument(line.build()), **client) as session:
        result = await session.call_tool("ask", {"what": what})
    return result.content[0].text


def spans_of(recording: Recording, method: str) -> list[ReadableSpan]:
    """The spans of a method that the server was the client in."""
    return [one for one in recording.log.spans if one.name == method and one.kind is trace.SpanKind.CLIENT]


def client_durations(recording: Recording) -> list[tuple[Any, Any]]:
    """The methods and error types of the durations that clients took."""
    points = recording.points("mcp.client.operation.duration")
    return [
        (point.attributes["mcp.method.name"], point.attributes.get("error.type"))
        for point in points
        if isinstance(point.value, Distribution)
        for _ in range(point.value.count)
    ]


REQUESTS = [
    pytest.param(what, marks=pytest.mark.behaviour(f"outbound.{what}"))
    for what in ("elicitation", "roots", "sampling")
]


@ASKING
@pytest.mark.parametrize("what", ["ping", *REQUESTS])
async def test_a_request_to_the_client_is_a_span_below_the_operation_that_asks(
    line: AskingLine, what: str, recording: Recording, host_spans: list[ReadableSpan]
):
    if what not in line.asks:
        pytest.skip(f"the library has no {METHODS[what]}")
    assert "Error" not in await ask(line, what)
    (asked,) = spans_of(recording, METHODS[what])
    (call,) = [span for span in recording.log.spans if span.name == "tools/call ask"]
    assert asked.parent is not None
    assert call.context is not None
    assert (asked.parent.trace_id, asked.parent.span_id) == (call.context.trace_id, call.context.span_id)
    version: Any = (call.attributes or {})["mcp.protocol.version"]
    expected: dict[str, object] = {
        "mcp.method.name": METHODS[what],
        "jsonrpc.request.id": IsStr(regex=r"\d+"),
        "mcp.protocol.version": version,
        "network.transport": "pipe",
        "mcp_obs.session.id": (call.attributes or {})["mcp_obs.session.id"],
        "mcp_obs.session.source": (call.attributes or {})["mcp_obs.session.source"],
        "mcp_obs.response.size": IsPositiveInt(),
        "mcp_obs.operation.outcome": "ok",
    }
    if what in {"sampling", "elicitation"}:
        expected["mcp_obs.request.size"] = IsPositiveInt()
    assert picture(asked) == {
        "name": METHODS[what],
        "kind": "CLIENT",
        "status": ("UNSET", None),
        "attributes": expected,
        "events": [],
        "links": 0,
    }
    assert client_durations(recording) == [(METHODS[what], None)]
    # The libraries' own spans of these requests would be theirs a second time.
    of_requests = [
        span for span in host_spans if (span.attributes or {}).get("mcp.method.name") in METHODS.values()
    ]
    assert of_requests == []


@ASKING
@pytest.mark.parametrize("what", REQUESTS)
async def test_a_request_to_the_client_over_stdio_is_a_span_below_the_operation_that_asks(
    line: AskingLine, what: str
):
    if what not in line.asks:
        pytest.skip(f"the library has no {METHODS[what]}")
    with collecting() as collector:
        async with line.over_stdio({"MCP_OBS_ENDPOINT": collector.url}) as session:
            answer = await session.call_tool("ask", {"what": what})
        assert "Error" not in answer.content[0].text
        await anyio.to_thread.run_sync(collector.wait_for, METHODS[what], "tools/call ask")
    assert collector.spans.count(METHODS[what]) == 1
    assert collector.attributes[METHODS[what]] == IsPartialDict(
        {
            "jsonrpc.request.id": IsStr(regex=r"\d+"),
            "network.transport": "pipe",
            "mcp_obs.session.id": collector.attributes["tools/call ask"]["mcp_obs.session.id"],
            "mcp_obs.operation.outcome": "ok",
        }
    )


@ASKING
async def test_the_client_is_told_which_trace_it_is_asked_in(line: AskingLine, recording: Recording):
    traceparents.clear()
    await ask(line, "roots")
    (asked,) = spans_of(recording, "roots/list")
    assert asked.context is not None
    assert [one[3:52] for one in traceparents] == [
        f"{asked.context.trace_id:032x}-{asked.context.span_id:016x}"
    ]


@ASKING
async def test_a_client_that_supports_nothing_is_an_error_with_its_code(
    line: AskingLine, recording: Recording
):
    assert "Error" in await ask(line, "roots", dumb=True)
    (asked,) = spans_of(recording, "roots/list")
    assert asked.status.status_code.name == "ERROR"
    assert dict(asked.attributes or {}) == IsPartialDict(
        {
            "error.type": line.not_supported,
            "rpc.response.status_code": line.not_supported,
            "mcp_obs.operation.outcome": "error",
        }
    )
    assert recording.picture("tools/call ask")["attributes"]["mcp_obs.operation.outcome"] == "ok"
    assert client_durations(recording) == [("roots/list", line.not_supported)]


@ASKING
async def test_a_request_that_is_not_answered_in_time_is_a_timeout(line: AskingLine, recording: Recording):
    hesitation = Hesitation()
    async with anyio.create_task_group() as group:
        group.start_soon(partial(ask, line, "impatient", hesitation=hesitation))
        await anyio.to_thread.run_sync(recording.log.wait_for, "roots/list")
        # Clients of 1.x read nothing while they are thinking.
        hesitation.released.set()
    (asked,) = spans_of(recording, "roots/list")
    attributes = dict(asked.attributes or {})
    assert attributes == IsPartialDict({"error.type": "timeout", "mcp_obs.operation.outcome": "error"})
    assert "rpc.response.status_code" not in attributes
    # Servers of 1.x tell their client in the log of the answer that comes too late.
    assert [taken for taken in client_durations(recording) if taken[0] != LOG] == [("roots/list", "timeout")]


@ASKING
async def test_a_request_of_a_cancelled_call_is_cancelled(line: AskingLine, recording: Recording):
    hesitation = Hesitation()
    async with (
        line.in_memory(mcp_obs.instrument(line.build()), hesitation=hesitation) as session,
        anyio.create_task_group() as group,
    ):
        group.start_soon(session.call_tool, "ask", {"what": "roots"})
        await hesitation.asked.wait()
        group.cancel_scope.cancel()
    # Where the client does not say that it gave up, the end of the connection does.
    asked = await anyio.to_thread.run_sync(recording.log.wait_for, "roots/list")
    attributes = dict(asked.attributes or {})
    assert attributes["mcp_obs.operation.outcome"] == "cancelled"
    assert "error.type" not in attributes
    assert client_durations(recording) == []


async def progressed(*_: Any) -> None:
    """A client that wants to hear of progress."""


def sent_by(line: AskingLine) -> list[str]:
    """What reaches a client of the tool `tell`; on 2026-07-28 changes go to subscriptions only."""
    has_changes = line.protocol_version <= LAST_LEGACY_REVISION
    return [method for method in TOLD if has_changes or not method.endswith(("changed", "updated"))]


@TELLING
@pytest.mark.behaviour("outbound.notification")
async def test_notifications_are_events_of_the_operation_that_sends_them(
    line: AskingLine, recording: Recording
):
    async with line.in_memory(mcp_obs.instrument(line.build())) as session:
        await session.call_tool("tell", {}, progress_callback=progressed)
    span = recording.picture("tools/call tell")
    assert span["events"] == [(method, TOLD[method]) for method in sent_by(line)]
    assert span["attributes"]["mcp_obs.notifications.sent"] == len(sent_by(line))
    assert "a secret" not in str(span)


@on_every_line("http", "sse", "stateless-http")
@pytest.mark.behaviour("outbound.notification")
async def test_notifications_over_http_are_events_where_they_are_sent(
    line: Line, transport: str, recording: Recording
):
    same = next(one for one in telling_lines() if place_of(one) == place_of(line))
    wish = {} if same in asking_lines() else {"meta": {"io.modelcontextprotocol/logLevel": "debug"}}
    async with connected(line, transport, mcp_obs.instrument(same.build())) as peer:
        await peer.session.call_tool("tell", {}, progress_callback=progressed, **wish)
    span = recording.picture("tools/call tell")
    assert span["attributes"]["network.transport"] == "tcp"
    sent = sent_by(same)
    if transport == "stateless-http" and same in asking_lines():
        # There is no stream but that of a request's answer, and old servers don't say whose progress it is.
        sent = [] if IS_BEFORE_1_25 and line.name == "mcp 1.x" else ["notifications/progress"]
    assert span["events"] == [(method, TOLD[method]) for method in sent]


@pytest.mark.parametrize(
    "line",
    [line for line in asking_lines() if "elicitation" in line.asks and "low level" not in line.name],
    ids=str,
)
@pytest.mark.behaviour("outbound.elicitation")
async def test_a_request_over_http_belongs_to_the_session_of_the_call(line: AskingLine, recording: Recording):
    with serving(line.app(mcp_obs.instrument(line.build()))) as url:
        async with line.over_http(url) as session:
            answer = await session.call_tool("confirm", {})
    assert answer.content[0].text == "accept"
    (asked,) = spans_of(recording, "elicitation/create")
    (call,) = [span for span in recording.log.spans if span.name == "tools/call confirm"]
    assert asked.parent is not None
    assert asked.parent.span_id == (call.context and call.context.span_id)
    assert dict(asked.attributes or {}) == IsPartialDict(
        {"network.transport": "tcp", "mcp.session.id": (call.attributes or {})["mcp.session.id"]}
    )


@TELLING
async def test_progress_that_nobody_wants_is_not_told(line: AskingLine, recording: Recording):
    async with line.in_memory(mcp_obs.instrument(line.build())) as session:
        await session.call_tool("tell", {})
    span = recording.picture("tools/call tell")
    assert "notifications/progress" not in [name for name, _ in span["events"]]
    assert span["attributes"]["mcp_obs.notifications.sent"] == len(sent_by(line)) - 1


@TELLING
@pytest.mark.behaviour("outbound.notification")
async def test_of_many_notifications_the_first_are_events_and_all_are_counted(
    line: AskingLine, recording: Recording
):
    async with line.in_memory(mcp_obs.instrument(line.build())) as session:
        await session.call_tool("chat", {"count": MOST_TOLD + 5})
    span = recording.picture("tools/call chat")
    assert len(span["events"]) == MOST_TOLD
    assert span["attributes"]["mcp_obs.notifications.sent"] == MOST_TOLD + 5


@ASKING
@pytest.mark.behaviour("outbound.notification")
async def test_what_is_sent_outside_an_operation_is_a_span_of_its_own(line: AskingLine, recording: Recording):
    line.sessions.clear()
    async with line.in_memory(mcp_obs.instrument(line.build())) as session:
        await session.call_tool("chat", {"count": 0})
        (kept,) = line.sessions
        await line.asks["log"](kept)
        assert type(await line.asks["ping"](kept)).__name__ == "EmptyResult"
    told, asked = recording.picture(LOG), recording.picture("ping")
    assert (told["kind"], told["attributes"]["mcp_obs.operation.outcome"]) == ("CLIENT", "ok")
    assert (asked["kind"], asked["attributes"]["mcp_obs.operation.outcome"]) == ("CLIENT", "ok")
    assert asked["attributes"]["network.transport"] == "pipe"


@ASKING
async def test_every_notification_of_the_client_is_a_span(line: AskingLine, recording: Recording):
    async with line.in_memory(mcp_obs.instrument(line.build())) as session:
        for method, notification in line.tells.items():
            await session.send_notification(notification)
            await anyio.to_thread.run_sync(recording.log.wait_for, method)
    for method in ("notifications/initialized", *line.tells):
        told = recording.picture(method)
        assert (told["kind"], told["status"]) == ("SERVER", ("UNSET", None))
        assert told["attributes"] == IsPartialDict(
            {
                "mcp.method.name": method,
                "network.transport": "pipe",
                "mcp_obs.operation.outcome": "ok",
            }
        )
