"""The doctor's checks one by one: libraries, settings, clock, network, the collector's answer, what is read back."""

import re
import socket
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from sdk_kit.certificates import certificate_in, without_proxies
from sdk_kit.collector import POLL_SECONDS
from sdk_kit.doctor import KEY

from mcp_obs._adapters.findings import Finding
from mcp_obs.cli.doctor import libraries, network, reading_back, sending, settings
from mcp_obs.cli.doctor.kept import Export, Kept, Process
from mcp_obs.cli.doctor.observing import Observation

SOURCE = Path(__file__).parents[1] / "src" / "mcp_obs"


def observed(*findings: Finding, versions: dict[str, str | None] | None = None) -> Observation:
    """A server that ran, in a Python with these findings."""
    process = Process(
        "/usr/bin/python", versions or {}, serves_mcp=True, is_compiled=False, findings=findings
    )
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
        threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()
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
    waited = list[float]()
    with answering(unavailable, some, all_of_it) as (url, asked):
        check = reading_back.of_reading_back(export_of_two_spans(url), wait=waited.append)
    assert (check.status, asked, waited) == ("ok", [ASKED] * 3, [0.25] * 2)


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
