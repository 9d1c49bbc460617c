"""`mcp-obs doctor --dry-run`: it shows what a real run sends, without what is secret, and sends nothing."""

import json
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sdk_kit.collector import Collector, collecting
from sdk_kit.doctor import BARE, KEY, MCP_OBS, PLAIN_SERVERS, doctor

from mcp_obs.cli.doctor.shown import shown_header, shown_url
from mcp_obs.cli.doctor.stdio_client import StdioClient


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
    client = StdioClient(process)
    client.initialize()
    client.tools()
    client.close()
    collector.wait_for("initialize", "tools/list")
    return json.loads(shown.out), collector


@pytest.mark.behaviour("doctor.dry-run")
@pytest.mark.parametrize("library", PLAIN_SERVERS)
def test_a_dry_run_sends_nothing_and_shows_what_a_real_one_sends(library: str):
    with collecting() as collector:
        shown, sent = dry_run_and_real_run(
            collector,
            sys.executable,
            "-c",
            PLAIN_SERVERS[library],
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
            "import mcp_obs\n"
            f"mcp_obs.configure_mcp_telemetry(api_key={KEY!r}, endpoint={collector.url!r})\n"
            + PLAIN_SERVERS["mcp"]
        )
        ended = doctor("--dry-run", "--", sys.executable, str(program))
        standard = doctor(
            "--dry-run",
            "--",
            sys.executable,
            "-c",
            PLAIN_SERVERS["mcp"],
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
        program.write_text(EXPORTS_OVER_GRPC.format(port=port) + PLAIN_SERVERS["mcp"])
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
