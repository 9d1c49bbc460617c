"""The lean way from an operation to the collector."""

import time
from collections.abc import Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, MeterProvider
from opentelemetry.trace import Span, SpanKind

from mcp_obs._configuration import Configuration
from mcp_obs._details import Details
from mcp_obs._durations import timed_as
from mcp_obs._guard import Guard
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope, RecordDuration, SpanEncoder
from mcp_obs._lean.exporter import OperationExporter
from mcp_obs._lean.operation_span import OperationSpan
from mcp_obs._lean.sender import Sender
from mcp_obs._lean.tracer import LightTracer
from mcp_obs._message import Message
from mcp_obs._parent import Parent
from mcp_obs._resource import resource_of
from mcp_obs._telemetry import RELEASE, SCOPE, durations_of, meter_of

_shutting_down = Guard("shutting down its exporters")


class LeanTelemetry:
    """Records with light spans; without a meter provider nothing is counted."""

    def __init__(
        self, tracer: LightTracer, meters: MeterProvider | None = None, details: Details | None = None
    ) -> None:
        self.details = details or Details()
        self.tracer = tracer
        self.meter = meter_of(meters)

    def start(self, message: Message, parent: Parent, kind: SpanKind = SpanKind.SERVER) -> Span:
        """A record in the place of a span."""
        return self.tracer.operation(message, parent, kind, self.details)

    def answered(self, span: Span, message: Message, result: Mapping[str, Any]) -> None:
        """Keep the result until the exporter has described it."""
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
        self.telemetry = LeanTelemetry(
            LightTracer(self._exporter.put), self._meters, Details(configuration.privacy)
        )

    def shutdown(self, seconds: float) -> None:
        """Send what is queued, for at most about `seconds`. Later calls do nothing."""
        deadline = time.monotonic() + seconds
        with _shutting_down:
            self._exporter.shutdown(seconds)
        if self._meters is not None:
            meters, self._meters = self._meters, None
            with _shutting_down:
                meters.shutdown(timeout_millis=max(100.0, (deadline - time.monotonic()) * 1000))
