"""What is particular to mcp 1.x."""
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false, reportCallIssue=false

from importlib.metadata import version
from typing import Any

import anyio
import pytest
from dirty_equals import IsPartialDict, IsPositiveInt, IsStr
from inline_snapshot import snapshot
from mcp import McpError
from mcp.server.fastmcp import FastMCP
from mcp.server.lowlevel import Server
from mcp.server.session import ServerSession
from mcp.shared.memory import create_connected_server_and_client_session
from mcp.shared.message import SessionMessage
from mcp.types import (
    LATEST_PROTOCOL_VERSION,
    ClientNotification,
    ErrorData,
    JSONRPCMessage,
    JSONRPCRequest,
    RootsListChangedNotification,
    TextContent,
    Tool,
)
from sdk_kit import asking_v1
from sdk_kit.findings import Findings
from sdk_kit.lines_v1 import LINE, build
from sdk_kit.recording import Recording
from sdk_kit.serving import serving

import mcp_obs
from mcp_obs._adapters import findings

pytestmark = [pytest.mark.anyio, pytest.mark.proven_on("mcp 1.x", "legacy", "in-memory")]


# 1.9 makes a result of a tool's exception where nobody can see it.
EXCEPTIONS_ARE_SEEN = hasattr(Server, "_make_error_result")


def connect(server: Any) -> Any:
    """A client in memory; old versions connect to low-level servers only."""
    return create_connected_server_and_client_session(getattr(server, "_mcp_server", server))


def lowlevel() -> Any:
    """A low-level server with tools that succeed, raise, and refuse."""
    server: Any = Server("lowlevel")

    @server.list_tools()
    async def list_tools() -> list[Tool]:
        schema = {"type": "object", "properties": {"how": {"enum": ["well", "badly"]}}}
        return [Tool(name="act", inputSchema=schema)]

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, str]) -> list[TextContent]:
        if arguments.get("how") == "badly":
            raise OSError("the disk is full")
        return [TextContent(type="text", text="done")]

    @server.read_resource()
    async def read_resource(uri: Any) -> str:
        raise McpError(ErrorData(code=-32050, message="Quota exceeded"))

    return mcp_obs.instrument(server)


@pytest.mark.behaviour("operation.low-level-server")
async def test_the_low_level_server_is_instrumented(recording: Recording):
    async with connect(lowlevel()) as session:
        await session.call_tool("act", {"how": "well"})
    # The library lists once by itself, without a message, and the client (since 1.10) to learn the output schema.
    listed = ["tools/list"] if hasattr(session, "_validate_tool_result") else []
    assert recording.names == ["initialize", "notifications/initialized", "tools/call act", *listed]


@pytest.mark.behaviour("operation.low-level-server", "error.tool-exception-keeps-type")
async def test_a_raising_low_level_tool_has_its_exception(recording: Recording):
    async with connect(lowlevel()) as session:
        assert (await session.call_tool("act", {"how": "badly"})).isError
    span = recording.picture("tools/call act")
    seen = [("exception", {"exception.type": "OSError", "exception.message": "the disk is full"})]
    assert span["status"] == ("ERROR", "the disk is full" if EXCEPTIONS_ARE_SEEN else None)
    assert span["events"] == (seen if EXCEPTIONS_ARE_SEEN else [])


@pytest.mark.behaviour("error.values-are-not-quoted")
async def test_arguments_that_the_schema_refuses_are_not_quoted(recording: Recording):
    async with connect(lowlevel()) as session:
        await session.call_tool("act", {"how": "a secret"})
    span = recording.picture("tools/call act")
    # 1.9 checks no arguments.
    assert span["status"] == (("ERROR", "$.how: enum") if EXCEPTIONS_ARE_SEEN else ("UNSET", None))
    assert "a secret" not in str(span)


@pytest.mark.behaviour("error.protocol-code")
async def test_a_protocol_error_keeps_its_code_and_message(recording: Recording):
    async with connect(lowlevel()) as session:
        with pytest.raises(McpError, match="Quota exceeded"):
            await session.read_resource("memo://today")
    span = recording.picture("resources/read")
    assert span["status"] == ("ERROR", "Quota exceeded")
    assert span["attributes"] == IsPartialDict({"error.type": "-32050", "rpc.response.status_code": "-32050"})


@pytest.mark.behaviour("error.client-fault")
async def test_params_that_the_library_refuses_are_no_fault_of_the_server(recording: Recording):
    async with connect(lowlevel()) as session:
        request = JSONRPCRequest(jsonrpc="2.0", id="mine", method="tools/call", params={"name": 5})
        await session._write_stream.send(SessionMessage(JSONRPCMessage(request)))
        span = await anyio.to_thread.run_sync(recording.log.wait_for, "tools/call")
    assert dict(span.attributes or {}) == snapshot(
        {
            "mcp.method.name": "tools/call",
            "jsonrpc.request.id": "mine",
            "mcp.protocol.version": LATEST_PROTOCOL_VERSION,
            "gen_ai.operation.name": "execute_tool",
            "mcp_obs.request.size": 10,
            "mcp.client.name": "mcp",
            "mcp.client.version": "0.1.0",
            "network.transport": "pipe",
            "mcp_obs.session.id": IsStr(regex="[0-9a-f]{32}"),
            "mcp_obs.session.source": "inferred",
            "mcp_obs.operation.outcome": "ok",
            "rpc.response.status_code": "-32602",
        }
    )


@pytest.mark.behaviour("operation.reused-request-id")
async def test_two_requests_under_one_id_are_two_operations(
    recording: Recording, caplog: pytest.LogCaptureFixture
):
    server = FastMCP("kit")
    arrived = 0
    both = anyio.Event()

    @server.tool()
    async def meet() -> str:
        nonlocal arrived
        arrived += 1
        if arrived == 2:
            both.set()
        await both.wait()
        return "met"

    async with connect(mcp_obs.instrument(server)) as session:
        for _ in range(2):
            request = JSONRPCRequest(jsonrpc="2.0", id="mine", method="tools/call", params={"name": "meet"})
            await session._write_stream.send(SessionMessage(JSONRPCMessage(request)))
        await both.wait()
        await session.send_ping()
    calls = [span for span in recording.log.spans if span.name == "tools/call meet"]
    assert [(call.attributes or {})["mcp_obs.operation.outcome"] for call in calls] == ["cancelled", "ok"]
    assert "Failed to detach context" not in caplog.text


@pytest.mark.behaviour("operation.notification", "operation.initialize", "operation.ping")
async def test_notifications_and_initialize_are_operations(recording: Recording):
    async with connect(mcp_obs.instrument(build())) as session:
        await session.send_notification(
            ClientNotification(RootsListChangedNotification(method="notifications/roots/list_changed"))
        )
        await session.send_ping()
        await anyio.to_thread.run_sync(recording.log.wait_for, "notifications/roots/list_changed")
    assert recording.picture("initialize")["attributes"]["mcp.protocol.version"] == LATEST_PROTOCOL_VERSION
    assert recording.picture("ping")["attributes"]["mcp_obs.operation.outcome"] == "ok"
    assert recording.picture("notifications/roots/list_changed") == snapshot(
        {
            "name": "notifications/roots/list_changed",
            "kind": "SERVER",
            "status": ("UNSET", None),
            "attributes": {
                "mcp.method.name": "notifications/roots/list_changed",
                "mcp.protocol.version": LATEST_PROTOCOL_VERSION,
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


@pytest.mark.behaviour("trace.session-is-no-trace")
@pytest.mark.proven_on("mcp 1.x", "legacy", "http")
async def test_calls_of_one_http_session_are_not_joined_into_one_trace(recording: Recording):
    app = LINE.app(mcp_obs.instrument(build()))
    tracer = recording.traces.get_tracer("host")

    async def traced(scope: Any, receive: Any, send: Any) -> None:
        with tracer.start_as_current_span("POST /mcp" if scope["type"] == "http" else "lifespan"):
            await app(scope, receive, send)

    with serving(traced) as url:
        async with LINE.over_http(url, None) as peer:
            await peer.call("greet", name="Ada")
            await peer.call("greet", name="Grace")
    calls = [span for span in recording.log.spans if span.name == "tools/call greet"]
    assert [call.parent for call in calls] == [None, None]


@pytest.mark.behaviour("instrument.missing-hook")
@pytest.mark.parametrize(
    ("hook", "consequence"),
    [
        ("_handle_request", "spans made inside tools are no part of the call's trace"),
        ("_make_error_result", "the exceptions of failed tools are not recorded"),
    ],
)
def test_a_missing_hook_is_one_loud_sentence_and_a_finding(
    hook: str, consequence: str, found: Findings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(Server, hook, raising=False)
    for _ in range(2):
        lowlevel()
    assert [(one.library, one.hook, one.consequence) for one in findings.findings()] == [
        ("mcp", f"Server.{hook}", consequence)
    ] or not EXCEPTIONS_ARE_SEEN
    assert found.warnings == [str(one) for one in findings.findings()]
    assert f"mcp {version('mcp')} has no Server.{hook} that mcp-obs knows: {consequence}." in str(
        found.warnings
    )


@pytest.mark.behaviour("instrument.missing-hook")
async def test_without_a_hook_the_rest_is_still_recorded(
    recording: Recording, found: Findings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(Server, "_make_error_result", raising=False)
    async with connect(lowlevel()) as session:
        await session.call_tool("act", {"how": "well"})
    assert "tools/call act" in recording.names


async def test_fastmcp_s_exceptions_are_seen_without_the_low_level_server_s_hook(
    recording: Recording, found: Findings, monkeypatch: pytest.MonkeyPatch
):
    if EXCEPTIONS_ARE_SEEN:  # else this is 1.9
        monkeypatch.setattr(Server, "_make_error_result", property(), raising=False)
    server = mcp_obs.instrument(build())
    monkeypatch.undo()
    async with connect(server) as session:
        assert (await session.call_tool("fail", {"reason": "the disk is full"})).isError
    assert recording.picture("tools/call fail")["events"] == [
        ("exception", {"exception.type": "OSError", "exception.message": "the disk is full"})
    ]
    assert found.warnings == []


async def test_a_request_to_a_client_over_http_belongs_to_its_session(recording: Recording):
    with serving(LINE.app(mcp_obs.instrument(asking_v1.build()))) as url:
        async with LINE.over_http(url, None) as peer:
            await peer.call("ask", what="sampling")
    call, asked = recording.picture("tools/call ask"), recording.picture("sampling/createMessage")
    assert asked["attributes"] == {
        "mcp.method.name": "sampling/createMessage",
        "jsonrpc.request.id": IsStr(regex=r"\d+"),
        "mcp.protocol.version": LATEST_PROTOCOL_VERSION,
        "network.transport": "tcp",
        "network.protocol.name": "http",
        "network.protocol.version": "1.1",
        "mcp.session.id": call["attributes"]["mcp.session.id"],
        "mcp_obs.session.id": call["attributes"]["mcp.session.id"],
        "mcp_obs.session.source": "protocol",
        "mcp_obs.request.size": IsPositiveInt(),
        "error.type": "-32600",
        "rpc.response.status_code": "-32600",
        "mcp_obs.operation.outcome": "error",
    }


async def test_a_session_that_asks_in_another_way_is_a_finding(
    recording: Recording, found: Findings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ServerSession, "send_request", property())
    async with connect(mcp_obs.instrument(build())) as session:
        await session.call_tool("greet", {"name": "Ada"})
    assert [one.consequence for one in findings.findings()] == ["requests to the client are not recorded"]
    assert "tools/call greet" in recording.names
