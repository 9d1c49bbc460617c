"""What is particular to fastmcp 3.x."""

import fastmcp.server.telemetry
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from sdk_kit.findings import Findings
from sdk_kit.lines import installed_lines
from sdk_kit.recording import Recording

import mcp_obs
from mcp_obs._adapters import findings

pytestmark = pytest.mark.anyio
LINE = installed_lines()["fastmcp 3.x"]


async def test_a_span_of_fastmcp_s_own_that_cannot_be_silenced_is_a_finding(
    recording: Recording, host_spans: list[ReadableSpan], found: Findings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(fastmcp.server.telemetry, "get_tracer")
    mcp_obs.instrument(LINE.build())
    assert [(one.library, one.hook, one.consequence) for one in findings.findings()] == [
        ("fastmcp", "fastmcp.server.telemetry.get_tracer", "operations have a second span, fastmcp's own")
    ]
    assert found.warnings == [str(one) for one in findings.findings()]
