"""What fuzzing begins with: what OpenTelemetry's own exporters write, and the exports that the tests stand on."""

import gzip
from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind

from bombs import members, zeros
from mcp_obs_server.ingest.signal import Signal
from mcp_obs_server.ingest.signals import SIGNALS
from otlp_exports import NOW, SECOND, counter, export, logs_export, metrics_export
from otlp_ways import HTTP_JSON, HTTP_PROTOBUF

_LINK = Link(SpanContext(trace_id=1, span_id=2, is_remote=True), {"because": "it was before"})


def bodies() -> Iterator[tuple[Signal, bytes, bool]]:
    """Each with its signal, in protobuf and as JSON."""
    for request in (_exported(), export(2), logs_export(2, attributes={"prompt": "hello"}), _metrics()):
        yield signal_of(request), HTTP_PROTOBUF.encode(request), False
        yield signal_of(request), HTTP_JSON.encode(request), True


def zipped() -> Iterator[bytes]:
    """The bodies in gzip of every kind, and bombs."""
    for number, (_, body, _) in enumerate(bodies()):
        half = len(body) // 2
        yield gzip.compress(body, number)
        yield gzip.compress(body[:half]) + gzip.compress(body[half:])
    yield gzip.compress(b"") * 1025
    yield zeros(4)
    yield members(2)


def signal_of(request: Message) -> Signal:
    """The signal that it is a request of."""
    return next(each for each in SIGNALS if isinstance(request, each.request))


def _exported() -> Message:
    """A span with all that one can have, as the Python SDK writes it."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    attributes: Any = {
        "gen_ai.tool.name": "search",
        "mcp.method.name": "tools/call",
        "sizes": [1, 2],
        "ratio": 0.5,
    }
    tracer = provider.get_tracer("fuzz", "1")
    span = tracer.start_span(
        "tools/call search", None, SpanKind.SERVER, attributes, [_LINK], NOW - 2 * SECOND
    )
    span.add_event("progress", {"done": True}, NOW - SECOND)
    span.record_exception(ValueError("no such note"), timestamp=NOW - SECOND)
    span.end(NOW)
    return encode_spans(memory.get_finished_spans())


def _metrics() -> Message:
    """A metric of every kind."""
    kinds: dict[str, dict[str, Any]] = {
        "gauge": {"as_double": 0.5},
        "histogram": {"count": 3, "sum": 4.0, "bucket_counts": [1, 2], "explicit_bounds": [1.0]},
        "exponential_histogram": {
            "count": 3,
            "sum": 4.0,
            "scale": 2,
            "zero_count": 1,
            "positive": {"offset": -1, "bucket_counts": [1, 1]},
        },
        "summary": {"count": 3, "sum": 4.0, "quantile_values": [{"quantile": 0.5, "value": 1.0}]},
    }
    metrics = [counter({NOW: 1}, attributes={"error.type": "timeout"})]
    for kind, fields in kinds.items():
        metric = Metric(name=kind, unit="s")
        getattr(metric, kind).data_points.add(time_unix_nano=NOW, start_time_unix_nano=NOW - SECOND, **fields)
        metrics.append(metric)
    return metrics_export(*metrics)
