"""Exporters for the OpenTelemetry SDK's pipeline that leave a collector alone while it fails."""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic

from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from mcp_obs._exporters.attempts import AnExporter, Attempts
from mcp_obs._exporters.forks import Gate
from mcp_obs._forked_child import call_in_children
from mcp_obs._metrics.exporter import metric_interval


class RestingExporter(Generic[AnExporter]):
    """What those of spans and of log records have in common."""

    def __init__(self, attempts: Attempts[AnExporter]) -> None:
        self.attempts = attempts

    def shutdown(self) -> None:
        """End."""
        self.attempts.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits here."""
        return True


class RestingSpanExporter(RestingExporter[SpanExporter], SpanExporter):
    """Sends spans, or drops them; its processor is to hand it none while it rests."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them, by an attempt that may be repeated within OTEL_EXPORTER_OTLP_TIMEOUT."""
        is_well = self.attempts.attempt(lambda exporter: exporter.export(spans) is SpanExportResult.SUCCESS)
        return SpanExportResult.SUCCESS if is_well else SpanExportResult.FAILURE


class RestingMetricExporter(MetricExporter):
    """Sends metrics, or drops them; its reader is to collect none while it rests."""

    def __init__(self, attempts: Attempts[MetricExporter]) -> None:
        first = attempts.exporter
        super().__init__(first._preferred_temporality, first._preferred_aggregation)
        self.attempts = attempts

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """Send them."""
        is_well = self.attempts.attempt(
            lambda exporter: (
                exporter.export(metrics_data, timeout_millis)  # pyright: ignore[reportUnknownMemberType]
                is MetricExportResult.SUCCESS
            )
        )
        return MetricExportResult.SUCCESS if is_well else MetricExportResult.FAILURE

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """End."""
        self.attempts.shutdown()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing waits here."""
        return True


class RestingReader(PeriodicExportingMetricReader):
    """Reads metrics every OTEL_METRIC_EXPORT_INTERVAL, and has the last ones tried whatever became of those before."""

    def __init__(self, attempts: Attempts[MetricExporter]) -> None:
        interval = metric_interval(os.environ) * 1000
        super().__init__(RestingMetricExporter(attempts), export_interval_millis=interval)
        self.attempts = attempts

    def _set_collect_callback(self, func: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        collect = None if func is None else RestingCollection(self, self.attempts, func)
        super()._set_collect_callback(collect)  # pyright: ignore[reportArgumentType]

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Read and send for the last time."""
        self.attempts.hurry()
        super().shutdown(timeout_millis, **kwargs)  # pyright: ignore[reportUnknownMemberType]


class RestingCollection:
    """Collects for a reader, but nothing while a collector is left alone, as deltas are handed out only once.

    A fork waits for it: a child would find the locks of what is collected from taken for ever.
    """

    def __init__(self, reader: Any, attempts: Attempts[MetricExporter], collect: Callable[..., Any]) -> None:
        self._reader = reader
        self._attempts = attempts
        self._collect = collect
        self._collecting = Gate()
        call_in_children(self._forget)

    def __call__(self, *asked: Any, **more: Any) -> Any:
        """What there is now."""
        if self._attempts.is_resting:
            return None
        with self._collecting.entered():
            return self._collect(*asked, **more)

    def _forget(self) -> None:
        """A forked child has no thread of its parent's that could give the lock of an export back."""
        self._reader._export_lock = threading.Lock()


def let_wait(part: Any) -> None:
    """Have a batch processor or a reader of OpenTelemetry's hand its exporter nothing while that rests."""
    batches: Any = getattr(part, "_batch_processor", part)
    attempts: Attempts[Any] | None = getattr(getattr(batches, "_exporter", None), "attempts", None)
    is_due: Any = getattr(batches, "_should_export_batch", None)
    if attempts is None:
        return
    if hasattr(part, "_set_collect_callback"):
        part._set_collect_callback(RestingCollection(part, attempts, part._collect))
    elif is_due is not None:

        def is_due_now(*asked: Any) -> bool:
            return not attempts.is_resting and is_due(*asked)

        batches._should_export_batch = is_due_now
