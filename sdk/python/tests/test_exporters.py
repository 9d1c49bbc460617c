"""Other ways for telemetry to leave than OTLP over HTTP."""

import json
import logging
import os
import re
import socket
import sys
import sysconfig
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sdk_kit.collector import Collector, collecting
from sdk_kit.grpc_collector import collecting_grpc
from sdk_kit.lines import Answer, installed_lines
from sdk_kit.process import recording_process

import mcp_obs
from mcp_obs import _telemetry
from mcp_obs._configuration import resolve
from mcp_obs._exit import at_exit
from mcp_obs._exporters.choice import Exporter, Exporters
from mcp_obs._exporters.choice import resolve as chosen
from mcp_obs._guard import WrongSettingError
from mcp_obs._message import Message
from mcp_obs._operation import begin
from mcp_obs._providers import Providers

LINE = next(iter(installed_lines().values()))
# Without a bound of ours, an exporter this patient would hold up the exit for the 30 s of OpenTelemetry's own.
PATIENT = {"OTEL_EXPORTER_OTLP_TIMEOUT": "60"}
BOUND = 25.0


@pytest.fixture
def configured() -> Iterator[None]:
    """Whatever the test configures ends with it."""
    yield
    at_exit.flush()
    _telemetry.use(None)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port for Prometheus to scrape, which nobody else is given meanwhile."""
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", str(kept.getsockname()[1]))
        yield kept.getsockname()[1]


def ping() -> None:
    """One operation."""
    operation = begin(lambda: Message("ping", None, 1, None, None, None))
    assert operation is not None
    operation.answer({})


GRPC: tuple[Exporter, ...] = ("otlp-grpc",)
BOTH: tuple[Exporter, ...] = ("otlp-http", "prometheus")
THEIRS = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}


@pytest.mark.behaviour("configuration.order")
@pytest.mark.parametrize(
    ("environ", "argument", "is_ours", "expected"),
    [
        ({}, None, True, Exporters()),
        ({}, "otlp", True, Exporters()),
        ({"MCP_OBS_EXPORTER": "console"}, "otlp-grpc", True, Exporters(GRPC, GRPC)),
        ({"MCP_OBS_EXPORTER": "otlp, Prometheus"}, None, True, Exporters(("otlp-http",), BOTH)),
        ({}, ["prometheus"], True, Exporters((), ("prometheus",))),
        # What opentelemetry-distro sets is for the host's own endpoint.
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, None, True, Exporters()),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}, None, True, Exporters()),
        ({"OTEL_METRICS_EXPORTER": "otlp,prometheus"}, None, True, Exporters(("otlp-http",), BOTH)),
        ({"OTEL_METRICS_EXPORTER": "of_the_host"}, None, True, Exporters()),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, None, False, Exporters(GRPC, GRPC)),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "otlp", False, Exporters(GRPC, GRPC)),
        ({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, None, False, Exporters(GRPC)),
        ({"OTEL_TRACES_EXPORTER": "console"}, None, False, Exporters(("console",))),
        ({"OTEL_TRACES_EXPORTER": "none"}, None, False, Exporters(())),
        ({"OTEL_TRACES_EXPORTER": "otlp_proto_grpc"}, None, False, Exporters(GRPC)),
    ],
)
def test_an_argument_wins_over_our_variable_and_that_over_the_standard_ones(
    environ: dict[str, str], argument: str | list[str] | None, *, is_ours: bool, expected: Exporters
):
    assert chosen(environ, argument, is_ours=is_ours) == expected


@pytest.mark.behaviour("configuration.refused-by-name")
@pytest.mark.parametrize(
    ("environ", "argument", "said"),
    [
        ({}, "otpl", "exporter knows otlp, otlp-http, otlp-grpc, prometheus, console, and 'otpl' is none"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, None, "OTEL_TRACES_EXPORTER names 'zipkin'"),
        ({"OTEL_TRACES_EXPORTER": "prometheus"}, None, "OTEL_TRACES_EXPORTER names 'prometheus'"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, None, "and 'http/json' is neither"),
    ],
)
def test_an_exporter_that_there_is_not_is_refused_by_name(
    environ: dict[str, str], argument: str | None, said: str
):
    with pytest.raises(ValueError, match=re.escape(said)):
        chosen(environ, argument, is_ours=False)


@pytest.mark.parametrize(
    ("environ", "endpoint", "is_lean"),
    [
        ({"MCP_OBS_API_KEY": "k"}, "http://127.0.0.1:4318", True),
        ({"MCP_OBS_API_KEY": "k", "MCP_OBS_EXPORTER": "otlp-grpc"}, "http://127.0.0.1:4317", False),
        ({"MCP_OBS_EXPORTER": "otlp-grpc"}, "http://127.0.0.1:4317", False),
        ({"MCP_OBS_EXPORTER": "console"}, None, False),
        ({"MCP_OBS_ENDPOINT": "http://e", "MCP_OBS_EXPORTER": "otlp,prometheus"}, "http://e", False),
        (THEIRS | {"MCP_OBS_API_KEY": "k"}, None, False),
    ],
)
def test_an_endpoint_is_needed_only_where_something_is_sent(
    environ: dict[str, str], endpoint: str | None, *, is_lean: bool
):
    found = resolve(environ)
    assert found is not None
    assert (found.endpoint, found.is_lean) == (endpoint, is_lean)


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [({}, 3), ({"MCP_OBS_METRICS": "usage"}, 1), ({"MCP_OBS_METRICS": "false"}, 0)],
)
def test_who_asks_for_prometheus_asks_for_metrics(environ: dict[str, str], wanted: int):
    found = resolve(environ, exporter="prometheus")
    assert found is not None
    assert len(found.metrics) == wanted


@pytest.mark.parametrize(
    ("key", "variable", "sent"),
    [
        ("key", "", "Bearer key"),
        (None, "Authorization=Bearer%20mine", "Bearer mine"),
        (None, "", "Basic YWRhOmxvdmVsYWNl"),
    ],
    ids=["with a key", "with a header of the environment", "with neither"],
)
def test_a_netrc_says_who_sends_by_opentelemetry_only_where_nothing_else_does(
    key: str | None, variable: str, sent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password lovelace\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", variable)
    with collecting() as collector:
        found = resolve({}, key, collector.url, metrics=True)
        assert found is not None
        providers = Providers(found)
        providers.telemetry.tracer.start_span("ping").end()
        providers.shutdown(10)
    asked = {(path, headers["authorization"]) for path, headers in collector.requests}
    assert asked == {("/v1/traces", sent), ("/v1/metrics", sent)}


SESSION_OF_THE_HOST = """
import requests

def session():
    made = requests.Session()
    made.auth = ("ada", "lovelace")
    return made
"""


def test_a_session_of_the_host_s_own_says_who_sends(tmp_path: Path):
    (tmp_path / "of_the_host.py").write_text(SESSION_OF_THE_HOST)
    described = tmp_path / "of_the_host-1.dist-info"
    described.mkdir()
    (described / "entry_points.txt").write_text(
        "[opentelemetry_otlp_credential_provider]\nada = of_the_host:session\n"
    )
    with collecting() as collector:
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "PYTHONPATH": str(tmp_path)}
        told["OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER"] = "ada"
        process = recording_process(told)
        assert process.communicate(timeout=60) == ("recorded\n", "")
    assert [headers["authorization"] for _, headers in collector.requests] == ["Basic YWRhOmxvdmVsYWNl"]


def grpc_to(collector: Collector) -> dict[str, str]:
    return {
        "MCP_OBS_ENDPOINT": collector.url,
        "MCP_OBS_API_KEY": "mcpobs_test_key",
        "MCP_OBS_EXPORTER": "otlp-grpc",
        "MCP_OBS_SERVER_NAME": "kit",
    }


@pytest.mark.behaviour("export.otlp-grpc")
def test_spans_and_metrics_go_over_grpc_with_the_key_before_the_process_ends():
    with collecting_grpc() as collector:
        process = recording_process(grpc_to(collector) | {"MCP_OBS_METRICS": "performance"})
        assert process.communicate(timeout=60) == ("recorded\n", "")
    assert collector.spans == ["ping"]
    assert {path for path, _ in collector.requests} == {"/v1/traces", "/v1/metrics"}
    assert {headers["authorization"] for _, headers in collector.requests} == {"Bearer mcpobs_test_key"}
    assert {resource["service.name"] for resource in collector.resources} == {"kit"}
    (latency,) = [point for point in collector.points[-1] if point.metric == "mcp.message.latency"]
    assert not isinstance(latency.value, float | int)
    assert latency.value.count == 1


@pytest.mark.behaviour("export.otlp-grpc")
def test_the_standard_protocol_variable_chooses_grpc_for_the_standard_endpoint():
    with collecting_grpc() as collector:
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
        process = recording_process(told)
        assert process.communicate(timeout=60) == ("recorded\n", "")
    assert collector.spans == ["ping"]


@pytest.mark.behaviour("export.otlp-grpc", "exit.bounded")
@pytest.mark.parametrize("metrics", ["false", "true"])
def test_a_grpc_collector_that_hangs_holds_up_no_exit(metrics: str):
    with collecting_grpc(hung=True) as collector:
        process = recording_process(grpc_to(collector) | PATIENT | {"MCP_OBS_METRICS": metrics})
        out, _ = process.communicate(timeout=BOUND)
    assert (process.returncode, out) == (0, "recorded\n")


@pytest.mark.behaviour("exit.bounded")
def test_a_port_that_takes_connections_and_speaks_no_grpc_holds_up_no_exit():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        told = {"MCP_OBS_EXPORTER": "otlp-grpc"}
        told["MCP_OBS_ENDPOINT"] = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = recording_process(told | PATIENT)
        out, _ = process.communicate(timeout=BOUND)
    assert (process.returncode, out) == (0, "recorded\n")


@pytest.mark.behaviour("host.answers-despite-collector")
@pytest.mark.anyio
async def test_a_grpc_collector_that_hangs_changes_no_answer():
    with collecting_grpc(hung=True) as collector:
        async with LINE.over_stdio(grpc_to(collector)) as peer:
            for _ in range(20):
                assert await peer.call("add", a=1, b=2) == Answer("3")


@pytest.mark.behaviour("export.console", "host.silent-stdout")
def test_the_console_is_standard_error():
    told = {"MCP_OBS_EXPORTER": "console", "MCP_OBS_METRICS": "usage,performance"}
    process = recording_process(told)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "recorded\n")
    decoder = json.JSONDecoder()
    first, end = decoder.raw_decode(err)
    second, _ = decoder.raw_decode(err[end:].lstrip())
    # They end beside each other.
    span, metrics = sorted((first, second), key=lambda one: "resource_metrics" in one)
    assert (span["name"], span["attributes"]["mcp.method.name"]) == ("ping", "ping")
    names = {
        metric["name"]
        for resource in metrics["resource_metrics"]
        for scope in resource["scope_metrics"]
        for metric in scope["metrics"]
    }
    assert "mcp.message.latency" in names


@pytest.mark.behaviour("export.console", "host.silent-stdout")
@pytest.mark.anyio
async def test_a_stdio_server_that_writes_to_the_console_is_understood_by_its_client():
    async with LINE.over_stdio({"OTEL_TRACES_EXPORTER": "console"}) as peer:
        for _ in range(20):
            assert await peer.call("add", a=1, b=2) == Answer("3")


@pytest.mark.behaviour("export.console", "host.answers-despite-collector")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
def test_a_console_that_is_full_changes_no_answer():
    with Path("/dev/full").open("w") as full:
        process = recording_process(
            {"MCP_OBS_EXPORTER": "console", "MCP_OBS_METRICS": "true"}, "sys.stdin.readline()", stderr=full
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "recorded\n"
        assert process.communicate("\n", timeout=BOUND)[0] == ""
    assert process.returncode == 0


def scrape(port: int) -> dict[tuple[str, str | None], float]:
    """Values by the sample's name and its method."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    response = connection.getresponse()
    assert response.status == 200
    families = text_string_to_metric_families(response.read().decode())
    connection.close()
    return {
        (sample.name, sample.labels.get("mcp_method_name")): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.behaviour("export.prometheus")
@pytest.mark.usefixtures("configured")
def test_prometheus_scrapes_what_was_counted_and_what_the_process_uses(port: int):
    mcp_obs.configure_mcp_telemetry(exporter="prometheus", server_name="kit")
    ping()
    ping()
    found = scrape(port)
    assert found["mcp_server_operation_duration_seconds_count", "ping"] == 2
    assert found["process_memory_usage_bytes", None] > 1_000_000
    ping()
    assert scrape(port)["mcp_server_operation_duration_seconds_count", "ping"] == 3


@pytest.mark.behaviour("export.prometheus")
@pytest.mark.usefixtures("configured")
def test_spans_are_sent_while_metrics_are_scraped(port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "prometheus")
    with collecting() as collector:
        mcp_obs.configure_mcp_telemetry(endpoint=collector.url)
        ping()
        collector.wait_for("ping")
        assert scrape(port)["mcp_server_operation_duration_seconds_count", "ping"] == 1
        at_exit.flush()
    assert {path for path, _ in collector.requests} == {"/v1/traces"}


@pytest.mark.behaviour("export.prometheus", "configuration.replaced")
@pytest.mark.usefixtures("configured")
def test_a_second_configuration_serves_at_the_same_port_and_counts_from_nothing(port: int):
    for _ in range(2):
        mcp_obs.configure_mcp_telemetry(exporter="prometheus")
        ping()
        assert scrape(port)["mcp_server_operation_duration_seconds_count", "ping"] == 1


@pytest.mark.behaviour("export.prometheus")
@pytest.mark.usefixtures("configured")
def test_a_port_that_is_taken_is_a_warning_and_spans_are_sent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    with socket.create_server(("127.0.0.1", 0)) as taken, collecting() as collector:
        port = taken.getsockname()[1]
        monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", str(port))
        with caplog.at_level(logging.WARNING, "mcp_obs"):
            mcp_obs.configure_mcp_telemetry(endpoint=collector.url, exporter=["otlp-http", "prometheus"])
        ping()
        collector.wait_for("ping")
        at_exit.flush()
    (record,) = [record for record in caplog.records if record.name == "mcp_obs"]
    assert record.getMessage().startswith(f"mcp-obs can't listen on 127.0.0.1:{port}, so")


@pytest.mark.behaviour("export.prometheus")
def test_a_port_that_is_none_is_refused_by_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", "65536")
    with pytest.raises(ValueError, match="a port from 1 to 65535, and '65536' is none"):
        mcp_obs.configure_mcp_telemetry(exporter="prometheus")


@pytest.mark.behaviour("export.prometheus", "host.silent-stdout")
def test_a_process_that_is_scraped_ends_at_once_and_says_nothing(port: int):
    process = recording_process({"MCP_OBS_EXPORTER": "prometheus"}, "sys.stdin.readline()")
    assert process.stdout is not None
    assert process.stdout.readline() == "recorded\n"
    assert scrape(port)["mcp_server_operation_duration_seconds_count", "ping"] == 1
    started = time.monotonic()
    assert process.communicate("\n", timeout=60) == ("", "")
    assert (process.returncode, time.monotonic() - started < BOUND) == (0, True)


# The parent ends when its child runs: by then what follows a fork has been done.
FORKS = """
import os
told, tell = os.pipe()
if os.fork():
    os.read(told, 1)
    os._exit(0)
os.write(tell, b"1")
sys.stdin.readline()
"""


@pytest.mark.behaviour("export.prometheus", "export.fork")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_does_not_hold_its_parent_s_port(port: int):
    process = recording_process({"MCP_OBS_EXPORTER": "prometheus"}, FORKS)
    assert process.wait(60) == 0
    with socket.create_server(("127.0.0.1", port)):
        process.communicate("\n", timeout=60)


BUILDS_A_SERVER = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from sdk_kit.lines import installed_lines
next(iter(installed_lines().values())).build()
from mcp_obs._message import Message
from mcp_obs._operation import begin
from mcp_obs._providers import Providers
begin(lambda: Message("ping", None, 1, None, None, None)).answer({{}})
"""
SCRIPTS = Path(sysconfig.get_path("scripts"))
# opentelemetry-distro would send to a collector of its own.
QUIET = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}


@pytest.mark.behaviour("export.console")
@pytest.mark.parametrize("launcher", [["mcp-obs", "run", "--"], ["opentelemetry-instrument"]], ids=str)
def test_a_program_without_a_line_of_ours_is_exported_as_our_variable_says(launcher: list[str]):
    command = [str(SCRIPTS / launcher[0]), *launcher[1:], sys.executable, "-c", BUILDS_A_SERVER]
    process = recording_process(QUIET | {"MCP_OBS_EXPORTER": "console"}, command=command)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    # Old libraries warn on standard error, before anything is recorded.
    recorded = err[f"\n{err}".index("\n{") :]
    assert json.JSONDecoder().raw_decode(recorded)[0]["name"] == "ping"


@pytest.mark.behaviour("export.missing-package")
@pytest.mark.parametrize(
    ("exporter", "package", "extra"),
    [
        ("otlp-grpc", "grpc", "grpc"),
        ("prometheus", "opentelemetry.exporter.prometheus", "prometheus"),
    ],
)
def test_an_exporter_whose_package_is_missing_says_what_to_install(
    exporter: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"mcp_obs._exporters.{exporter.replace('-', '_')}", raising=False)
    with pytest.raises(WrongSettingError, match=re.escape(f"pip install 'mcp-obs[{extra}]'")):
        mcp_obs.configure_mcp_telemetry(exporter=exporter)
