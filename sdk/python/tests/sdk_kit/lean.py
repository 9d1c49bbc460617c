"""Parts of the lean way by themselves: spans that end, and an exporter."""

from collections.abc import Callable
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanContext

from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.exporter import OperationExporter
from mcp_obs._lean.operation_span import OperationSpan
from mcp_obs._lean.sender import Sender
from mcp_obs._message import Message
from mcp_obs._metrics.lean_metrics import LeanMetrics


def lean_span(on_end: Callable[[OperationSpan], None], method: str = "ping") -> OperationSpan:
    """The span of an operation under way."""
    ids = SpanContext(1, 2, is_remote=False)
    return OperationSpan(Message(method, None, 1, None, None, None), ids, None, (), on_end)


def first_span(body: bytes) -> Any:
    """The first span of an export."""
    return ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans[0]


def exporting(url: str, metrics: LeanMetrics | None = None) -> OperationExporter:
    """Sends to a collector."""
    return OperationExporter(
        SpanEncoder(metrics),
        Envelope(Resource({}), "mcp_obs", "1"),
        Sender(f"{url}/v1/traces", {}),
        CircuitBreaker(draw=lambda: 0.0),
    )


def ended_span(method: str) -> OperationSpan:
    """That of one that is over."""
    ended: list[OperationSpan] = []
    lean_span(ended.append, method).end()
    return ended[0]
