"""OpenTelemetry's configuration file decides where telemetry goes, and takes nothing from the host's safety."""

import json
import logging
import re
import sys
import sysconfig
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import ProxyTracerProvider
from sdk_kit.collector import Collector, collecting
from sdk_kit.lines import Answer, installed_lines
from sdk_kit.process import recording_process

import mcp_obs
from mcp_obs import _telemetry
from mcp_obs._configuration import resolve
from mcp_obs._configuration_file import FilePipeline
from mcp_obs._exit import at_exit
from mcp_obs._guard import WrongSettingError
from mcp_obs._message import Message
from mcp_obs._metrics.categories import ALL
from mcp_obs._operation import begin

LINE = next(iter(installed_lines().values()))
BOUND = 25.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes its configuration."""
    return tmp_path / "otel.yaml"


def describe(file: Path, collector: Collector, timeout: int = 10_000) -> dict[str, str]:
    """Spans to the collector and the console, metrics to the collector; gives the environment that says so."""
    file.write_text(
        f"""
file_format: "1.0"
resource:
  attributes:
    - {{name: service.name, value: described}}
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_http:
            endpoint: {collector.url}/v1/traces
            compression: gzip
            timeout: {timeout}
            headers:
              - {{name: authorization, value: "Bearer ${{KIT_KEY}}"}}
    - simple: {{exporter: {{console: {{}}}}}}
meter_provider:
  readers:
    - periodic:
        exporter:
          otlp_http: {{endpoint: {collector.url}/v1/metrics, compression: gzip, timeout: {timeout}}}
    - periodic: {{exporter: {{console: {{}}}}}}
logger_provider:
  processors:
    - simple: {{exporter: {{console: {{}}}}}}
"""
    )
    return {"OTEL_CONFIG_FILE": str(file), "KIT_KEY": "from the file"}


@pytest.mark.behaviour("configuration.declarative", "exit.flush", "host.silent-stdout")
def test_a_file_says_where_spans_and_metrics_go_and_standard_output_stays_clean(file: Path):
    with collecting() as collector:
        process = recording_process(describe(file, collector))
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "recorded\n")
    assert json.JSONDecoder().raw_decode(err)[0]["name"] == "ping"
    assert collector.spans == ["ping"]
    assert {path for path, _ in collector.requests} == {"/v1/traces", "/v1/metrics"}
    (headers,) = [headers for path, headers in collector.requests if path == "/v1/traces"]
    assert headers["authorization"] == "Bearer from the file"
    assert {resource["service.name"] for resource in collector.resources} == {"described"}
    names = {point.metric for point in collector.points[-1]}
    assert {"mcp.server.operation.duration", "process.uptime"} <= names


@pytest.mark.behaviour("configuration.declarative", "host.silent-stdout")
@pytest.mark.parametrize("stream", ["{}", "{output_stream: stdout}"])
def test_a_file_that_writes_otlp_to_standard_output_writes_it_to_standard_error(file: Path, stream: str):
    with collecting() as collector:
        described = describe(file, collector)
        text = file.read_text()
        assert text.count("console: {}") == 3
        file.write_text(text.replace("console: {}", f"otlp_file/development: {stream}"))
        process = recording_process(described)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "recorded\n")
    assert json.JSONDecoder().raw_decode(err)[0]["name"] == "ping"


@pytest.mark.behaviour("configuration.declarative", "exit.bounded")
def test_a_collector_of_the_file_that_hangs_holds_up_no_exit(file: Path):
    with collecting(hung=True) as collector:
        process = recording_process(describe(file, collector, timeout=60_000))
        out, _ = process.communicate(timeout=BOUND)
    assert (process.returncode, out) == (0, "recorded\n")


FORKS = """
import os
child = os.fork()
begin(lambda: Message("tools/list" if child else "prompts/list", None, 2, None, None, None)).answer({})
if child:
    os.waitpid(child, 0)
"""


@pytest.mark.behaviour("configuration.declarative", "exit.flush", "export.fork")
@pytest.mark.skipif(sys.platform == "win32", reason="no fork here")
def test_a_forked_child_sends_what_is_queued_at_its_end_too(file: Path):
    with collecting() as collector:
        process = recording_process(describe(file, collector), FORKS)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert sorted(collector.spans) == ["ping", "prompts/list", "tools/list"]


@pytest.mark.behaviour("configuration.declarative", "host.silent-stdout")
@pytest.mark.anyio
async def test_a_stdio_server_with_a_console_in_its_file_is_understood_by_its_client(file: Path):
    with collecting() as collector:
        async with LINE.over_stdio(describe(file, collector)) as peer:
            assert await peer.call("add", a=1, b=2) == Answer("3")
        collector.wait_for("tools/call add")


@pytest.mark.behaviour("configuration.declarative")
def test_where_opentelemetry_instrument_has_read_the_file_its_providers_are_used_and_nothing_is_doubled(
    file: Path,
):
    program = "import mcp_obs; mcp_obs.configure_mcp_telemetry(); "
    program += "from mcp_obs._message import Message; from mcp_obs._operation import begin; "
    program += "begin(lambda: Message('ping', None, 1, None, None, None)).answer({})"
    launcher = str(Path(sysconfig.get_path("scripts")) / "opentelemetry-instrument")
    with collecting() as collector:
        process = recording_process(
            describe(file, collector), command=[launcher, sys.executable, "-c", program]
        )
        process.communicate(timeout=60)
    assert (process.returncode, collector.spans) == (0, ["ping"])


@pytest.mark.behaviour("configuration.declarative")
def test_a_file_that_can_t_be_read_is_said_in_one_line_and_the_program_goes_on(file: Path):
    file.write_text("file_format: '1.0'\ntracer_provider: {processors: nonsense}\n")
    process = recording_process({"OTEL_CONFIG_FILE": str(file), "MCP_OBS_STRICT": "0"})
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "recorded\n")
    assert (
        f"OTEL_CONFIG_FILE names {file}, which can't be applied: Configuration does not match schema" in err
    )
    assert len(err.splitlines()) == 1


OTLP = """
file_format: "1.0"
tracer_provider: {processors: [{batch: {exporter: {otlp_http: {endpoint: "http://127.0.0.1:9", %s}}}}]}
"""
HEADERS = "tracer_provider -> processors -> 0 -> batch -> exporter -> otlp_http -> headers"


@pytest.mark.behaviour("configuration.declarative", "host.no-secrets-in-logs")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OTLP % 'headers: "authorization=Bearer ${KIT_KEY}"', f"type should be array (at {HEADERS})"),
        (OTLP % 'headers: [{name: a, value: ["${KIT_KEY}"]}]', f"(at {HEADERS} -> 0 -> value)"),
        (OTLP % 'header: "${KIT_KEY}"', "('header' was unexpected) (at tracer_provider"),
        (OTLP % 'compression: "${KIT_KEY}"', "Unsupported compression value ..."),
        (OTLP.replace("otlp_http", "otlp_htp") % 'key: "${KIT_KEY}"', "Plugin 'otlp_htp' not found"),
        ('file_format: "${KIT_KEY}"', "Invalid file_format ...: expected MAJOR.MINOR"),
        ("${KIT_KEY}", "Configuration must be a mapping/object, got str"),
        ("tracer_provider: {}", "'file_format' is a required property (at the top)"),
        ("file_format: {\nSECRET", "Failed to parse YAML (at line 2, column 7)"),
    ],
)
def test_a_file_that_can_t_be_applied_is_said_with_the_place_and_without_its_secrets(
    text: str, said: str, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    file.write_text(text)
    monkeypatch.setenv("KIT_KEY", "SECRET 'of \"two\" words'")
    monkeypatch.setenv("OTEL_CONFIG_FILE", str(file))
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", _no_provider)
    monkeypatch.delenv("MCP_OBS_STRICT")
    caplog.set_level(logging.DEBUG, "mcp_obs")
    try:
        mcp_obs.configure_mcp_telemetry()
    finally:
        _telemetry.use(None)
    warning, details = (record for record in caplog.records if record.name == "mcp_obs")
    assert said in warning.getMessage()
    formatter = logging.Formatter()
    assert "SECRET" not in formatter.format(warning) + formatter.format(details)


@pytest.mark.behaviour("configuration.declarative", "configuration.order")
@pytest.mark.parametrize(
    ("told", "is_used"),
    [
        ({}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, True),
        ({"MCP_OBS_API_KEY": "k"}, False),
        ({"MCP_OBS_ENDPOINT": "http://e"}, False),
        ({"MCP_OBS_EXPORTER": "console"}, False),
    ],
)
def test_the_file_counts_where_mcp_obs_is_told_nothing_of_its_own(told: dict[str, str], *, is_used: bool):
    found = resolve(told | {"OTEL_CONFIG_FILE": "otel.yaml"})
    assert found is not None
    assert (found.file, found.metrics == ALL) == (("otel.yaml", True) if is_used else (None, False))


@pytest.mark.behaviour("configuration.declarative")
def test_a_host_that_has_set_its_providers_keeps_them(
    host_spans: list[ReadableSpan], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OTEL_CONFIG_FILE", "/no/such/file.yaml")
    mcp_obs.configure_mcp_telemetry()
    try:
        operation = begin(lambda: Message("ping", None, 1, None, None, None))
        assert operation is not None
        operation.answer({})
    finally:
        at_exit.flush()
        _telemetry.use(None)
    assert [span.name for span in host_spans] == ["ping"]


@pytest.mark.behaviour("export.missing-package")
def test_a_file_without_the_package_that_reads_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.configuration", None)
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", _no_provider)
    found = resolve({"OTEL_CONFIG_FILE": "otel.yaml"})
    assert found is not None
    with pytest.raises(WrongSettingError, match=re.escape("pip install 'mcp-obs[config-file]'")):
        FilePipeline(found)


def _no_provider() -> object:
    return ProxyTracerProvider()
