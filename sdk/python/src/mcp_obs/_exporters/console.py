"""For trying out: what would be sent is written to standard error, as standard output belongs to MCP."""

import os
import sys
from typing import Any

from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter

from mcp_obs._configuration import Configuration
from mcp_obs._metrics.exporter import metric_interval


class StderrSpanExporter(ConsoleSpanExporter):
    """Writes spans as JSON."""

    def __init__(self) -> None:
        super().__init__(out=sys.stderr)  # pyright: ignore[reportUnknownMemberType]


class StderrMetricExporter(ConsoleMetricExporter):
    """Writes metrics as JSON."""

    def __init__(self, **preferences: Any) -> None:
        super().__init__(out=sys.stderr, **preferences)  # pyright: ignore[reportUnknownMemberType]


class StderrLogRecordExporter(ConsoleLogRecordExporter):
    """Writes log records as JSON."""

    def __init__(self) -> None:
        super().__init__(out=sys.stderr)  # pyright: ignore[reportUnknownMemberType]


def span_exporter(configuration: Configuration) -> SpanExporter:
    """Writes spans."""
    return StderrSpanExporter()


def metric_reader(configuration: Configuration) -> MetricReader:
    """Writes metrics."""
    return PeriodicExportingMetricReader(
        StderrMetricExporter(), export_interval_millis=metric_interval(os.environ) * 1000
    )
