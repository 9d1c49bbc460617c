"""What is particular to fastmcp, of every version."""

from typing import Any

import fastmcp
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from sdk_kit.lines import FASTMCP, installed_lines
from sdk_kit.recording import Recording

import mcp_obs

pytestmark = pytest.mark.anyio
LINE = installed_lines()[f"fastmcp {FASTMCP}.x"]
FULL_DISK = [("exception", {"exception.type": "OSError", "exception.message": "the disk is full"})]


async def test_a_mounted_server_s_tool_is_one_operation_of_the_parent(
    recording: Recording, host_spans: list[ReadableSpan]
):
    parent: Any = fastmcp.FastMCP("parent")
    parent.mount(LINE.build(), "child")
    async with fastmcp.Client(mcp_obs.instrument(parent)) as client:
        result: Any = await client.call_tool(
            "child_fail", {"reason": "the disk is full"}, raise_on_error=False
        )
    assert result.is_error
    assert recording.picture("tools/call child_fail")["events"] == FULL_DISK
    assert [name for name in recording.names if name.startswith("tools/call")] == ["tools/call child_fail"]
    assert [span.name for span in host_spans if span.kind is not trace.SpanKind.CLIENT] == []


async def test_masked_errors_keep_their_exception_in_telemetry_only(recording: Recording):
    server: Any = fastmcp.FastMCP("kit", mask_error_details=True)

    @server.tool
    def act() -> None:
        raise OSError("the disk is full")

    async with fastmcp.Client(mcp_obs.instrument(server)) as client:
        result: Any = await client.call_tool("act", raise_on_error=False)
    assert "disk" not in str(result.content)
    assert recording.picture("tools/call act")["status"] == ("ERROR", "the disk is full")


async def test_another_server_of_the_process_keeps_its_native_spans(
    recording: Recording, host_spans: list[ReadableSpan]
):
    mcp_obs.instrument(LINE.build())
    async with fastmcp.Client(LINE.build()) as client:
        await client.call_tool("add", {"a": 1, "b": 2})
    native = [span.name for span in host_spans if span.kind is trace.SpanKind.SERVER]
    # 2.x makes none.
    assert ("tools/call add" in native) is (FASTMCP > 2)
    assert recording.names == []
