"""OTLP over HTTP, by the OpenTelemetry SDK."""

import os

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.trace.export import SpanExporter

from mcp_obs._configuration import Configuration
from mcp_obs._metrics.exporter import metric_interval


def span_exporter(configuration: Configuration) -> SpanExporter:
    """Sends spans."""
    return OTLPSpanExporter(
        endpoint=configuration.url("traces"), headers=configuration.headers(), compression=Compression.Gzip
    )


def metric_reader(configuration: Configuration) -> MetricReader:
    """Sends metrics."""
    exporter = OTLPMetricExporter(
        endpoint=configuration.url("metrics"), headers=configuration.headers(), compression=Compression.Gzip
    )
    return PeriodicExportingMetricReader(exporter, export_interval_millis=metric_interval(os.environ) * 1000)
