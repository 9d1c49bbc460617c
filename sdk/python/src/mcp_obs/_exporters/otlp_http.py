"""OTLP over HTTP, by the OpenTelemetry SDK."""

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader
from opentelemetry.sdk.trace.export import SpanExporter

from mcp_obs._configuration import Configuration
from mcp_obs._exporters.attempts import Attempts
from mcp_obs._exporters.resting import RestingReader, RestingSpanExporter
from mcp_obs._lean.export_counts import METRIC_EXPORTER, SPAN_EXPORTER


def span_exporter(configuration: Configuration) -> SpanExporter:
    """Sends spans."""

    def make() -> SpanExporter:
        return OTLPSpanExporter(
            endpoint=configuration.url("traces"),
            headers=configuration.headers(),
            compression=Compression.Gzip,
        )

    return RestingSpanExporter(Attempts(make, SPAN_EXPORTER))


def metric_reader(configuration: Configuration) -> MetricReader:
    """Sends metrics."""

    def make() -> MetricExporter:
        return OTLPMetricExporter(
            endpoint=configuration.url("metrics"),
            headers=configuration.headers(),
            compression=Compression.Gzip,
        )

    return RestingReader(Attempts(make, METRIC_EXPORTER))
