"""What is particular to fastmcp, of every version."""

from typing import Any

import fastmcp
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from sdk_kit.lines import FASTMCP, Line, installed_lines
from sdk_kit.recording import Recording

import mcp_obs

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize(
        "line", [line for name, line in installed_lines().items() if name.startswith("fastmcp")], ids=str
    ),
]
FULL_DISK = [("exception", {"exception.type": "OSError", "exception.message": "the disk is full"})]


@pytest.mark.behaviour("operation.mounted-server")
async def test_a_mounted_server_s_tool_is_one_operation_of_the_parent(
    line: Line, recording: Recording, host_spans: list[ReadableSpan]
):
    parent: Any = fastmcp.FastMCP("parent")
    parent.mount(line.build(), "child")
    async with line.in_memory(mcp_obs.instrument(parent)) as peer:
        assert (await peer.call("child_fail", reason="the disk is full")).is_error
    assert recording.picture("tools/call child_fail")["events"] == FULL_DISK
    assert [name for name in recording.names if name.startswith("tools/call")] == ["tools/call child_fail"]
    assert [span.name for span in host_spans if span.kind is not trace.SpanKind.CLIENT] == []


@pytest.mark.behaviour("error.masked")
async def test_masked_errors_keep_their_exception_in_telemetry_only(line: Line, recording: Recording):
    server: Any = fastmcp.FastMCP("kit", mask_error_details=True)

    @server.tool
    def act() -> None:
        raise OSError("the disk is full")

    async with line.in_memory(mcp_obs.instrument(server)) as peer:
        assert "disk" not in (await peer.call("act")).text
    assert recording.picture("tools/call act")["status"] == ("ERROR", "the disk is full")


@pytest.mark.behaviour("instrument.one-server-only")
async def test_another_server_of_the_process_keeps_its_native_spans(
    line: Line, recording: Recording, host_spans: list[ReadableSpan]
):
    mcp_obs.instrument(line.build())
    async with line.in_memory(line.build()) as peer:
        await peer.call("add", a=1, b=2)
    native = [span.name for span in host_spans if span.kind is trace.SpanKind.SERVER]
    # 2.x makes none.
    assert ("tools/call add" in native) is (FASTMCP > 2)
    assert recording.names == []
