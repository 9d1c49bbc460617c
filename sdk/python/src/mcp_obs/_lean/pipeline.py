"""The lean way from an operation to the collector."""

import os
import time
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind

from mcp_obs._configuration import Configuration
from mcp_obs._details import Details
from mcp_obs._ending import Ending
from mcp_obs._guard import Guard
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.end_decision import EndDecision
from mcp_obs._lean.export_counts import OBSERVED
from mcp_obs._lean.exporter import OperationExporter
from mcp_obs._lean.operation_span import OperationSpan
from mcp_obs._lean.sender import Sender
from mcp_obs._lean.tracer import LightTracer
from mcp_obs._message import Message
from mcp_obs._metrics.categories import NONE
from mcp_obs._metrics.exporter import MetricExporter, metric_interval
from mcp_obs._metrics.figures import Figure
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._metrics.light_meter import light_meter
from mcp_obs._metrics.process import PROCESS, process_figures
from mcp_obs._metrics.sessions import end_sessions
from mcp_obs._parent import Parent
from mcp_obs._resource import resource_of
from mcp_obs._telemetry import RELEASE, SCOPE

# Of an exit's time, where spans need all that they may have.
METRICS_SECONDS = 0.1

_shutting_down = Guard("shutting down its exporters")


class LeanTelemetry:
    """Records with light spans, and counts what is wanted: nothing without `metrics`."""

    def __init__(
        self, tracer: LightTracer, metrics: LeanMetrics | None = None, details: Details | None = None
    ) -> None:
        self.details = details or Details()
        self.tracer = tracer
        self.metrics = metrics or LeanMetrics(NONE)
        self.meter = light_meter(self.metrics)
        starter = tracer.starter(self.details)
        self.start_at_once = starter.start if starter is not None else None

    def start(self, message: Message, parent: Parent, kind: SpanKind = SpanKind.SERVER) -> Span:
        """A record in the place of a span."""
        return self.tracer.operation(message, parent, kind, self.details)

    def answered(self, span: Span, message: Message, result: Mapping[str, Any]) -> None:
        """Keep the result until the exporter has described it."""
        if isinstance(span, OperationSpan):
            span.result = result

    def ended(self, span: Span, seconds: float, message: Message, ending: Ending, context: Context) -> None:
        """Keep it until the exporter writes and records it."""
        if isinstance(span, OperationSpan):
            span.seconds, span.ending = None if message.is_outbound else seconds, ending
            message.let_request_go()


class LeanPipeline:
    """Sends operations, and the wanted metrics, to one endpoint."""

    def __init__(self, configuration: Configuration) -> None:
        envelope = Envelope(resource_of(configuration), SCOPE, RELEASE)
        metrics = LeanMetrics(configuration.metrics)
        sampler = configuration.sampler
        self._exporter = OperationExporter(
            SpanEncoder(metrics),
            envelope,
            Sender(_url(configuration, "traces"), configuration.headers()),
            CircuitBreaker(),
            EndDecision(sampler) if sampler is not None and sampler.decides_at_end else None,
            metrics,
        )
        self._metrics = MetricExporter(
            metrics,
            envelope,
            Sender(_url(configuration, "metrics"), configuration.headers()),
            CircuitBreaker(),
            metric_interval(os.environ),
        )
        self.telemetry = LeanTelemetry(
            LightTracer(self._exporter.put, sampler=sampler),
            metrics,
            Details(configuration.privacy, configuration.users),
        )
        metrics.observe_figures(PROCESS, process_figures)
        metrics.observe_figures(OBSERVED, self._figures)

    def _figures(self) -> Iterable[Figure]:
        return chain(self._exporter.counts.figures(), self._metrics.counts.figures())

    def shutdown(self, seconds: float) -> None:
        """Send what is queued, for at most about `seconds`. Later calls do nothing."""
        deadline = time.monotonic() + seconds
        with _shutting_down:
            end_sessions()
        with _shutting_down:
            self._exporter.shutdown(seconds - METRICS_SECONDS)
        # What has been encoded by now has been counted.
        with _shutting_down:
            self._metrics.shutdown(max(METRICS_SECONDS, deadline - time.monotonic()))


def _url(configuration: Configuration, signal: str) -> str:
    url = configuration.url(signal)
    assert url is not None
    return url
