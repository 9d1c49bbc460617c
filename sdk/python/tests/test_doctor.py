"""`mcp-obs doctor` as a process: what it finds, in what order, and that a dry run shows what a real one sends."""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from sdk_kit.collector import Collector, collecting
from sdk_kit.lines import FASTMCP, MCP, Line, installed_lines

from mcp_obs._adapters.findings import Finding
from mcp_obs.cli.doctor import libraries, network, reading_back, sending, settings
from mcp_obs.cli.doctor.kept import Export, Kept, Process
from mcp_obs.cli.doctor.observing import Observation, observe
from mcp_obs.cli.doctor.shown import shown_header, shown_url

MCP_OBS = str(Path(sysconfig.get_path("scripts")) / "mcp-obs")
PLAIN_SERVER = str(Path(__file__).parent / "plain_server.py")
SOURCE = Path(__file__).parents[1] / "src" / "mcp_obs"
KEY = "mcpobs_live_0123456789abcdefghijABCDEFGHIJ0123456789"
LINES = installed_lines()
LINE = next(iter(LINES.values()))
# What a machine has before anybody configures anything.
BARE = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("MCP_OBS_", "OTEL_")) and name != "DO_NOT_TRACK"
}


@dataclass(frozen=True)
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def checks(self) -> dict[str, dict[str, str]]:
        """The checks of a report in JSON, by name."""
        return {check["name"]: check for check in json.loads(self.out)["checks"]}

    @property
    def statuses(self) -> dict[str, str]:
        """Their statuses."""
        return {name: check["status"] for name, check in self.checks.items()}


def doctor(*arguments: str, cwd: Path | None = None, **environment: str) -> Ended:
    """Run `mcp-obs doctor` to its end."""
    process = subprocess.run(
        [MCP_OBS, "doctor", *arguments],
        env={**BARE, "COLUMNS": "200", "NO_COLOR": "1", **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    return Ended(process.returncode, process.stdout, process.stderr)


def spans_of(exports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The spans of a dry run."""
    return [
        span
        for export in exports
        if export["signal"] == "traces"
        for resource in export["body"]["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def attributes_of(span: dict[str, Any]) -> dict[str, Any]:
    """Its attributes, whose integers JSON has as texts."""
    return {one["key"]: _value(one["value"]) for one in span["attributes"]}


def _value(value: dict[str, Any]) -> Any:
    ((kind, inner),) = value.items()
    if kind == "arrayValue":
        return tuple(_value(each) for each in inner.get("values", []))
    return int(inner) if kind == "intValue" else inner


@pytest.mark.behaviour("doctor.checks")
def test_everything_is_checked_and_the_operations_of_a_sample_are_sent():
    with collecting() as collector:
        ended = doctor("--json", MCP_OBS_API_KEY=KEY, MCP_OBS_ENDPOINT=collector.url)
    assert (ended.code, ended.err) == (0, ""), ended
    assert ended.statuses == {
        "mcp-obs": "ok",
        "libraries": "ok",
        "hooks": "ok",
        "configuration": "ok",
        "operations": "ok",
        "DNS": "ok",
        "TCP": "ok",
        "HTTP": "ok",
        "key": "ok",
        "clock": "ok",
        "read back": "skipped",
    }
    assert collector.spans.count("tools/list") == (2 if FASTMCP else 1)
    assert {headers["authorization"] for _, headers in collector.requests} == {f"Bearer {KEY}"}
    assert f"mcp {MCP}." in ended.checks["libraries"]["found"]
    assert KEY not in ended.out


@pytest.mark.behaviour("doctor.checks")
def test_a_sampler_leaves_out_no_sample_and_the_metrics_are_sent_too():
    with collecting() as collector:
        ended = doctor(
            "--json",
            MCP_OBS_API_KEY=KEY,
            MCP_OBS_ENDPOINT=collector.url,
            MCP_OBS_SAMPLER="ratio:0.0001",
            MCP_OBS_METRICS="true",
        )
    assert ended.code == 0, ended
    assert "tools/list" in collector.spans
    assert {path for path, _ in collector.requests} == {"/v1/traces", "/v1/metrics"}


@pytest.mark.behaviour("doctor.checks")
@pytest.mark.parametrize(
    ("status", "name", "said"),
    [
        (401, "key", "Bearer mcpobs_live_01234567… is refused."),
        (404, "HTTP", "answers 404"),
        (503, "HTTP", "answers 503"),
    ],
)
def test_an_export_that_is_refused_is_a_problem_for_people_too(status: int, name: str, said: str):
    with collecting(status) as collector:
        ended = doctor(MCP_OBS_API_KEY=KEY, MCP_OBS_ENDPOINT=collector.url)
    assert ended.code == 1
    (line,) = [line for line in ended.out.splitlines() if line.startswith("problem")]
    assert line.split()[1] == name
    assert said in line
    assert ended.out.splitlines()[-1] == "1 problem."
    assert KEY not in ended.out


@pytest.mark.behaviour("doctor.checks")
def test_where_nothing_listens_the_rest_can_t_be_known():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ended = doctor("--json", MCP_OBS_API_KEY=KEY, MCP_OBS_ENDPOINT=f"http://127.0.0.1:{port}")
    assert ended.code == 1
    assert (ended.statuses["DNS"], ended.statuses["TCP"], ended.statuses["key"]) == (
        "ok",
        "problem",
        "skipped",
    )
    assert "mcp-obs start" in ended.checks["TCP"]["advice"]


@pytest.mark.behaviour("doctor.checks")
@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, "neither an API key nor an endpoint"),
        ({"MCP_OBS_API_KEY": KEY, "DO_NOT_TRACK": "1"}, "Telemetry is off by DO_NOT_TRACK=1."),
    ],
)
def test_a_configuration_that_sends_nothing_is_a_problem_and_nothing_is_sent(
    environment: dict[str, str], found: str
):
    ended = doctor("--json", cwd=None, **environment)
    assert ended.code == 1
    assert ended.statuses["configuration"] == "problem"
    assert found in ended.checks["configuration"]["found"]
    assert "DNS" not in ended.statuses


@pytest.mark.behaviour("doctor.checks")
@pytest.mark.parametrize("line", LINES.values(), ids=str)
def test_a_program_is_run_and_what_its_client_asked_is_sent(line: Line):
    with collecting() as collector:
        ended = doctor(
            "--json",
            "--",
            sys.executable,
            PLAIN_SERVER,
            line.name,
            MCP_OBS_API_KEY=KEY,
            MCP_OBS_ENDPOINT=collector.url,
        )
    assert ended.code == 0, ended
    assert ended.checks["server"]["found"].startswith("kit speaks protocol ")
    assert "initialize" in collector.spans
    assert "tools/list" in collector.spans


def test_a_server_that_a_module_has_is_run(tmp_path: Path):
    (tmp_path / "weather.py").write_text(
        f"import sys\nsys.path.append({str(Path(__file__).parent)!r})\n"
        "from sdk_kit.lines import installed_lines\n"
        f"server = installed_lines()[{LINE.name!r}].build()\n"
        "low_level = getattr(server, '_lowlevel_server', None) or server._mcp_server\n"
        "def make():\n    return server\n"
    )
    for place in ("weather:server", "weather:make", "weather:low_level"):
        with collecting() as collector:
            ended = doctor("--json", place, cwd=tmp_path, MCP_OBS_ENDPOINT=collector.url)
        assert ended.code == 0, ended
        assert "tools/list" in collector.spans


def test_a_program_that_is_no_server_is_a_problem_with_its_last_words():
    program = "import sys; print('Starting...'); print('no database', file=sys.stderr)"
    ended = doctor("--json", "--", sys.executable, "-c", program, MCP_OBS_API_KEY=KEY)
    assert ended.code == 1
    assert (
        "it has ended before it answered initialize. It said: no database" in ended.checks["server"]["found"]
    )
    assert ended.checks["stdout"]["found"] == "Standard output has what is no MCP message: 'Starting...'"
    assert ended.statuses["libraries"] == "problem"
    ended = doctor("--", "./no-such-program")
    assert ended.code == 1
    assert "No such file or directory" in ended.out


def test_a_server_that_does_not_answer_is_given_up_and_ended():
    program = "import sys; sys.stdin.read()"
    seen = observe([sys.executable, "-c", program], BARE, seconds=0.2)
    assert seen.failure == "it does not answer initialize within 0.2 s"


@pytest.mark.behaviour("doctor.checks")
def test_a_hook_that_the_libraries_lack_is_told(tmp_path: Path):
    program = tmp_path / "changed.py"
    program.write_text(
        "import runpy, sys\n"
        "from mcp_obs._adapters import findings\n"
        "findings.report('mcp', 'Server.hook', 'nothing of it is recorded')\n"
        f"sys.argv = [{PLAIN_SERVER!r}, {LINE.name!r}]\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        f"runpy.run_path({PLAIN_SERVER!r}, run_name='__main__')\n"
    )
    with collecting() as collector:
        ended = doctor("--json", "--", sys.executable, str(program), MCP_OBS_ENDPOINT=collector.url)
    assert (ended.code, ended.statuses["hooks"]) == (0, "warning")
    assert (
        "has no Server.hook that mcp-obs knows: nothing of it is recorded." in ended.checks["hooks"]["found"]
    )


def observed(*findings: Finding, versions: dict[str, str | None] | None = None) -> Observation:
    """A server that ran, in a Python with these findings."""
    process = Process("/usr/bin/python", versions or {}, serves_mcp=True, findings=findings)
    return Observation("kit", Kept(processes=(process,)))


def test_a_server_that_is_not_recorded_at_all_is_a_problem_and_a_lesser_hook_a_warning():
    gone = Finding("mcp", "3.0", "MCPServer.middleware", "the server is not recorded at all")
    moved = Finding("mcp", "3.0", "ServerSession.send_request", "requests to the client are not recorded")
    assert [check.status for check in libraries.of_hooks([observed(gone, moved)])] == ["problem", "warning"]
    assert [check.status for check in libraries.of_hooks([observed()])] == ["ok"]


def test_a_python_without_mcp_obs_is_a_problem():
    (process,) = observed(versions={"mcp": "2.3.0"}).kept.processes
    missing, found = libraries.of_libraries(process)
    assert (missing.status, missing.advice) == ("problem", "/usr/bin/python -m pip install mcp-obs")
    assert found.found.startswith("mcp 2.3.0 (proven on ")


EXPORT = Export("traces", "http://127.0.0.1:4318/v1/traces", {"authorization": f"Bearer {KEY}"}, b"")


@pytest.mark.parametrize(
    ("environ", "warnings"),
    [
        ({"MCP_OBS_API_KEY": KEY}, []),
        ({"MCP_OBS_API_KEY": KEY, "MCP_OBS_RETENTION_DAYS": "7"}, []),
        ({"MCP_OBS_EXPORTER": "prometheus"}, []),
        ({"MCP_OBS_API_KEY": KEY, "MCP_OBS_SERVERNAME": "s"}, ["Nothing reads MCP_OBS_SERVERNAME."]),
        (
            {"MCP_OBS_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:2"},
            ["MCP_OBS_ENDPOINT and OTEL_EXPORTER_OTLP_ENDPOINT differ, and MCP_OBS_ENDPOINT counts."],
        ),
        (
            {"MCP_OBS_API_KEY": KEY, "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20x"},
            ["MCP_OBS_API_KEY and OTEL_EXPORTER_OTLP_HEADERS both say who sends."],
        ),
        (
            {"MCP_OBS_ENDPOINT": "http://u:p@127.0.0.1/v1/traces"},
            ["The endpoint http://127.0.0.1/v1/traces has a signal's path, and gets another one."],
        ),
        (
            {"MCP_OBS_API_KEY": KEY[:-1]},
            [
                (
                    "The API key is none of mcp-obs, which look like mcpobs_live_ and 40 letters and digits; "
                    "this has 51 characters."
                )
            ],
        ),
        (
            {"MCP_OBS_API_KEY": KEY, "MCP_OBS_SAMPLER": "always_off"},
            ["The sampler keeps no operation, so the dashboard has no calls to show."],
        ),
    ],
)
def test_what_contradicts_itself_in_the_environment_is_a_warning(
    environ: dict[str, str], warnings: list[str]
):
    first, *others = settings.of_settings(environ, [EXPORT])
    assert first.status == "ok"
    assert [check.found for check in others] == warnings
    assert {check.status for check in others} <= {"warning"}


@pytest.mark.parametrize(
    ("environ", "would_send", "described"),
    [
        ({}, False, "neither an API key"),
        (
            {"MCP_OBS_API_KEY": KEY},
            True,
            "to http://127.0.0.1:4318, key mcpobs_live_01234567…, by otlp-http,",
        ),
        ({"MCP_OBS_EXPORTER": "console"}, False, "by console, privacy shape"),
        ({"OTEL_CONFIG_FILE": "/etc/otel.yaml"}, True, "by /etc/otel.yaml, privacy shape"),
        ({"MCP_OBS_API_KEY": KEY, "DO_NOT_TRACK": "1"}, False, "Telemetry is off"),
        (
            {"MCP_OBS_API_KEY": KEY, "OTEL_SDK_DISABLED": "true"},
            False,
            "Telemetry is off by OTEL_SDK_DISABLED=true.",
        ),
        ({"MCP_OBS_ENDPOINT": "localhost:4318"}, False, "must start with http:// or https://"),
        ({"MCP_OBS_API_KEY": KEY, "MCP_OBS_PRIVACY": "secret"}, False, "privacy level"),
    ],
)
def test_what_is_configured_is_told_before_anything_is_sent(
    environ: dict[str, str], described: str, *, would_send: bool
):
    assert settings.would_send(environ) is would_send
    assert described in settings.of_settings(environ, [])[0].found


def test_a_key_that_goes_out_unencrypted_is_a_warning():
    far = replace(EXPORT, url="http://obs.example/v1/traces")
    *_, last = settings.of_settings({}, [far])
    assert last.found == "The key goes to obs.example unencrypted."


def test_every_variable_of_ours_that_the_code_reads_is_known_to_the_doctor():
    read = {
        name
        for path in SOURCE.rglob("*.py")
        if path.name != "semconv.py" and "doctor" not in path.relative_to(SOURCE).parts
        for name in re.findall(r'"(MCP_OBS_[A-Z_]+)"', path.read_text())
    }
    assert read - {"MCP_OBS_DOCTOR_FILE"} == {*settings.VARIABLES, *settings.OF_THE_COMMAND}


@pytest.mark.parametrize(
    ("ahead", "status"),
    [(0, "ok"), (-5, "ok"), (7, "warning"), (-90, "warning"), (-3700, "problem"), (None, "skipped")],
)
def test_a_clock_that_is_off_is_told(ahead: float | None, status: str):
    now = 1_700_000_000.5
    date = None if ahead is None else now + ahead - 0.5
    check = sending.of_clock(sending.Answer(EXPORT, 200, b"", date, now - 0.1, now + 0.1))
    assert check.status == status


@contextmanager
def tls_server(certificate: Path) -> Generator[int]:
    """Shakes hands, and no more; gives its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake() -> None:
            try:
                connection, _ = listener.accept()
                with connection, context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(1)
            except OSError:
                pass  # the client does not like the certificate

        thread = threading.Thread(target=shake, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def certificate_in(folder: Path) -> Path:
    """A certificate of its own authority for 127.0.0.1, with its key, good for 100 days."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kit")]),
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(100)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's own are."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_a_certificate_is_checked_as_the_exporter_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    certificate = certificate_in(tmp_path)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    without_proxies(monkeypatch)
    with tls_server(certificate) as port:
        *_, tls = network.of_network(f"https://127.0.0.1:{port}/v1/traces")
    assert (tls.name, tls.status) == ("TLS", "problem")
    assert "is not trusted: self-signed certificate" in tls.found
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with tls_server(certificate) as port:
        *_, tls = network.of_network(f"https://127.0.0.1:{port}/v1/traces")
    assert (tls.status, tls.found.split(", ")[1]) == ("ok", "the certificate is good for 100 days")
    in_95_days = datetime.now(UTC).timestamp() + 95 * 86400
    with tls_server(certificate) as port:
        *_, tls = network.of_network(f"https://127.0.0.1:{port}/v1/traces", lambda: in_95_days)
    assert (tls.status, tls.found) == ("warning", "The certificate of 127.0.0.1 ends in 5 days.")


def test_a_host_without_an_address_is_a_problem(monkeypatch: pytest.MonkeyPatch):
    without_proxies(monkeypatch)
    (dns,) = network.of_network("https://nowhere.invalid/v1/traces")
    assert (dns.name, dns.status) == ("DNS", "problem")


def test_behind_a_proxy_the_way_to_the_proxy_is_looked_at(monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        without_proxies(monkeypatch)
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        dns, tcp = network.of_network("https://obs.example/v1/traces")
    assert dns.found == "127.0.0.1 (the proxy for obs.example) is an address"
    assert tcp.status == "ok"


def dry_run_and_real_run(collector: Collector, *command: str, **environment: str) -> tuple[Any, Any]:
    """What a dry run shows, and what the collector has once the same program has really run."""
    shown = doctor("--dry-run", "--", *command, cwd=None, **environment)
    assert (shown.code, collector.requests) == (0, []), shown
    process = subprocess.Popen(
        [MCP_OBS, "run", "--", *command],
        env={**BARE, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    from mcp_obs.cli.doctor.stdio_client import StdioClient

    client = StdioClient(process)
    client.initialize()
    client.tools()
    client.close()
    collector.wait_for("initialize", "tools/list")
    return json.loads(shown.out), collector


@pytest.mark.behaviour("doctor.dry-run")
@pytest.mark.parametrize("line", LINES.values(), ids=str)
def test_a_dry_run_sends_nothing_and_shows_what_a_real_one_sends(line: Line):
    with collecting() as collector:
        shown, sent = dry_run_and_real_run(
            collector,
            sys.executable,
            PLAIN_SERVER,
            line.name,
            MCP_OBS_API_KEY=KEY,
            MCP_OBS_ENDPOINT=collector.url,
            MCP_OBS_SERVER_NAME="kit",
            MCP_OBS_METRICS="usage,performance",
        )
    spans = {span["name"]: span for span in spans_of(shown)}
    assert set(spans) == set(sent.spans)
    for name, span in spans.items():
        # A guessed session is another one in every process.
        assert {**attributes_of(span), "mcp_obs.session.id": ""} == {
            **sent.attributes[name],
            "mcp_obs.session.id": "",
        }
    metrics = [export for export in shown if export["signal"] == "metrics"]
    names = {
        metric["name"]
        for resource in metrics[-1]["body"]["resourceMetrics"]
        for scope in resource["scopeMetrics"]
        for metric in scope["metrics"]
    }
    assert names == {point.metric for point in sent.points[-1]}
    assert "mcp.server.operation.duration" in names
    assert {export["headers"]["authorization"] for export in shown} == {"Bearer mcpobs_live_01234567…"}
    assert {export["url"] for export in shown} == {f"{sent.url}/v1/traces", f"{sent.url}/v1/metrics"}
    assert all(re.fullmatch("[0-9a-f]{32}", span["traceId"]) for span in spans.values())


@pytest.mark.behaviour("doctor.dry-run")
def test_a_dry_run_without_a_program_shows_a_call_at_the_level_that_is_configured():
    shape = doctor("--dry-run")
    assert (shape.code, shape.err) == (0, "")
    assert "ada@example.com" not in shape.out
    (call,) = [span for span in spans_of(json.loads(shape.out)) if span["name"].startswith("tools/call")]
    assert call["name"] == "tools/call ship_parcel"
    redacted = doctor("--dry-run", MCP_OBS_PRIVACY="redacted")
    assert "Zurich" in redacted.out
    assert "[redacted email]" in redacted.out
    assert "ada@example.com" not in redacted.out


@pytest.mark.behaviour("doctor.dry-run")
def test_a_program_that_says_itself_where_it_sends_sends_nothing_in_a_dry_run(tmp_path: Path):
    program = tmp_path / "configured.py"
    with collecting() as collector:
        program.write_text(
            "import runpy, sys, mcp_obs\n"
            f"mcp_obs.configure_mcp_telemetry(api_key={KEY!r}, endpoint={collector.url!r})\n"
            f"sys.argv = [{PLAIN_SERVER!r}, {LINE.name!r}]\n"
            f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
            f"runpy.run_path({PLAIN_SERVER!r}, run_name='__main__')\n"
        )
        ended = doctor("--dry-run", "--", sys.executable, str(program))
        standard = doctor(
            "--dry-run",
            "--",
            sys.executable,
            PLAIN_SERVER,
            LINE.name,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_EXPORTER_OTLP_HEADERS="x-api-key=SECRET",
        )
        assert collector.requests == []
    assert {export["url"] for export in json.loads(ended.out)} == {f"{collector.url}/v1/traces"}
    assert KEY not in ended.out
    assert {span["name"] for span in spans_of(json.loads(standard.out))} >= {"initialize", "tools/list"}
    assert "SECRET" not in standard.out


@pytest.mark.behaviour("doctor.dry-run")
def test_where_nothing_would_leave_a_dry_run_shows_nothing_and_says_why():
    ended = doctor("--dry-run", MCP_OBS_API_KEY=KEY, DO_NOT_TRACK="1")
    assert (ended.code, json.loads(ended.out)) == (0, [])
    assert ended.err == "Nothing would be sent: telemetry is off.\n"


def test_a_dry_run_of_what_is_no_server_fails():
    ended = doctor("--dry-run", "--", sys.executable, "-c", "import sys; sys.exit('no database')")
    assert ended.code == 1
    assert "it has ended before it answered initialize.\n  no database" in ended.err


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", f"Bearer {KEY}", "Bearer mcpobs_live_01234567…"),
        ("authorization", "Basic dTpw", "Basic …"),
        ("authorization", "SECRET", "…"),
        ("X-Api-Key", "SECRET", "…"),
        ("Cookie", "SECRET", "…"),
        ("Content-Type", "application/x-protobuf", "application/x-protobuf"),
    ],
)
def test_headers_show_no_secret(name: str, value: str, shown: str):
    assert shown_header(name, value) == shown
    assert shown_url("https://u:SECRET@obs.example:1/v1/traces") == "https://obs.example:1/v1/traces"


EXPORTS_OVER_GRPC = """
import sys
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
exporter = OTLPSpanExporter("http://127.0.0.1:{port}", headers={{"authorization": "Bearer SECRET"}})
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)
"""


@contextmanager
def grpc_collector(bodies: list[bytes], keys: list[str]) -> Generator[int]:
    """Takes every export over gRPC with the key SECRET; gives its port."""
    grpc = pytest.importorskip("grpc")
    from concurrent.futures import ThreadPoolExecutor

    class Handler(grpc.GenericRpcHandler):
        def service(self, handler_call_details: Any) -> Any:
            assert handler_call_details.method.endswith("TraceService/Export")

            def export(request: bytes, context: Any) -> bytes:
                key = dict(context.invocation_metadata())["authorization"]
                keys.append(key)
                if key != "Bearer SECRET":
                    context.abort(grpc.StatusCode.UNAUTHENTICATED, "who is it?")
                bodies.append(request)
                return b""

            return grpc.unary_unary_rpc_method_handler(export)

    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


def test_what_a_host_sends_over_grpc_is_shown_in_a_dry_run_and_else_sent(tmp_path: Path):
    pytest.importorskip("opentelemetry.exporter.otlp.proto.grpc")
    bodies, keys, program = list[bytes](), list[str](), tmp_path / "host.py"
    with grpc_collector(bodies, keys) as port:
        program.write_text(
            EXPORTS_OVER_GRPC.format(port=port)
            + f"import runpy\nsys.argv = [{PLAIN_SERVER!r}, {LINE.name!r}]\n"
            f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
            f"runpy.run_path({PLAIN_SERVER!r}, run_name='__main__')\n"
        )
        shown = doctor("--dry-run", "--", sys.executable, str(program))
        assert bodies == []
        (export,) = json.loads(shown.out)
        assert (export["url"], export["headers"]["authorization"]) == (f"grpc://127.0.0.1:{port}", "Bearer …")
        assert {span["name"] for span in spans_of([export])} >= {"initialize", "tools/list"}
        ended = doctor("--json", "--", sys.executable, str(program))
        assert ended.code == 0, ended
        assert ended.statuses["key"] == "ok"
        assert len(bodies) == 1
        program.write_text(program.read_text().replace("SECRET", "WRONG"))
        refused = doctor("--json", "--", sys.executable, str(program))
    assert (refused.code, refused.statuses["key"]) == (1, "problem")
    assert keys == ["Bearer SECRET", "Bearer WRONG"]


@contextmanager
def answering(*answers: tuple[int, dict[str, str], bytes]) -> Generator[tuple[str, list[str]]]:
    """An HTTP server that gives these answers in turn, and the last for ever; its URL, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            asked.append(f"{self.command} {self.path} {self.headers['authorization']}")
            status, headers, body = answers[min(len(asked), len(answers)) - 1]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 (the base class's names)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()


def export_of_two_spans(url: str) -> Export:
    """Both of the same trace."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in (1, 2):
        spans.add(trace_id=b"\x01" * 16, span_id=bytes(7) + bytes([number]), name="tools/list")
    return Export("traces", f"{url}/v1/traces", {"authorization": "Bearer k"}, request.SerializeToString())


NOTHING: dict[str, str] = {}
TOLD = {"content-type": "application/json"}
ASKED = f"GET /api/received/{'01' * 16} Bearer k"


def test_a_trace_is_asked_for_until_all_of_it_can_be_read():
    unavailable, some, all_of_it = (
        (503, NOTHING, b""),
        (200, TOLD, b'{"spans": 1}'),
        (200, TOLD, b'{"spans": 2}'),
    )
    with answering(unavailable, some, all_of_it) as (url, asked):
        check = reading_back.of_reading_back(export_of_two_spans(url))
    assert (check.status, asked) == ("ok", [ASKED] * 3)


def test_a_trace_that_is_acknowledged_and_not_there_in_time_is_a_problem():
    with answering((200, TOLD, b'{"spans": 1}')) as (url, _):
        check = reading_back.of_reading_back(export_of_two_spans(url), within=0)
    assert check.status == "problem"
    assert check.found.startswith(f"1 of 2 spans of the trace {'01' * 16} can be read after ")


@pytest.mark.parametrize(
    "told", [(404, NOTHING, b""), (200, NOTHING, b"<html>"), (200, TOLD, b"[]"), (200, TOLD, b"{}")]
)
def test_a_collector_that_does_not_tell_what_it_has_is_no_problem(told: Any):
    with answering(told) as (url, _):
        assert reading_back.of_reading_back(export_of_two_spans(url)).status == "skipped"


def rejecting() -> bytes:
    """An answer that says that a span was not kept."""
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 1
    answer.partial_success.error_message = "1 span: the time is more than an hour ahead of the server's clock"
    return answer.SerializeToString()


@pytest.mark.parametrize(
    ("answer", "name", "status", "found"),
    [
        (
            (200, NOTHING, rejecting()),
            "export",
            "problem",
            "Not all is kept: 1 span: the time is more than an hour",
        ),
        ((200, NOTHING, b"<html>"), "HTTP", "warning", "does not speak OTLP"),
        (
            (302, {"location": "https://new.example/"}, b""),
            "HTTP",
            "problem",
            "it is at https://new.example/ now",
        ),
        ((413, NOTHING, b"too large"), "HTTP", "problem", "answers 413: too large"),
        (
            (404, {"content-type": "application/x-protobuf"}, Status(message="not here").SerializeToString()),
            "HTTP",
            "problem",
            "answers 404: not here",
        ),
        ((500, {"content-type": "application/x-protobuf"}, b"\xff"), "HTTP", "problem", "no reason is given"),
    ],
)
def test_what_a_collector_says_of_an_export_is_told(answer: Any, name: str, status: str, found: str):
    with answering(answer) as (url, asked):
        *_, last = sending.of_answer(sending.send(export_of_two_spans(url)))
    assert (last.name, last.status) == (name, status)
    assert found in last.found
    assert asked == ["POST /v1/traces Bearer k"]
