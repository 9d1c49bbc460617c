"""OTLP over HTTP, by the OpenTelemetry SDK."""

import os

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader
from opentelemetry.sdk.trace.export import SpanExporter

from mcp_obs._configuration import Configuration
from mcp_obs._exporters.attempts import Attempts
from mcp_obs._exporters.resting import RestingReader, RestingSpanExporter
from mcp_obs._http_session import HttpSession
from mcp_obs._lean.export_counts import METRIC_EXPORTER, SPAN_EXPORTER

_CREDENTIAL_PROVIDER = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER"


def span_exporter(configuration: Configuration) -> SpanExporter:
    """Sends spans."""

    def make() -> SpanExporter:
        return OTLPSpanExporter(
            endpoint=configuration.url("traces"),
            headers=configuration.headers(),
            compression=Compression.Gzip,
            session=_session("OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER"),
        )

    return RestingSpanExporter(Attempts(make, SPAN_EXPORTER))


def metric_reader(configuration: Configuration) -> MetricReader:
    """Sends metrics."""

    def make() -> MetricExporter:
        return OTLPMetricExporter(
            endpoint=configuration.url("metrics"),
            headers=configuration.headers(),
            compression=Compression.Gzip,
            session=_session("OTEL_PYTHON_EXPORTER_OTLP_HTTP_METRICS_CREDENTIAL_PROVIDER"),
        )

    return RestingReader(Attempts(make, METRIC_EXPORTER))


def _session(of_the_signal: str) -> HttpSession | None:
    """None where one of the host's own is named, which OpenTelemetry's exporter looks for itself."""
    is_of_the_host = os.environ.get(_CREDENTIAL_PROVIDER) or os.environ.get(of_the_signal)
    return None if is_of_the_host else HttpSession()
