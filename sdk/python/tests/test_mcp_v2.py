"""What is particular to mcp 2.x."""

import contextlib
import gc
import json
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
import requests
from dirty_equals import IsPartialDict, IsStr
from inline_snapshot import snapshot
from mcp import Client
from mcp.server import MCPServer, Server
from mcp.server.connection import Connection
from mcp.shared import jsonrpc_dispatcher
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    RootsListChangedNotification,
    TextContent,
    Tool,
)
from sdk_kit import asking_v2
from sdk_kit.findings import Findings
from sdk_kit.lines_v2 import build_mcpserver, mcp_line
from sdk_kit.recording import Recording
from sdk_kit.serving import serving
from starlette.requests import Request

import mcp_obs
from mcp_obs import _adapters
from mcp_obs._adapters import findings, mcp_v2_outbound

pytestmark = [pytest.mark.anyio, pytest.mark.proven_on("mcp 2.x", "modern", "in-memory")]
LEGACY = pytest.mark.proven_on("mcp 2.x", "legacy", "in-memory")
MODES = pytest.mark.parametrize(
    ("mode", "unclassified"), [("2026-07-28", "-32603"), pytest.param("legacy", "0", marks=LEGACY)]
)
DONE: list[ContentBlock] = [TextContent(type="text", text="done")]


def lowlevel(**handlers: Any) -> Server[Any]:
    """A low-level server, instrumented."""
    return mcp_obs.instrument(Server("lowlevel", **handlers))


async def list_one_tool(ctx: Any, params: PaginatedRequestParams | None) -> ListToolsResult:
    return ListToolsResult(tools=[Tool(name="act", input_schema={"type": "object"})])


async def call(server: Any, mode: Any) -> None:
    """Call the only tool, whatever comes of it."""
    async with Client(server, mode=mode) as client:
        with contextlib.suppress(MCPError):
            await client.session.call_tool("act", {"a": 1}, allow_input_required=True)


@pytest.mark.behaviour("operation.low-level-server", "error.unclassified-exception")
@MODES
async def test_an_exception_of_a_low_level_handler_has_the_code_that_the_client_gets(
    mode: str, unclassified: str, recording: Recording
):
    async def act(ctx: Any, params: CallToolRequestParams) -> CallToolResult:
        raise OSError("the disk is full")

    await call(lowlevel(on_call_tool=act), mode)
    span = recording.picture("tools/call act")
    assert span["status"] == ("ERROR", "the disk is full")
    assert span["attributes"] == IsPartialDict(
        {
            "error.type": unclassified,
            "rpc.response.status_code": unclassified,
            "mcp_obs.operation.outcome": "error",
        }
    )
    assert span["events"] == [
        ("exception", {"exception.type": "OSError", "exception.message": "the disk is full"})
    ]


@pytest.mark.behaviour("error.protocol-code")
@MODES
async def test_a_protocol_error_of_a_tool_keeps_its_code_and_message(
    mode: str, unclassified: str, recording: Recording
):
    server = mcp_obs.instrument(MCPServer("kit"))

    @server.tool()
    def act(a: int) -> None:
        raise MCPError(-32050, "Quota exceeded")

    await call(server, mode)
    span = recording.picture("tools/call act")
    assert span["status"] == ("ERROR", "Quota exceeded")
    assert span["attributes"] == IsPartialDict({"error.type": "-32050", "rpc.response.status_code": "-32050"})


@pytest.mark.behaviour("error.tool-result")
@MODES
async def test_an_error_result_of_a_low_level_handler_is_a_tool_error(
    mode: str, unclassified: str, recording: Recording
):
    async def act(ctx: Any, params: CallToolRequestParams) -> CallToolResult:
        return CallToolResult(content=DONE, is_error=True)

    await call(lowlevel(on_call_tool=act), mode)
    span = recording.picture("tools/call act")
    assert (span["status"], span["events"]) == (("ERROR", None), [])
    assert span["attributes"]["error.type"] == "tool_error"


@pytest.mark.behaviour("outcome.input-required")
async def test_a_call_that_asks_back_is_neither_an_error_nor_timed(recording: Recording):
    async def act(ctx: Any, params: CallToolRequestParams) -> InputRequiredResult:
        schema = {"type": "object", "properties": {"sure": {"type": "boolean"}}}
        question = ElicitRequest(params=ElicitRequestFormParams(message="Sure?", requested_schema=schema))
        return InputRequiredResult(input_requests={"sure": question})

    await call(lowlevel(on_call_tool=act), "2026-07-28")
    span = recording.picture("tools/call act")
    assert span["status"] == ("UNSET", None)
    assert span["attributes"]["mcp_obs.operation.outcome"] == "input_required"
    assert [point for point in recording.durations() if point[1].get("gen_ai.tool.name") == "act"] == []


@pytest.mark.behaviour("operation.no-hidden-listing")
@pytest.mark.proven_on("mcp 2.x", "modern", "http")
async def test_the_library_s_own_listing_before_a_call_is_no_operation(recording: Recording):
    async def act(ctx: Any, params: CallToolRequestParams) -> CallToolResult:
        return CallToolResult(content=DONE)

    server = lowlevel(on_call_tool=act, on_list_tools=list_one_tool)
    with serving(server.streamable_http_app()) as url:
        async with mcp_line("", "2026-07-28", "2026-07-28").over_http(url, None) as peer:
            await peer.call("act", a=1)
    # The client lists once itself, to learn the tool's output schema.
    assert sorted(recording.names) == ["tools/call act", "tools/list"]


@pytest.mark.parametrize(
    ("revision", "status", "recorded"), [("2025-11-25", 200, ["tools/list"]), ("2026-07-28", 400, [])]
)
def test_a_header_hides_no_listing_of_a_client_s(
    revision: str, status: int, recorded: list[str], recording: Recording
):
    server = build_mcpserver()
    app = mcp_obs.instrument(server).streamable_http_app(stateless_http=True, json_response=True)
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": revision,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    listing: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": revision}
    headers["mcp-method"] = "tools/call"
    with serving(app) as url:
        answer = requests.post(f"{url}/mcp", json=listing, headers=headers, timeout=30)
    assert answer.status_code == status
    assert recording.names == recorded


@pytest.mark.behaviour("operation.notification", "operation.initialize", "operation.ping")
@LEGACY
async def test_notifications_and_initialize_are_operations_of_the_protocol_of_2025(recording: Recording):
    async with Client(mcp_obs.instrument(build_mcpserver()), mode="legacy") as client:
        await client.session.send_notification(RootsListChangedNotification())
        await client.session.send_ping()  # pyright: ignore[reportDeprecated]
        await anyio.to_thread.run_sync(recording.log.wait_for, "notifications/roots/list_changed")
    assert recording.picture("initialize")["attributes"]["mcp.protocol.version"] == "2025-11-25"
    assert recording.picture("ping")["attributes"]["mcp_obs.operation.outcome"] == "ok"
    assert recording.picture("notifications/roots/list_changed") == snapshot(
        {
            "name": "notifications/roots/list_changed",
            "kind": "SERVER",
            "status": ("UNSET", None),
            "attributes": {
                "mcp.method.name": "notifications/roots/list_changed",
                "mcp.protocol.version": "2025-11-25",
                "mcp.client.name": "mcp",
                "mcp.client.version": "0.1.0",
                "network.transport": "pipe",
                "mcp_obs.session.id": IsStr(regex="[0-9a-f]{32}"),
                "mcp_obs.session.source": "inferred",
                "mcp_obs.operation.outcome": "ok",
            },
            "events": [],
            "links": 0,
        }
    )


@pytest.mark.behaviour("trace.ambient-linked")
async def test_an_ambient_span_is_linked_when_meta_names_the_parent(recording: Recording):
    meta: Any = {"traceparent": "00-0000000000000000000000000000abcd-00000000000000ef-01"}
    async with Client(mcp_obs.instrument(build_mcpserver()), mode="2026-07-28") as client:
        with recording.traces.get_tracer("host").start_as_current_span("POST /mcp") as around:
            await client.session.call_tool("add", {"a": 1, "b": 2}, meta=meta)
    span = recording.log.wait_for("tools/call add")
    assert span.parent is not None
    assert span.parent.trace_id == 0xABCD
    assert [link.context for link in span.links] == [around.get_span_context()]


@pytest.mark.behaviour("instrument.missing-hook")
async def test_a_server_without_the_native_middleware_is_instrumented_with_a_finding(
    recording: Recording, found: Findings
):
    server = build_mcpserver()
    server.middleware.clear()
    mcp_obs.instrument(server)
    assert [(one.hook, one.consequence) for one in findings.findings()] == [
        (
            "OpenTelemetryMiddleware on the server",
            "should it trace in another way, every operation has a second span, mcp's own",
        )
    ]
    assert found.warnings == [str(one) for one in findings.findings()]
    async with Client(server) as client:
        await client.call_tool("add", {"a": 1, "b": 2})
    assert "tools/call add" in recording.names


async def test_without_a_place_to_see_exceptions_the_rest_is_recorded(
    recording: Recording, found: Findings, monkeypatch: pytest.MonkeyPatch
):
    server = build_mcpserver()
    with monkeypatch.context() as patch:
        patch.delattr(MCPServer, "call_tool")
        mcp_obs.instrument(server)
    assert [(one.hook, one.consequence) for one in findings.findings()] == [
        ("MCPServer.call_tool", "the exceptions of failed tools are not recorded")
    ]
    async with Client(server) as client:
        await client.call_tool("add", {"a": 1, "b": 2})
    assert "tools/call add" in recording.names


@pytest.mark.behaviour("host.undescribable-message")
@pytest.mark.parametrize("below", [SimpleNamespace(), SimpleNamespace(scope={"type": "http"})])
async def test_a_request_that_is_not_starlette_s_costs_neither_answer_nor_span(
    below: Any, recording: Recording
):
    async def bring_another(ctx: Any, call_next: Any) -> Any:
        return await call_next(replace(ctx, request=below))

    server = mcp_obs.instrument(build_mcpserver())
    server.middleware.insert(0, bring_another)
    async with Client(server) as client:
        result = await client.call_tool("add", {"a": 1, "b": 2})
    assert not result.is_error
    assert recording.picture("tools/call add")["attributes"] == IsPartialDict({"network.transport": "tcp"})


@pytest.mark.behaviour("host.undescribable-message")
async def test_a_listing_below_which_nothing_can_be_read_is_answered(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MCP_OBS_STRICT")

    async def bring_another(ctx: Any, call_next: Any) -> Any:
        return await call_next(replace(ctx, request=SimpleNamespace(scope={"headers": 5})))

    server = mcp_obs.instrument(build_mcpserver())
    server.middleware.insert(0, bring_another)
    async with Client(server) as client:
        assert (await client.list_tools()).tools


async def test_a_request_that_a_connection_cannot_carry_is_an_error_of_that_name(recording: Recording):
    async with Client(mcp_obs.instrument(asking_v2.build()), mode="2026-07-28") as client:
        result = await client.call_tool("ask", {"what": "elicitation"})
    assert "NoBackChannelError" in str(result.content)
    asked = recording.picture("elicitation/create")
    assert asked["kind"] == "CLIENT"
    assert asked["attributes"] == IsPartialDict(
        {"error.type": "NoBackChannelError", "mcp_obs.operation.outcome": "error"}
    )
    assert "rpc.response.status_code" not in asked["attributes"]


async def test_a_change_that_nobody_listens_to_is_not_sent_and_not_recorded(recording: Recording):
    async with Client(mcp_obs.instrument(asking_v2.build()), mode="2026-07-28") as client:
        await client.call_tool("tell", {})
    assert recording.picture("tools/call tell")["events"] == []


async def test_without_a_channel_s_parts_the_rest_is_recorded(
    recording: Recording, found: Findings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "mcp_obs._adapters.mcp_v2_outbound", None)
    monkeypatch.delattr(_adapters, "mcp_v2_outbound")
    async with Client(mcp_obs.instrument(asking_v2.build()), mode="legacy") as client:
        await client.call_tool("ask", {"what": "roots"})
    assert [one.consequence for one in findings.findings()] == ["what is sent to the client is not recorded"]
    assert "tools/call ask" in recording.names
    assert "roots/list" not in recording.names


@LEGACY
@pytest.mark.behaviour("instrument.missing-hook")
async def test_what_cannot_say_whether_a_client_is_told_changes_nothing_for_the_host(
    recording: Recording, found: Findings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(Connection, "has_standalone_channel")
    monkeypatch.setattr(mcp_v2_outbound, "_PROGRESS", ("_renamed",))
    async with Client(mcp_obs.instrument(asking_v2.build()), mode="legacy") as client:
        answers = [await client.call_tool("tell", {}) for _ in range(2)]
    assert [answer.content for answer in answers] == [[TextContent(text="told")]] * 2
    assert {one.consequence for one in findings.findings()} == {
        "notifications that a client does not get are recorded as if it did"
    }
    assert [one.hook for one in findings.findings()] == [
        "_renamed below ServerSession",
        "has_standalone_channel below ServerSession",
    ]
    assert found.warnings == [str(one) for one in findings.findings()]
    told = [len(span.events) for span in recording.log.spans if span.name == "tools/call tell"]
    assert told == [6, 6]


@pytest.mark.behaviour("instrument.missing-hook")
async def test_an_application_that_is_made_without_saying_where_it_serves_is_a_finding(found: Findings):
    class Hosts(MCPServer):
        def streamable_http_app(self, **options: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
            return super().streamable_http_app(**options)

    mcp_obs.instrument(Hosts("kit")).streamable_http_app()
    assert [(one.hook, one.consequence) for one in findings.findings()] == [
        (
            f"path of {Hosts.__qualname__}.streamable_http_app",
            "requests that are turned away before their message is handled are not counted",
        )
    ]


async def test_a_span_of_the_library_s_that_cannot_give_way_is_a_finding(
    recording: Recording, found: Findings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(jsonrpc_dispatcher, "otel_span")
    mcp_obs.instrument(asking_v2.build())
    assert [(one.hook, one.consequence) for one in findings.findings()] == [
        (
            "jsonrpc_dispatcher.otel_span",
            "requests to the client have no id, and perhaps a second span, mcp's own",
        )
    ]


async def test_a_request_to_a_client_over_http_belongs_to_its_session(recording: Recording):
    with serving(mcp_obs.instrument(asking_v2.build()).streamable_http_app()) as url:
        async with mcp_line("", "legacy", "2025-11-25").over_http(url, None) as peer:
            await peer.call("ask", what="roots")
    call, asked = recording.picture("tools/call ask"), recording.picture("roots/list")
    assert asked["attributes"] == {
        "mcp.method.name": "roots/list",
        "jsonrpc.request.id": IsStr(regex=r"\d+"),
        "mcp.protocol.version": "2025-11-25",
        "network.transport": "tcp",
        "network.protocol.name": "http",
        "network.protocol.version": "1.1",
        "mcp.session.id": call["attributes"]["mcp.session.id"],
        "mcp_obs.session.id": call["attributes"]["mcp.session.id"],
        "mcp_obs.session.source": "protocol",
        "error.type": "-32600",
        "rpc.response.status_code": "-32600",
        "mcp_obs.operation.outcome": "error",
    }


@LEGACY
@pytest.mark.behaviour("outbound.notification")
async def test_a_message_that_another_middleware_tries_again_is_a_span_each_time_with_its_events_once(
    recording: Recording,
):
    async def try_again(ctx: Any, call_next: Any) -> Any:
        await call_next(ctx)
        return await call_next(ctx)

    server = mcp_obs.instrument(asking_v2.build())
    server.middleware.insert(0, try_again)
    async with Client(server, mode="legacy") as client:
        await client.call_tool("tell", {})
    told = [len(span.events) for span in recording.log.spans if span.name == "tools/call tell"]
    assert told == [5, 5]


async def test_no_http_request_has_to_wait_for_the_garbage_collector(recording: Recording):
    server = build_mcpserver()
    app = mcp_obs.instrument(server).streamable_http_app()
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    called: dict[str, Any] = {"name": "add", "arguments": {"a": 1, "b": 2}, "_meta": meta}
    said = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    said |= {"host": "127.0.0.1:80", "mcp-protocol-version": "2026-07-28"}
    said |= {"mcp-method": "tools/call", "mcp-name": "add"}
    headers = [(name.encode(), value.encode()) for name, value in said.items()]
    bodies = [json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": called}).encode()]

    async def receive() -> dict[str, Any]:
        if bodies:
            return {"type": "http.request", "body": bodies.pop(), "more_body": False}
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Any) -> None:
        pass

    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/mcp", "headers": headers}
    scope |= {"query_string": b"", "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80), "scheme": "http"}
    async with app.router.lifespan_context(app):
        gc.collect()
        gc.disable()
        try:
            await app(scope, receive, send)
            kind: Any = Request
            requests: list[Any] = [each for each in gc.get_objects() if isinstance(each, kind)]
            waiting = [each for each in requests if each.scope["headers"] is headers]
        finally:
            gc.enable()
    assert recording.names == ["tools/call add"]
    assert not waiting
