"""What HTTP adds to a span, on every library line."""

import pytest
from dirty_equals import IsInt, IsOneOf, IsPartialDict, IsPositiveInt, IsStr
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import ReadableSpan
from sdk_kit.lines import RESULT_SHAPE, Answer, Line, installed_lines
from sdk_kit.recording import Recording, picture
from sdk_kit.serving import serving

import mcp_obs

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("line", installed_lines().values(), ids=str),
]


def session_attributes(line: Line) -> dict[str, object]:
    """Sessions ended with the protocol of 2025."""
    session_id = IsStr(regex=r"[0-9a-f]{32}")
    if line.protocol_version > "2025-11-25":
        return {"mcp_obs.session.id": session_id, "mcp_obs.session.source": IsOneOf("trace", "inferred")}
    return {
        "mcp.session.id": session_id,
        "mcp_obs.session.id": session_id,
        "mcp_obs.session.source": "protocol",
    }


@pytest.mark.behaviour("operation.one-span", "transport.http", "session.legacy-id", "client.from-initialize")
async def test_a_call_over_http_knows_its_peer_and_session(line: Line, recording: Recording):
    with serving(line.app(mcp_obs.instrument(line.build()))) as url:
        async with line.over_http(url, None) as peer:
            assert await peer.call("greet", name="Ada") == Answer("Hello, Ada")
    assert recording.picture("tools/call greet") == {
        "name": "tools/call greet",
        "kind": "SERVER",
        "status": ("UNSET", None),
        "attributes": {
            "mcp.method.name": "tools/call",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "greet",
            "jsonrpc.request.id": IsStr(regex=r"\d+"),
            "mcp.protocol.version": line.protocol_version,
            "mcp.client.name": "kit",
            "mcp.client.version": "1.2.3",
            "network.transport": "tcp",
            "network.protocol.name": "http",
            "network.protocol.version": "1.1",
            "client.address": "127.0.0.1",
            "client.port": IsInt(gt=0, lt=65536),
            "mcp_obs.request.size": IsPositiveInt(),
            "mcp_obs.request.shape": '{"name":"string"}',
            "mcp_obs.response.size": IsPositiveInt(),
            "mcp_obs.response.shape": RESULT_SHAPE,
            "mcp_obs.operation.outcome": "ok",
        }
        | session_attributes(line),
        "events": [],
        "links": 0,
    }


@pytest.mark.behaviour("trace.parent-from-meta")
async def test_a_call_belongs_to_the_trace_of_its_client(line: Line, recording: Recording):
    meta: dict[str, str] = {}
    with serving(line.app(mcp_obs.instrument(line.build()))) as url:
        async with line.over_http(url, None) as peer:
            with trace.get_tracer("agent").start_as_current_span("answer a question") as question:
                propagate.inject(meta)
                await peer.call("add", meta=meta, a=1, b=2)
    parent = recording.log.wait_for("tools/call add").parent
    assert parent is not None
    assert parent.is_remote
    assert parent.trace_id == question.get_span_context().trace_id


@pytest.mark.behaviour("session.legacy-id")
async def test_one_session_has_one_id(line: Line, recording: Recording):
    with serving(line.app(mcp_obs.instrument(line.build()))) as url:
        async with line.over_http(url, None) as peer:
            await peer.call("greet", name="Ada")
            await peer.call("greet", name="Grace")
    calls = [picture(span) for span in recording.log.spans if span.name == "tools/call greet"]
    assert len(calls) == 2
    assert len({call["attributes"].get("mcp.session.id") for call in calls}) == 1


@pytest.mark.behaviour("user.access-token")
async def test_the_user_comes_from_the_access_token(line: Line, recording: Recording):
    with serving(line.app(mcp_obs.instrument(line.build(auth=True)))) as url:
        async with line.over_http(url, "ada") as peer:
            await peer.call("greet", name="Ada")
    assert recording.picture("tools/call greet")["attributes"] == IsPartialDict(
        {"enduser.id": line.user, "enduser.scope": "read write"}
    )


@pytest.mark.behaviour("operation.no-native-twin", "operation.one-duration")
async def test_every_server_span_is_ours(line: Line, recording: Recording, host_spans: list[ReadableSpan]):
    with serving(line.app(mcp_obs.instrument(line.build()))) as url:
        async with line.over_http(url, None) as peer:
            await peer.call("greet", name="Ada")
            await peer.read("memo://today")
            await peer.prompt("ask", topic="rain")
            await peer.tools()
    assert [span.name for span in host_spans if span.kind.name == "SERVER"] == []
    assert len(recording.names) == len(recording.log.spans) > 4
    assert sum(count for count, _ in recording.durations()) == len(recording.log.spans)
