"""The lean way from an operation to the collector."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import Histogram
from opentelemetry.trace import Span, SpanContext, TraceFlags, TraceState

from mcp_obs._configuration import Configuration
from mcp_obs._durations import timed_as
from mcp_obs._guard import Guard
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope, RecordDuration, SpanEncoder
from mcp_obs._lean.exporter import OperationExporter
from mcp_obs._lean.operation_span import OperationSpan
from mcp_obs._lean.random_ids import new_span_id, new_trace_id
from mcp_obs._lean.sender import Sender
from mcp_obs._message import Message
from mcp_obs._parent import Parent
from mcp_obs._resource import resource_of
from mcp_obs._telemetry import RELEASE, SCOPE, durations_of

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_NO_STATE = TraceState()

_shutting_down = Guard("shutting down its exporters")


class LeanTelemetry:
    """Records every operation; whether its trace is sampled is handed on as the caller set it."""

    def __init__(
        self,
        put: Callable[[OperationSpan], None],
        trace_id: Callable[[], int] = new_trace_id,
        span_id: Callable[[], int] = new_span_id,
    ) -> None:
        self._put = put
        self._trace_id = trace_id
        self._span_id = span_id

    def start(self, message: Message, parent: Parent) -> Span:
        """A record in the place of a span."""
        above = trace.get_current_span(parent.context).get_span_context()
        if above.is_valid:
            context = SpanContext(
                above.trace_id, self._span_id(), False, above.trace_flags, above.trace_state
            )
            return OperationSpan(message, context, above, parent.links, self._put)
        context = SpanContext(self._trace_id(), self._span_id(), False, _SAMPLED, _NO_STATE)
        return OperationSpan(message, context, None, parent.links, self._put)

    def answered(self, span: Span, result: Mapping[str, Any]) -> None:
        """Keep the result until the exporter has measured it."""
        if isinstance(span, OperationSpan):
            span.result = result

    def took(
        self, span: Span, seconds: float, message: Message, late: Mapping[str, Any], context: Context
    ) -> None:
        """Keep it until the exporter records it."""
        if isinstance(span, OperationSpan):
            span.seconds, span.late = seconds, late


def recorder(durations: Histogram) -> RecordDuration:
    """Records what is a latency sample."""

    def record(seconds: float, attributes: Mapping[str, Any]) -> None:
        timed = timed_as(attributes)
        if timed is not None:
            durations.record(seconds, timed)

    return record


class LeanPipeline:
    """Sends operations, and with metrics their durations, to one endpoint."""

    def __init__(self, configuration: Configuration) -> None:
        resource = resource_of(configuration)
        self._meters = None
        record = None
        if configuration.metrics:
            from mcp_obs._providers import meter_provider  # noqa: PLC0415  0.2 s that few need

            self._meters = meter_provider(configuration, resource)
            record = recorder(durations_of(self._meters))
        url = configuration.url("traces")
        assert url is not None
        self._exporter = OperationExporter(
            SpanEncoder(record),
            Envelope(resource, SCOPE, RELEASE),
            Sender(url, configuration.headers()),
            CircuitBreaker(),
        )
        self.telemetry = LeanTelemetry(self._exporter.put)

    def shutdown(self, seconds: float) -> None:
        """Send what is queued, for at most about `seconds`. Later calls do nothing."""
        deadline = time.monotonic() + seconds
        with _shutting_down:
            self._exporter.shutdown(seconds)
        if self._meters is not None:
            meters, self._meters = self._meters, None
            with _shutting_down:
                meters.shutdown(timeout_millis=max(100.0, (deadline - time.monotonic()) * 1000))
