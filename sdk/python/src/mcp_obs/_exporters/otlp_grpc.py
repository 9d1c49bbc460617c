"""OTLP over gRPC, by the OpenTelemetry SDK; `pip install 'mcp-obs[grpc]'`."""

from grpc import Compression
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader
from opentelemetry.sdk.trace.export import SpanExporter

from mcp_obs._configuration import Configuration
from mcp_obs._exporters.attempts import Attempts
from mcp_obs._exporters.resting import RestingReader, RestingSpanExporter

# OpenTelemetry's names (semantic conventions, otel.component.type).
SPANS, METRICS = "otlp_grpc_span_exporter", "otlp_grpc_metric_exporter"


def span_exporter(configuration: Configuration) -> SpanExporter:
    """Sends spans."""

    def make() -> SpanExporter:
        return OTLPSpanExporter(
            endpoint=configuration.endpoint,
            headers=configuration.headers() or None,
            compression=Compression.Gzip,
        )

    return RestingSpanExporter(Attempts(make, SPANS, has_threads=True))


def metric_reader(configuration: Configuration) -> MetricReader:
    """Sends metrics."""

    def make() -> MetricExporter:
        return OTLPMetricExporter(
            endpoint=configuration.endpoint,
            headers=configuration.headers() or None,
            compression=Compression.Gzip,
        )

    return RestingReader(Attempts(make, METRICS, has_threads=True))
