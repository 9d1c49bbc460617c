"""OTLP over gRPC, by the OpenTelemetry SDK; `pip install 'mcp-obs[grpc]'`."""

import os

from grpc import Compression
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.trace.export import SpanExporter

from mcp_obs._configuration import Configuration
from mcp_obs._metrics.exporter import metric_interval


def span_exporter(configuration: Configuration) -> SpanExporter:
    """Sends spans."""
    return OTLPSpanExporter(
        endpoint=configuration.endpoint,
        headers=configuration.headers() or None,
        compression=Compression.Gzip,
    )


def metric_reader(configuration: Configuration) -> MetricReader:
    """Sends metrics."""
    exporter = OTLPMetricExporter(
        endpoint=configuration.endpoint,
        headers=configuration.headers() or None,
        compression=Compression.Gzip,
    )
    return PeriodicExportingMetricReader(exporter, export_interval_millis=metric_interval(os.environ) * 1000)
