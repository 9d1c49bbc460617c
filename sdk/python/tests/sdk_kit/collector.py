"""An OTLP/HTTP collector that a test can make answer, refuse or hang."""

import gzip
import socketserver
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from mcp_obs.testing import Point
from mcp_obs.testing._reading import read_points, read_spans

_WEIGHT = "mcp_obs.sampling.weight"
POLL_SECONDS = 0.01
"""How long a server takes to notice that it is over; half a second if it is not told."""


@dataclass
class Collector:
    """What has been received at `url`."""

    url: str
    status: int = 200
    statuses: dict[str, int] = field(default_factory=dict[str, int])
    """Of the paths that are answered otherwise."""
    answer: bytes = b""
    """What is said with it: the message of OTLP that means that all was taken is empty."""
    most_bytes: int | None = None
    """Of a request, inflated; larger ones are answered 413 and not kept."""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list[tuple[str, dict[str, str]]])
    bodies: list[bytes] = field(default_factory=list[bytes])
    """As they were before they were packed."""
    ports: list[int] = field(default_factory=list[int])
    """Of the connections that the requests came on."""
    gone: list[int] = field(default_factory=list[int])
    """Of those that have ended."""
    spans: list[str] = field(default_factory=list[str])
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Of the last span of each name."""
    weights: list[tuple[str, float | None]] = field(default_factory=list[tuple[str, float | None]])
    """Of how many operations each span says that it stands for them."""
    resources: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    points: list[list[Point]] = field(default_factory=list[list[Point]])
    """Of each export of metrics."""
    arrived: threading.Condition = field(default_factory=threading.Condition)
    released: threading.Event = field(default_factory=threading.Event)

    def leave(self, port: int) -> None:
        """A connection has ended."""
        with self.arrived:
            self.gone.append(port)
            self.arrived.notify_all()

    def wait_for_all_to_leave(self, seconds: float = 60) -> None:
        """Until every connection that a request came on has ended."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: set(self.ports) <= set(self.gone), seconds), self.ports

    def take(self, port: int, path: str, headers: dict[str, str], body: bytes) -> None:
        """Keep one request."""
        with self.arrived:
            self.ports.append(port)
            self.bodies.append(body)
            self.requests.append((path, headers))
            if path == "/v1/traces":
                self._take_spans(body)
            elif path == "/v1/metrics":
                self._take_points(body)
            self.arrived.notify_all()

    def _take_spans(self, body: bytes) -> None:
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
            attributes = resource_spans.resource.attributes
            self.resources.append({one.key: one.value.string_value for one in attributes})
            for span in read_spans(body):
                self.attributes[span.name] = span.attributes
            for span in (span for scope in resource_spans.scope_spans for span in scope.spans):
                self.spans.append(span.name)
                weights = [one.value.double_value for one in span.attributes if one.key == _WEIGHT]
                self.weights.append((span.name, weights[0] if weights else None))

    def _take_points(self, body: bytes) -> None:
        self.points.append(list(read_points(body)))
        for resource_metrics in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            attributes = resource_metrics.resource.attributes
            self.resources.append({one.key: one.value.string_value for one in attributes})

    def wait_for_points(self, metric: str, value: float, seconds: float = 60) -> None:
        """Until an export has said that value of a metric."""

        self.wait_for_point(lambda point: point.metric == metric and point.value == value, seconds)

    def wait_for_point(self, is_wanted: Callable[[Point], bool], seconds: float = 60) -> None:
        """Until an export has had a point like that."""
        with self.arrived:
            found = self.arrived.wait_for(
                lambda: any(is_wanted(point) for points in self.points for point in points), seconds
            )
            assert found, self.points

    def wait_for(self, *names: str, seconds: float = 60) -> None:
        """Until spans of all these names have come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: set(names) <= set(self.spans), seconds), self.spans

    def wait_for_request(self, seconds: float = 60) -> None:
        """Until anything has come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: self.requests, seconds)


@contextmanager
def collecting(status: int = 200, *, hung: bool = False) -> Generator[Collector]:
    """A collector that answers `status`, or keeps every request waiting."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            is_small = collector.most_bytes is None or len(body) <= collector.most_bytes
            # A test that is told of the request may change what the next one is answered.
            status = collector.statuses.get(self.path, collector.status) if is_small else 413
            answer = collector.answer
            if is_small:
                headers = {key.lower(): value for key, value in self.headers.items()}
                collector.take(self.client_address[1], self.path, headers, body)
            if hung:
                collector.released.wait(60)
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def finish(self) -> None:
            super().finish()
            collector.leave(self.client_address[1])

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that gave up waiting

    with Server(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_address[1]}", status)
        threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()
        try:
            yield collector
        finally:
            collector.released.set()
            server.shutdown()


@contextmanager
def speaking_no_http() -> Generator[str]:
    """A port that answers whatever comes with what is no HTTP; yields its URL."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1)
            self.request.sendall(b"\x00\xffGARBAGE\r\n\r\n" * 100)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
