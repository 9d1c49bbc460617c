"""The same behaviours on every library line, with real clients."""

import anyio
import pytest
from dirty_equals import IsOneOf, IsPartialDict, IsPositiveInt, IsStr
from opentelemetry import trace
from sdk_kit import tools
from sdk_kit.lines import RESULT_SHAPE, Answer, Line, installed_lines
from sdk_kit.recording import Recording, picture

import mcp_obs

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("line", installed_lines().values(), ids=str),
]


def known_at_start(line: Line) -> dict[str, object]:
    """The attributes of every request over no transport."""
    return {
        "jsonrpc.request.id": IsStr(regex=r"\d+"),
        "mcp.protocol.version": line.protocol_version,
        "mcp.client.name": "kit",
        "mcp.client.version": "1.2.3",
        "network.transport": "pipe",
        "mcp_obs.session.id": IsStr(regex="[0-9a-f]{32}"),
        # The clients of mcp 2.x bring a trace.
        "mcp_obs.session.source": IsOneOf("trace", "inferred"),
    }


@pytest.mark.behaviour("operation.one-span", "client.from-initialize", "client.from-meta")
async def test_an_answered_call_is_one_span(line: Line, recording: Recording):
    async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
        assert await peer.call("add", a=1, b=2) == Answer("3")
    assert recording.picture("tools/call add") == {
        "name": "tools/call add",
        "kind": "SERVER",
        "status": ("UNSET", None),
        "attributes": known_at_start(line)
        | {
            "mcp.method.name": "tools/call",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "add",
            "mcp_obs.request.size": IsPositiveInt(),
            "mcp_obs.request.shape": '{"a":"integer","b":"integer"}',
            "mcp_obs.response.size": IsPositiveInt(),
            "mcp_obs.response.shape": RESULT_SHAPE,
            "mcp_obs.operation.outcome": "ok",
        },
        "events": [],
        "links": 0,
    }


@pytest.mark.behaviour("error.tool-exception-keeps-type")
async def test_a_raising_tool_is_an_error_with_the_exception_that_it_raised(line: Line, recording: Recording):
    async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
        answer = await peer.call("fail", reason="the disk is full")
    assert answer.is_error
    assert recording.picture("tools/call fail") == {
        "name": "tools/call fail",
        "kind": "SERVER",
        "status": ("ERROR", "the disk is full"),
        "attributes": known_at_start(line)
        | {
            "mcp.method.name": "tools/call",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "fail",
            "error.type": "tool_error",
            "mcp_obs.request.size": IsPositiveInt(),
            "mcp_obs.request.shape": '{"reason":"string"}',
            "mcp_obs.response.size": IsPositiveInt(),
            "mcp_obs.response.shape": '{"content":["text"]}',
            "mcp_obs.operation.outcome": "error",
        },
        "events": [("exception", {"exception.type": "OSError", "exception.message": "the disk is full"})],
        "links": 0,
    }


@pytest.mark.behaviour("error.unknown-tool")
async def test_an_unknown_tool_is_an_error(line: Line, recording: Recording):
    async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
        assert (await peer.call("no_such_tool")).is_error
    assert recording.picture("tools/call no_such_tool")["attributes"] == IsPartialDict(
        {"error.type": "tool_error", "mcp_obs.operation.outcome": "error"}
    )


@pytest.mark.behaviour("error.values-are-not-quoted")
async def test_refused_arguments_are_an_error_that_does_not_quote_them(line: Line, recording: Recording):
    async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
        assert (await peer.call("add", a="a secret", b=2)).is_error
    span = recording.picture("tools/call add")
    assert span["attributes"]["error.type"] == "tool_error"
    assert span["status"] == ("ERROR", "a: int_parsing")
    assert "a secret" not in str(span)


@pytest.mark.behaviour("operation.reads-gets-and-lists")
async def test_resources_prompts_and_lists_are_operations(line: Line, recording: Recording):
    async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
        assert await peer.read("memo://today") == Answer("Sunny")
        assert await peer.prompt("ask", topic="rain") == Answer("Tell me about rain")
        assert await peer.tools() == tools.OFFERED
    assert recording.picture("resources/read")["attributes"] == IsPartialDict(
        {"mcp.resource.uri": "memo://today"}
    )
    assert recording.picture("prompts/get ask")["attributes"] == IsPartialDict({"gen_ai.prompt.name": "ask"})
    assert recording.picture("tools/list")["attributes"] == IsPartialDict({"mcp_obs.operation.outcome": "ok"})


@pytest.mark.behaviour("error.client-fault")
async def test_a_method_that_is_not_served_is_no_fault_of_the_server(line: Line, recording: Recording):
    async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
        with pytest.raises(Exception, match="Method not found"):
            await peer.session.complete(_prompt_reference(), {"name": "topic", "value": "r"})
    assert recording.picture("completion/complete") == {
        "name": "completion/complete",
        "kind": "SERVER",
        "status": ("UNSET", None),
        "attributes": known_at_start(line)
        | {
            "mcp.method.name": "completion/complete",
            "rpc.response.status_code": "-32601",
            "mcp_obs.request.size": IsPositiveInt(),
            "mcp_obs.operation.outcome": "ok",
        },
        "events": [],
        "links": 0,
    }


@pytest.mark.behaviour("outcome.cancelled")
async def test_a_cancelled_call_is_neither_an_error_nor_timed(line: Line, recording: Recording):
    tools.waiting.append(anyio.Event())
    async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
        await line.cancel(peer, tools.waiting[-1].wait())
        span = await anyio.to_thread.run_sync(recording.log.wait_for, "tools/call wait")
    assert picture(span) == IsPartialDict(
        {
            "status": ("UNSET", None),
            "attributes": known_at_start(line)
            | {
                "mcp.method.name": "tools/call",
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "wait",
                "mcp_obs.request.size": IsPositiveInt(),
                "mcp_obs.operation.outcome": "cancelled",
            },
            "events": [],
        }
    )
    assert "wait" not in [attributes.get("gen_ai.tool.name") for _, attributes in recording.durations()]


@pytest.mark.behaviour("operation.one-duration")
async def test_every_operation_is_timed_once(line: Line, recording: Recording):
    async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
        for _ in range(3):
            await peer.call("add", a=1, b=2)
        await peer.call("fail", reason="a long story")
    operation = {
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "mcp.protocol.version": line.protocol_version,
        "network.transport": "pipe",
    }
    calls = [point for point in recording.durations() if "gen_ai.tool.name" in point[1]]
    assert calls == [
        (3, operation | {"gen_ai.tool.name": "add"}),
        (1, operation | {"gen_ai.tool.name": "fail", "error.type": "tool_error"}),
    ]


@pytest.mark.behaviour("instrument.twice")
async def test_instrumenting_twice_is_instrumenting_once(line: Line, recording: Recording):
    server = line.build()
    assert mcp_obs.instrument(mcp_obs.instrument(server)) is server
    async with line.in_memory(server) as peer:
        await peer.call("greet", name="Ada")
    assert recording.names.count("tools/call greet") == 1


@pytest.mark.behaviour("host.answers-unchanged")
async def test_instrumentation_changes_no_answer(line: Line, recording: Recording):
    async def answers(server: object) -> list[object]:
        async with line.in_memory(server) as peer:
            return [
                await peer.tools(),
                await peer.call("add", a=1, b=2),
                await peer.call("add", a="x", b=2),
                await peer.call("greet", name="Ada"),
                await peer.call("fail", reason="the disk is full"),
                await peer.call("no_such_tool"),
                await peer.read("memo://today"),
                await peer.prompt("ask", topic="rain"),
            ]

    assert await answers(mcp_obs.instrument(line.build())) == await answers(line.build())


@pytest.mark.behaviour("operation.tool-runs-inside")
async def test_a_tool_runs_inside_its_span(line: Line, recording: Recording):
    async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
        inside = await peer.call("traced")
    span = recording.log.wait_for("tools/call traced").get_span_context()
    assert span is not None
    assert inside == Answer(f"{span.trace_id}/{span.span_id}")
    assert not trace.get_current_span().get_span_context().is_valid


def _prompt_reference() -> object:
    try:
        from mcp.types import PromptReference
    except ImportError:
        from mcp_types import PromptReference
    return PromptReference(type="ref/prompt", name="ask")
