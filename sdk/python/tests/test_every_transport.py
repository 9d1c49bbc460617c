"""A call that is answered, fails, finds no tool or is given up, over every transport and in both eras."""

from functools import partial
from typing import Any

import anyio
import pytest
from dirty_equals import IsInt, IsOneOf, IsPartialDict, IsStr
from sdk_kit.asking import AskingLine, low_level_lines
from sdk_kit.collector import collecting
from sdk_kit.lines import IS_MCP_1_9, LAST_LEGACY_REVISION, Answer, Line, Peer, installed_lines
from sdk_kit.proofs import place_of
from sdk_kit.recording import Recording, picture
from sdk_kit.serving import serving
from sdk_kit.transports import connected, on_every_line, told_when_begun

import mcp_obs

pytestmark = pytest.mark.anyio
ENDINGS = {
    "tools/call greet": IsPartialDict({"mcp_obs.operation.outcome": "ok"}),
    "tools/call fail": IsPartialDict({"mcp_obs.operation.outcome": "error", "error.type": "tool_error"}),
    "tools/call no_such_tool": IsPartialDict(
        {"mcp_obs.operation.outcome": "error", "error.type": "tool_error"}
    ),
    "tools/call wait": IsPartialDict({"mcp_obs.operation.outcome": "cancelled"}),
}


OVER_HTTP = {
    "network.transport": "tcp",
    "network.protocol.name": "http",
    "network.protocol.version": "1.1",
    "client.address": "127.0.0.1",
    "client.port": IsInt(gt=0, lt=65536),
}


@pytest.mark.behaviour(
    "error.tool-exception-keeps-type",
    "error.unknown-tool",
    "operation.one-span",
    "outcome.cancelled",
    "transport.http",
    "transport.sse",
    "transport.stateless-http",
)
@on_every_line("in-memory", "sse", "http", "stateless-http")
async def test_every_ending_is_told_over_every_transport(line: Line, transport: str, recording: Recording):
    with told_when_begun() as (_, begun):
        async with connected(line, transport, mcp_obs.instrument(line.build())) as peer:
            await peer.call("greet", name="Ada")
            await peer.call("fail", reason="the disk is full")
            await peer.call("no_such_tool")
            await line.cancel(peer, begun())
        await anyio.to_thread.run_sync(recording.log.wait_for, "tools/call wait")
    spans = {span.name: picture(span) for span in recording.log.spans if span.name in ENDINGS}
    assert {name: span["attributes"] for name, span in spans.items()} == ENDINGS
    assert len([name for name in recording.names if name in ENDINGS]) == len(ENDINGS)
    assert spans["tools/call fail"]["events"] == [
        ("exception", {"exception.type": "OSError", "exception.message": "the disk is full"})
    ]
    has_sessions = transport == "http" and line.protocol_version <= LAST_LEGACY_REVISION
    reached = {"network.transport": "pipe"} if transport == "in-memory" else OVER_HTTP
    # The clients of 1.9 say what was negotiated in no request.
    if not (IS_MCP_1_9 and transport == "stateless-http"):
        reached = {**reached, "mcp.protocol.version": line.protocol_version}
    assert "the disk is full" in spans["tools/call fail"]["status"][1]
    for span in spans.values():
        assert span["kind"] == "SERVER"
        assert span["attributes"] == IsPartialDict(reached)
        assert ("mcp.session.id" in span["attributes"]) == has_sessions


@pytest.mark.parametrize("line", installed_lines().values(), ids=str)
@pytest.mark.behaviour("error.unknown-tool", "outcome.cancelled", "transport.stdio")
async def test_every_ending_is_told_over_stdio_and_sent_when_the_server_has_ended(line: Line):
    with collecting() as collector, told_when_begun() as (environment, begun):
        settings = {"MCP_OBS_ENDPOINT": collector.url, "MCP_OBS_SERVER_NAME": "kit"}
        async with line.over_stdio(settings | environment) as peer:
            assert await peer.call("greet", name="Ada") == Answer("Hello, Ada")
            await peer.call("fail", reason="the disk is full")
            await peer.call("no_such_tool")
            await line.cancel(peer, begun())
            # A client of 1.x that has gone before the answer to the cancelled call comes ends with an error.
            # A server of 1.9 ends with the call.
            if IS_MCP_1_9:
                await anyio.to_thread.run_sync(collector.wait_for, "tools/call wait")
            else:
                await peer.tools()
        await anyio.to_thread.run_sync(collector.wait_for, "tools/call wait")
    assert {name: each for name, each in collector.attributes.items() if name in ENDINGS} == ENDINGS
    assert [collector.spans.count(name) for name in ENDINGS] == [1, 1, 1, 1]
    assert {each["network.transport"] for each in collector.attributes.values()} == {"pipe"}
    assert collector.resources[0]["service.name"] == "kit"


LOW_LEVEL = pytest.mark.parametrize("line", low_level_lines(), ids=str)


@LOW_LEVEL
@pytest.mark.behaviour("operation.low-level-server")
async def test_a_low_level_server_is_recorded_over_http(line: AskingLine, recording: Recording):
    with serving(line.app(mcp_obs.instrument(line.build()))) as url:
        async with line.over_http(url) as session:
            await session.call_tool("chat", {"count": 0})
    assert recording.picture("tools/call chat")["attributes"] == IsPartialDict(
        {**OVER_HTTP, "mcp.protocol.version": line.protocol_version, "mcp_obs.operation.outcome": "ok"}
    )


@LOW_LEVEL
@pytest.mark.behaviour("operation.low-level-server")
async def test_a_low_level_server_is_recorded_over_stdio(line: AskingLine):
    with collecting() as collector:
        async with line.over_stdio({"MCP_OBS_ENDPOINT": collector.url}) as session:
            await session.call_tool("chat", {"count": 0})
        await anyio.to_thread.run_sync(collector.wait_for, "tools/call chat")
    assert collector.spans.count("tools/call chat") == 1
    assert collector.attributes["tools/call chat"] == IsPartialDict(
        {"network.transport": "pipe", "mcp.protocol.version": line.protocol_version}
    )


BOTH_ERAS = [
    pytest.param(line, other, id=str(line))
    for line in installed_lines().values()
    for other in installed_lines().values()
    if (place_of(line)[0], place_of(line)[1], place_of(other)[1]) == (place_of(other)[0], "modern", "legacy")
]


@pytest.mark.parametrize(("line", "other"), BOTH_ERAS)
@pytest.mark.behaviour("operation.one-span", "session.none-in-modern")
async def test_one_application_serves_a_client_of_each_protocol_at_the_same_time(
    line: Line, other: Line, recording: Recording
):
    async def talk(peer: Peer, tool: str, **arguments: Any) -> None:
        for _ in range(10):
            await peer.call(tool, **arguments)

    with serving(line.app(mcp_obs.instrument(line.build()))) as url:
        async with (
            line.over_http(url, None) as modern,
            other.over_http(url, None) as legacy,
            anyio.create_task_group() as group,
        ):
            group.start_soon(partial(talk, modern, "add", a=1, b=2))
            group.start_soon(partial(talk, legacy, "greet", name="Ada"))
    for tool, spoken, session in (
        ("add", line, {"mcp_obs.session.source": IsOneOf("trace", "inferred")}),
        ("greet", other, {"mcp_obs.session.source": "protocol", "mcp.session.id": IsStr()}),
    ):
        spans = [picture(span) for span in recording.log.spans if span.name == f"tools/call {tool}"]
        assert len(spans) == 10
        for span in spans:
            assert span["status"] == ("UNSET", None)
            assert span["attributes"] == IsPartialDict(
                OVER_HTTP
                | session
                | {"mcp.protocol.version": spoken.protocol_version, "mcp.client.name": "kit"}
            )
            assert ("mcp.session.id" in span["attributes"]) == ("mcp.session.id" in session)
