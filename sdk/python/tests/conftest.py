"""Chooses the suites that fit the installed library, and raises our own failures instead of swallowing them."""

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

sys.path.insert(0, str(Path(__file__).parent))
os.environ["MCP_OBS_STRICT"] = "1"

from sdk_kit import proofs
from sdk_kit.findings import Findings
from sdk_kit.lines import FASTMCP, IS_BEFORE_1_25, MCP
from sdk_kit.recording import WAYS, Recording, SpanLog, Way

# The guide shows mcp 2.x and fastmcp 4.x; not every environment has the packages of the extras.
OF_ONE_LIBRARY = {
    "test_mcp_v1.py": MCP == 1,
    "test_mcp_v2.py": MCP == 2,
    "test_readme.py": MCP == 2,
    "test_fastmcp.py": FASTMCP > 0,
    "test_fastmcp_v3.py": FASTMCP == 3,
    "test_exporters.py": bool(find_spec("grpc") and find_spec("prometheus_client")),
    "test_grpc_forks.py": bool(find_spec("grpc")),
    "test_resting_exporters.py": bool(find_spec("grpc")),
    "test_described_exporters.py": bool(find_spec("grpc") and find_spec("opentelemetry.configuration")),
    "test_configuration_file.py": bool(find_spec("opentelemetry.configuration")),
}
collect_ignore = [name for name, is_installed in OF_ONE_LIBRARY.items() if not is_installed]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to write what the run has proven."""
    parser.addoption("--proofs", metavar="FILE", help="write the behaviours that the run has proven to FILE")


def pytest_configure(config: pytest.Config) -> None:
    """Collect what is proven; old versions leave streams open when a client leaves, and warn of their settings."""
    proofs.register(config)
    if IS_BEFORE_1_25:
        config.addinivalue_line("filterwarnings", "ignore::pytest.PytestUnraisableExceptionWarning")
        config.addinivalue_line("filterwarnings", "ignore:Unclosed <MemoryObject:ResourceWarning")
        config.addinivalue_line("filterwarnings", "ignore:Field 'lifespan' has an incomplete definition")


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


@pytest.fixture
def found(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Findings:
    """What is found missing during the test."""
    return Findings(caplog, monkeypatch)
