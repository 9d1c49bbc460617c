"""A collector that keeps what it is sent, and counts the calls in it."""

import gzip
import json
import threading
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_CALL = "tools/call"
_SERVER = 2  # SPAN_KIND_SERVER


class Collector(ThreadingHTTPServer):
    """On a free port of the loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.bodies: list[tuple[str, bytes]] = []
        """Each with its path, inflated."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that is gone is nothing to tell."""

    @property
    def endpoint(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_port}"

    def calls(self) -> int:
        """The tool calls in everything that came."""
        return sum(calls_in(path, body) for path, body in self.bodies)


class _Taking(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        encoding = self.headers.get("content-encoding")
        if encoding in ("gzip", "deflate"):
            body = gzip.decompress(body) if encoding == "gzip" else zlib.decompress(body)
        cast("Collector", self.server).bodies.append((self.path, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name there
        """Nothing."""


@contextmanager
def collecting() -> Generator[Collector]:
    """One that runs in a thread of this process."""
    with Collector() as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        try:
            yield collector
        finally:
            collector.shutdown()


def calls_in(path: str, body: bytes) -> int:
    """The tool calls in one export: server spans of OTLP, or the transactions of Sentry's envelopes."""
    if path.endswith("/envelope/"):
        return _calls_in_envelope(body)
    if not path.endswith("/traces"):
        return 0
    if body.startswith(b"{"):
        return _calls_in_json(json.loads(body))
    spans = (
        span
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )
    return sum(span.kind == _SERVER and span.name.startswith(_CALL) for span in spans)


def _calls_in_json(value: Any) -> int:
    """Of JSON that is about OTLP: peers write kinds and names in their own ways, but a span of each call."""
    return sum(
        _CALL in json.dumps(span)
        for resource in value.get("resourceSpans", ())
        for scope in resource.get("scopeSpans", ())
        for span in scope.get("spans", ())
    )


def _calls_in_envelope(body: bytes) -> int:
    """A transaction is one call, or a request with spans of calls in it."""
    found = 0
    for line in body.split(b"\n"):
        if not line.startswith(b'{"'):
            continue
        item = cast("Mapping[str, Any]", json.loads(line))
        spans = [item.get("contexts", {}).get("trace", {}), *item.get("spans", ())]
        found += sum(span.get("op") == "mcp.server" for span in spans)
    return found
