"""Exporters that a configuration file describes leave a collector alone that fails, and survive a fork."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sdk_kit.breakers import is_state
from sdk_kit.collector import Collector, collecting
from sdk_kit.grpc_collector import collecting_grpc
from sdk_kit.process import RECORDS_ONE_SPAN, recording_process

BOUND = 25.0


@pytest.fixture(params=["otlp_http", "otlp_grpc"])
def exporter(request: pytest.FixtureRequest) -> str:
    """Each that sends to a collector, as the file names it."""
    return request.param


@pytest.fixture
def collector(exporter: str) -> Iterator[Collector]:
    """One that understands the exporter."""
    with collecting_grpc() if exporter == "otlp_grpc" else collecting() as collector:
        yield collector


def describe(tmp_path: Path, collector: Collector, exporter: str, interval: int = 20) -> dict[str, str]:
    """Spans, deltas of metrics and log records to the collector; gives the environment that says so."""

    def otlp(signal: str, more: str = "") -> str:
        endpoint = collector.url + (f"/v1/{signal}" if exporter == "otlp_http" else "")
        return f"{{{exporter}: {{endpoint: {endpoint}, compression: gzip, headers_list: 'a=1,b=2'{more}}}}}"

    file = tmp_path / "otel.yaml"
    file.write_text(
        f"""
file_format: "1.0"
tracer_provider:
  processors:
    - batch: {{schedule_delay: 20, exporter: {otlp("traces")}}}
meter_provider:
  readers:
    - periodic: {{interval: {interval}, exporter: {otlp("metrics", ", temporality_preference: delta")}}}
logger_provider: {{processors: [{{batch: {{schedule_delay: 20, exporter: {otlp("logs")}}}}}]}}
"""
    )
    return {"OTEL_CONFIG_FILE": str(file)}


# Each line is an operation, or a log record.
READS = """
from opentelemetry._logs import get_logger
def record(name):
    begin(lambda: Message(name, None, 2, None, None, None)).answer({})
for line in sys.stdin:
    name = line.strip()
    if name.startswith("log "):
        get_logger("kit").emit(body=name)
    else:
        record(name)
"""


def tell(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def end(process: "subprocess.Popen[str]") -> None:
    out, _ = process.communicate(timeout=BOUND)
    assert (process.returncode, out) == (0, "recorded\n")


@pytest.mark.behaviour("configuration.declarative", "export.circuit-breaker", "export.counts")
def test_a_collector_that_refuses_is_left_alone_which_is_a_metric_and_spans_wait_meanwhile(
    tmp_path: Path, collector: Collector, exporter: str
):
    collector.statuses["/v1/traces"] = 401
    with recording_process(describe(tmp_path, collector, exporter), READS) as process:
        collector.wait_for_point(is_state("open", f"{exporter}_span_exporter"))
        del collector.statuses["/v1/traces"]
        tell(process, "tools/list")
        collector.wait_for("tools/list")
        collector.points.clear()
        collector.wait_for_point(is_state("closed", f"{exporter}_span_exporter"))
        end(process)
    assert collector.spans == ["ping", "tools/list"]
    assert {(headers["a"], headers["b"]) for _, headers in collector.requests} == {("1", "2")}


@pytest.mark.behaviour("configuration.declarative", "export.circuit-breaker")
def test_deltas_that_come_while_a_collector_is_left_alone_are_sent_afterwards(
    tmp_path: Path, collector: Collector, exporter: str
):
    collector.statuses["/v1/metrics"] = 401
    with recording_process(describe(tmp_path, collector, exporter), READS) as process:
        with collector.arrived:
            assert collector.arrived.wait_for(lambda: collector.points, BOUND)
        del collector.statuses["/v1/metrics"]
        tell(process, "tools/list")
        collector.wait_for_point(lambda point: point.attributes.get("mcp.method.name") == "tools/list")
        end(process)


@pytest.mark.behaviour("configuration.declarative", "export.circuit-breaker", "exit.flush")
def test_at_the_end_all_is_tried_as_there_is_no_later(tmp_path: Path, collector: Collector, exporter: str):
    collector.statuses["/v1/traces"] = 401
    with recording_process(describe(tmp_path, collector, exporter), READS) as process:
        collector.wait_for_point(is_state("open", f"{exporter}_span_exporter"))
        del collector.statuses["/v1/traces"]
        tell(process, "tools/list")
        tell(process, "prompts/list")
        end(process)
    assert collector.spans == ["ping", "tools/list", "prompts/list"]


@pytest.mark.behaviour("configuration.declarative", "export.circuit-breaker")
def test_log_records_wait_too(tmp_path: Path):
    component = "otlp_http_log_exporter"
    with collecting() as collector:
        collector.statuses["/v1/logs"] = 401
        with recording_process(describe(tmp_path, collector, "otlp_http"), READS) as process:
            tell(process, "log refused")
            collector.wait_for_point(is_state("open", component))
            del collector.statuses["/v1/logs"]
            tell(process, "log waited")
            collector.points.clear()
            collector.wait_for_point(is_state("closed", component))
            end(process)
        told = [path for path, _ in collector.requests]
        bodies = [body for path, body in zip(told, collector.bodies, strict=True) if path == "/v1/logs"]
    assert [b"log refused" in body for body in bodies] == [True, False]
    assert b"log waited" in bodies[1]


@pytest.mark.behaviour("configuration.declarative", "exit.bounded")
def test_a_grpc_collector_that_hangs_holds_up_no_exit(tmp_path: Path):
    with collecting_grpc(hung=True) as collector:
        told = describe(tmp_path, collector, "otlp_grpc") | {"OTEL_EXPORTER_OTLP_TIMEOUT": "60"}
        process = recording_process(told)
        end(process)


# The connection stands when the process forks, and the parent does not use it until its child has ended.
FORKS = """
import os
from opentelemetry.trace import get_tracer_provider
def record(name):
    begin(lambda: Message(name, None, 2, None, None, None)).answer({})
sys.stdin.readline()
get_tracer_provider().force_flush()
child = os.fork()
if child:
    _, status = os.waitpid(child, 0)
    assert status == 0
record("tools/list" if child else "prompts/list")
"""


@pytest.mark.behaviour("configuration.declarative", "export.fork", "exit.bounded")
@pytest.mark.skipif(sys.platform == "win32", reason="no fork here")
def test_a_forked_child_sends_its_own_spans_and_so_does_its_parent_afterwards(
    tmp_path: Path, collector: Collector, exporter: str
):
    # OpenTelemetry's reader says so where it is to read before its provider is there.
    told = describe(tmp_path, collector, exporter, interval=60_000)
    with recording_process(told, FORKS) as process:
        collector.wait_for("ping")
        out, said = process.communicate("\n", timeout=BOUND)
    assert (process.returncode, out, said) == (0, "recorded\n", "")
    assert sorted(collector.spans) == ["ping", "prompts/list", "tools/list"]


@pytest.mark.behaviour("configuration.declarative")
def test_where_opentelemetry_configuration_is_not_as_we_know_it_its_exporters_are_used_as_they_are(
    tmp_path: Path,
):
    unknown = "import sys; sys.modules['mcp_obs._exporters.described'] = None\n"
    with collecting() as collector:
        command = [sys.executable, "-c", unknown + RECORDS_ONE_SPAN]
        process = recording_process(describe(tmp_path, collector, "otlp_http"), command=command)
        out, said = process.communicate(timeout=BOUND)
    assert (process.returncode, out, collector.spans) == (0, "recorded\n", ["ping"])
    assert said.startswith("mcp-obs does not know this opentelemetry-configuration")
