"""How many sessions of MCP clients there are, and how long they last, on every transport and library line."""

import os
from typing import Any

import anyio
import pytest
from sdk_kit.collector import collecting
from sdk_kit.lines import Line, installed_lines
from sdk_kit.recording import Recording
from sdk_kit.serving import serving

import mcp_obs
from mcp_obs import _telemetry
from mcp_obs._message import Message
from mcp_obs._metrics.sessions import end_sessions
from mcp_obs._operation import begin
from mcp_obs.testing import Capture, Distribution, Point

LINES = installed_lines().values()
lines = pytest.mark.parametrize("line", LINES, ids=str)
# From this revision on there are no sessions.
with_sessions = pytest.mark.parametrize(
    "line", [line for line in LINES if line.protocol_version < "2026-07-28"], ids=str
)
SESSIONS = {
    "mcp.sessions.total",
    "mcp.sessions.active",
    "mcp.session.duration",
    "mcp.server.session.duration",
}


def counted(points: list[Point]) -> dict[str, tuple[float, dict[str, Any]]]:
    """The value or count of each metric of sessions, and its attributes."""
    return {
        point.metric: (
            point.value.count if isinstance(point.value, Distribution) else point.value,
            point.attributes,
        )
        for point in points
        if point.metric in SESSIONS
    }


@pytest.mark.behaviour("metrics.session-duration")
@pytest.mark.anyio
@with_sessions
async def test_a_connection_is_a_session_from_its_initialize_to_its_end(line: Line, recording: Recording):
    async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
        await peer.call("add", a=1, b=2)
        assert counted(recording.points()) == {
            "mcp.sessions.total": (1, {"restored": "False"}),
            "mcp.sessions.active": (1, {}),
        }
    with anyio.fail_after(30):
        while len(found := counted(recording.points())) < 4:
            await anyio.lowlevel.checkpoint()
    assert found == {
        "mcp.sessions.total": (1, {"restored": "False"}),
        "mcp.sessions.active": (0, {}),
        "mcp.session.duration": (1, {"status": "ended"}),
        "mcp.server.session.duration": (
            1,
            {"mcp.protocol.version": line.protocol_version, "network.transport": "pipe"},
        ),
    }


@pytest.mark.behaviour("metrics.session-duration")
@pytest.mark.anyio
@lines
async def test_only_a_protocol_with_sessions_has_any(line: Line, recording: Recording):
    async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
        await peer.call("add", a=1, b=2)
    assert bool(counted(recording.points())) is (line.protocol_version < "2026-07-28")


def stateless_app(server: Any) -> Any:
    """The HTTP application of a server that keeps no sessions."""
    if hasattr(server, "http_app"):  # fastmcp
        return server.http_app(stateless_http=True)
    if hasattr(server.settings, "stateless_http"):  # mcp 1.x
        server.settings.stateless_http = True
        return server.streamable_http_app()
    return server.streamable_http_app(stateless_http=True)


@pytest.mark.anyio
@with_sessions
async def test_http_without_state_has_no_sessions(line: Line, recording: Recording):
    with serving(stateless_app(mcp_obs.instrument(line.build()))) as url:
        async with line.over_http(url, None) as peer:
            await peer.call("add", a=1, b=2)
    assert "initialize" in recording.names
    assert counted(recording.points()) == {}


@pytest.mark.behaviour("metrics.session-duration")
@pytest.mark.anyio
@with_sessions
async def test_a_session_over_http_ends_when_its_client_says_so(line: Line, recording: Recording):
    with serving(line.app(mcp_obs.instrument(line.build()))) as url:
        async with line.over_http(url, None) as peer:
            await peer.call("add", a=1, b=2)
            assert counted(recording.points())["mcp.sessions.active"] == (1, {})
        with anyio.fail_after(30):
            while "mcp.server.session.duration" not in (found := counted(recording.points())):
                await anyio.lowlevel.checkpoint()
    assert found["mcp.sessions.active"] == (0, {})
    count, attributes = found["mcp.server.session.duration"]
    assert (count, attributes) == (
        1,
        {
            "mcp.protocol.version": line.protocol_version,
            "network.transport": "tcp",
            "network.protocol.name": "http",
            "network.protocol.version": "1.1",
        },
    )


@pytest.mark.anyio
@with_sessions
async def test_a_server_s_process_that_ends_ends_its_sessions(line: Line):
    with collecting() as collector:
        environment = {**os.environ, "MCP_OBS_ENDPOINT": collector.url, "MCP_OBS_METRICS": "session"}
        async with line.over_stdio(environment) as peer:
            await peer.call("add", a=1, b=2)
        with collector.arrived:
            assert collector.arrived.wait_for(lambda: collector.points, 60)
    found = counted(collector.points[-1])
    assert found.keys() == SESSIONS
    assert found["mcp.sessions.active"] == (0, {})


def test_a_session_lasts_as_long_as_it_lasts_and_ends_once(mcp_telemetry: Capture):
    operation = begin(lambda: Message("initialize", {}, 1, None, None, None))
    assert operation is not None
    operation.answer({"protocolVersion": "2025-11-25"})
    session = operation.begin_session()
    assert session is not None
    mcp_telemetry.clock.advance(42)
    end_sessions()
    session.end()
    for metric in ("mcp.server.session.duration", "mcp.session.duration"):
        (point,) = mcp_telemetry.points_of(metric)
        assert isinstance(point.value, Distribution)
        assert (point.value.count, point.value.sum) == (1, 42.0)


def test_a_session_that_broke_says_so(mcp_telemetry: Capture):
    operation = begin(lambda: Message("initialize", {}, 1, None, None, None))
    assert operation is not None
    operation.answer({"protocolVersion": "1999-01-01"})
    session = operation.begin_session()
    assert session is not None
    session.end("BrokenPipeError")
    (duration,) = mcp_telemetry.points_of("mcp.server.session.duration")
    assert duration.attributes == {
        "mcp.protocol.version": "_OTHER",
        "network.transport": "pipe",
        "error.type": "BrokenPipeError",
    }
    (lasted,) = mcp_telemetry.points_of("mcp.session.duration")
    assert lasted.attributes == {"status": "failed"}


@pytest.mark.parametrize("method", ["initialize", "ping"])
def test_what_was_refused_or_is_no_initialize_begins_none(method: str):
    with Recording():
        operation = begin(lambda: Message(method, {}, 1, None, None, None))
        assert operation is not None
        operation.refuse(-32602, "Invalid params")
        assert operation.begin_session() is None
    assert _telemetry.current() is not None
