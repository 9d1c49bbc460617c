"""Chooses the suites that fit the installed library, and raises our own failures instead of swallowing them."""

import os
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

sys.path.insert(0, str(Path(__file__).parent))
os.environ["MCP_OBS_STRICT"] = "1"

MCP_1 = version("mcp").startswith("1.")
# The guide shows mcp 2.x and fastmcp 4.x.
collect_ignore = ["test_mcp_v2.py", "test_fastmcp_v4.py", "test_readme.py"] if MCP_1 else ["test_mcp_v1.py"]

from sdk_kit.recording import WAYS, Recording, SpanLog, Way  # noqa: E402 (the kit is found by the path above)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """Every way in which operations are recorded: both give the same spans."""
    return request.param


@pytest.fixture
def recording(way: Way) -> Iterator[Recording]:
    """Everything recorded during the test, in memory."""
    with Recording(way) as started:
        yield started


@pytest.fixture(scope="session", autouse=True)
def all_host_spans() -> list[ReadableSpan]:
    """What reaches the global provider, which a process can set once; clients trace there too."""
    spans = SpanLog()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(spans)
    trace.set_tracer_provider(provider)
    return spans.spans


@pytest.fixture
def host_spans(all_host_spans: list[ReadableSpan]) -> list[ReadableSpan]:
    """What reaches the host's own provider during the test."""
    all_host_spans.clear()
    return all_host_spans
