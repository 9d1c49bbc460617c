"""What users' tests can say about their servers' telemetry."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from dirty_equals import IsOneOf, IsPositiveInt
from opentelemetry import trace
from sdk_kit.lines import Line, installed_lines
from sdk_kit.recording import Recording

import mcp_obs
from mcp_obs import _clock, _telemetry
from mcp_obs._message import Message
from mcp_obs._metrics.sessions import Agents
from mcp_obs._operation import Operation, begin
from mcp_obs.agent_sessions import MetricsCollector
from mcp_obs.testing import START_NANOSECONDS, Capture, Distribution, Event, Link, Point, Span, capture

lines = pytest.mark.parametrize("line", installed_lines().values(), ids=str)


def begun(method: str = "ping", params: dict[str, object] | None = None) -> Operation:
    operation = begin(lambda: Message(method, params, 7, None, None, None))
    assert operation is not None
    return operation


@pytest.mark.behaviour("testing.capture")
@pytest.mark.anyio
@lines
async def test_a_call_of_a_real_server_is_one_span_that_can_be_compared_whole(
    line: Line, mcp_telemetry: Capture
):
    async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
        await peer.call("fail", reason="the disk is full")
    span = mcp_telemetry.span("tools/call fail")
    assert span == Span(
        name="tools/call fail",
        kind="server",
        status="error",
        status_message="the disk is full",
        attributes={
            "mcp.method.name": "tools/call",
            "jsonrpc.request.id": span.attributes["jsonrpc.request.id"],
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "fail",
            "mcp.protocol.version": line.protocol_version,
            "mcp.client.name": "kit",
            "mcp.client.version": "1.2.3",
            "network.transport": "pipe",
            "mcp_obs.session.id": span.attributes["mcp_obs.session.id"],
            "mcp_obs.session.source": IsOneOf("trace", "inferred"),
            "error.type": "tool_error",
            "mcp_obs.operation.outcome": "error",
            "mcp_obs.request.size": IsPositiveInt(),
            "mcp_obs.request.shape": '{"reason":"string"}',
            "mcp_obs.response.size": IsPositiveInt(),
            "mcp_obs.response.shape": '{"content":["text"]}',
        },
        events=(
            Event(
                "exception",
                {"exception.type": "OSError", "exception.message": "the disk is full"},
                START_NANOSECONDS,
            ),
        ),
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_id,
        start_ns=START_NANOSECONDS,
        end_ns=START_NANOSECONDS,
    )


@pytest.mark.behaviour("testing.capture")
def test_ids_count_from_one_and_time_stands_still_until_it_is_moved(mcp_telemetry: Capture):
    operation = begun()
    mcp_telemetry.clock.advance(0.25)
    operation.answer({})
    begun().answer({})
    first, second = mcp_telemetry.spans
    assert (first.trace_id, first.span_id, first.parent_id) == ("0" * 31 + "1", "0" * 15 + "1", None)
    assert (second.trace_id, second.span_id) == ("0" * 31 + "2", "0" * 15 + "2")
    assert (first.start_ns, first.seconds) == (START_NANOSECONDS, 0.25)
    assert (second.start_ns, second.seconds) == (first.end_ns, 0.0)


@pytest.mark.behaviour("testing.capture")
def test_a_metric_is_its_points_with_what_they_count(mcp_telemetry: Capture):
    for seconds in (0.015, 0.4):
        operation = begun()
        mcp_telemetry.clock.advance(seconds)
        operation.answer({})
    boundaries = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
    assert mcp_telemetry.points_of("mcp.server.operation.duration") == [
        Point(
            "mcp.server.operation.duration",
            "s",
            {"mcp.method.name": "ping", "network.transport": "pipe"},
            Distribution(2, 0.415, boundaries, (0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
        )
    ]


def test_a_link_and_a_list_are_plain_values_too(mcp_telemetry: Capture):
    caller = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    around = begun()
    with around.current():
        inner = begun("ping", {"_meta": {"traceparent": caller}})
    with inner.current():
        trace.get_current_span().set_attribute("tags", ["a", "b"])
    inner.answer({})
    (span,) = mcp_telemetry.spans
    assert span.links == (Link("0" * 31 + "1", "0" * 15 + "1"),)
    assert (span.trace_id, span.parent_id, span.attributes["tags"]) == ("a" * 32, "b" * 16, ("a", "b"))


def test_what_is_missing_is_said_with_what_is_there(mcp_telemetry: Capture):
    begun().answer({})
    with pytest.raises(AssertionError, match=r"0 spans 'pong' among \['ping'\]"):
        mcp_telemetry.span("pong")
    with pytest.raises(AssertionError, match=r"no span 'pong' among \['ping'\]"):
        mcp_telemetry.wait_for("pong", seconds=0)
    with pytest.raises(AssertionError, match=r"0 events 'exception' among \[\] of 'ping'"):
        mcp_telemetry.span("ping").event("exception")
    assert mcp_telemetry.wait_for("ping") == mcp_telemetry.span("ping")


def test_a_server_that_configures_itself_is_captured_all_the_same(mcp_telemetry: Capture):
    mcp_obs.configure_mcp_telemetry(api_key="k", endpoint="http://127.0.0.1:1")
    begun().answer({})
    mcp_obs.configure_mcp_telemetry(enabled=False)
    begun().answer({})
    assert [span.name for span in mcp_telemetry.spans] == ["ping", "ping"]
    _telemetry.use(None)


def test_afterwards_everything_is_as_it_was(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MCP_OBS_STRICT")
    with Recording() as recording:
        with pytest.raises(ZeroDivisionError), capture() as captured:
            begun().answer({})
            raise ZeroDivisionError
        begun().answer({})
        assert (len(captured.spans), recording.names) == (1, ["ping"])
    assert _clock.time_ns() > START_NANOSECONDS


def test_failures_of_our_own_are_raised_while_capturing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken() -> Message:
        raise RuntimeError("broken")

    monkeypatch.setenv("MCP_OBS_STRICT", "0")
    with capture(), pytest.raises(RuntimeError, match="broken"):
        begin(broken)
    with caplog.at_level(logging.WARNING, "mcp_obs"):
        assert begin(broken) is None


def test_a_run_that_does_not_use_the_fixture_imports_nothing_for_it(tmp_path: Path):
    (tmp_path / "test_bare.py").write_text(
        "import sys\n\n"
        "def test_bare(pytestconfig):\n"
        "    assert pytestconfig.pluginmanager.has_plugin('mcp_obs')\n"
        "    assert not {'mcp_obs', 'opentelemetry', 'requests'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "test_bare.py"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout


def test_agents_that_a_test_runs_are_forgotten_after_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Agents, "are_run", False)
    with capture():
        MetricsCollector()
        assert Agents.are_run
    assert not Agents.are_run
