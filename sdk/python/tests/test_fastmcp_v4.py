"""What is particular to fastmcp 4.x."""

from typing import Any

import fastmcp
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from sdk_kit.lines_v2 import build_fastmcp
from sdk_kit.recording import Recording

import mcp_obs

pytestmark = pytest.mark.anyio


async def test_a_mounted_server_s_tool_is_one_operation_of_the_parent(recording: Recording):
    parent: Any = fastmcp.FastMCP("parent")
    parent.mount(build_fastmcp(), namespace="child")
    async with fastmcp.Client(mcp_obs.instrument(parent)) as client:
        result = await client.call_tool("child_fail", {"reason": "the disk is full"}, raise_on_error=False)
    assert result.is_error
    span = recording.picture("tools/call child_fail")
    assert span["events"] == [
        ("exception", {"exception.type": "OSError", "exception.message": "the disk is full"})
    ]
    assert [name for name in recording.names if name.startswith("tools/call")] == ["tools/call child_fail"]


async def test_another_server_of_the_process_keeps_its_native_spans(
    recording: Recording, host_spans: list[ReadableSpan]
):
    mcp_obs.instrument(build_fastmcp())
    async with fastmcp.Client(build_fastmcp()) as client:
        await client.call_tool("add", {"a": 1, "b": 2})
    assert "tools/call add" in [span.name for span in host_spans if span.kind is trace.SpanKind.SERVER]
    assert recording.names == []


async def test_masked_errors_keep_their_exception_in_telemetry_only(recording: Recording):
    server: Any = fastmcp.FastMCP("kit", mask_error_details=True)

    @server.tool
    def act() -> None:
        raise OSError("the disk is full")

    async with fastmcp.Client(mcp_obs.instrument(server)) as client:
        result = await client.call_tool("act", raise_on_error=False)
    assert "disk" not in str(result.content)
    assert recording.picture("tools/call act")["status"] == ("ERROR", "the disk is full")
