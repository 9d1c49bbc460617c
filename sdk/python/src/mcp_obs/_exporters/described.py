"""Exporters that a configuration file describes: made by OpenTelemetry, they leave a collector alone that fails."""

from collections.abc import Sequence
from copy import copy
from typing import Any

from opentelemetry.configuration._logger_provider import (  # pyright: ignore[reportMissingTypeStubs]
    _create_log_record_exporter,  # pyright: ignore[reportPrivateUsage]  no public interface makes a single exporter
)
from opentelemetry.configuration._meter_provider import (  # pyright: ignore[reportMissingTypeStubs]
    _create_push_metric_exporter,  # pyright: ignore[reportPrivateUsage]
)
from opentelemetry.configuration._tracer_provider import (  # pyright: ignore[reportMissingTypeStubs]
    _create_span_exporter,  # pyright: ignore[reportPrivateUsage]
)
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from mcp_obs._exporters.attempts import Attempts
from mcp_obs._exporters.resting import RestingExporter, RestingMetricExporter, RestingSpanExporter

# The entry point of the exporters below (pyproject.toml).
_NAME = "mcp_obs_resting"


def let_rest(exporter: Any, made: list[Attempts[Any]]) -> None:
    """Have OpenTelemetry make one of ours for what the file says of an OTLP exporter; it is added to `made`."""
    described = copy(exporter)
    exporter.otlp_http = exporter.otlp_grpc = None
    exporter.additional_properties = {_NAME: {"described": described, "made": made}}


def span_exporter(described: Any, made: list[Attempts[Any]]) -> RestingSpanExporter:
    """Sends spans."""
    return RestingSpanExporter(_attempts("span", _create_span_exporter, described, made))


def metric_exporter(described: Any, made: list[Attempts[Any]]) -> RestingMetricExporter:
    """Sends metrics."""
    return RestingMetricExporter(_attempts("metric", _create_push_metric_exporter, described, made))


def log_exporter(described: Any, made: list[Attempts[Any]]) -> "RestingLogExporter":
    """Sends log records."""
    return RestingLogExporter(_attempts("log", _create_log_record_exporter, described, made))


class RestingLogExporter(RestingExporter[LogRecordExporter], LogRecordExporter):
    """Sends log records, or drops them; its processor is to hand it none while it rests."""

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Send them."""
        is_well = self.attempts.attempt(
            lambda exporter: exporter.export(batch) is LogRecordExportResult.SUCCESS
        )
        return LogRecordExportResult.SUCCESS if is_well else LogRecordExportResult.FAILURE


def _attempts(signal: str, create: Any, described: Any, made: list[Attempts[Any]]) -> Attempts[Any]:
    has_threads = described.otlp_grpc is not None
    # OpenTelemetry's names (semantic conventions, otel.component.type).
    kind = f"otlp_{'grpc' if has_threads else 'http'}_{signal}_exporter"
    made.append(Attempts(lambda: create(described), kind, has_threads=has_threads))
    return made[-1]
