"""Private OpenTelemetry providers: the host's global ones stay as they are."""

import os
import time

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.environment_variables import OTEL_BSP_SCHEDULE_DELAY
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, ParentBased, Sampler, StaticSampler

from mcp_obs import sampling
from mcp_obs._configuration import Configuration
from mcp_obs._details import Details
from mcp_obs._guard import Guard, logger
from mcp_obs._metrics.exporter import metric_interval
from mcp_obs._metrics.process import observe_process
from mcp_obs._metrics.sessions import end_sessions
from mcp_obs._resource import resource_of
from mcp_obs._sdk_sampling import EndDecidingProcessor, OperationSampler
from mcp_obs._telemetry import RELEASE, SCOPE, OpenTelemetry

# A dashboard should show a call about when it happened; the OpenTelemetry SDK would wait 5 s.
EXPORT_INTERVAL_MILLIS = 1000

# Every operation is recorded; only the flag that is handed on to the host's spans stays as the caller set it.
_RECORDED = StaticSampler(Decision.RECORD_ONLY)
EVERY_OPERATION = ParentBased(
    ALWAYS_ON, remote_parent_not_sampled=_RECORDED, local_parent_not_sampled=_RECORDED
)

_shutting_down = Guard("shutting down its exporters")


class Providers:
    """A tracer provider and, when metrics are on, a meter provider."""

    def __init__(self, configuration: Configuration) -> None:
        resource = resource_of(configuration)
        self._processor = OperationSpanProcessor(
            OTLPSpanExporter(
                endpoint=configuration.url("traces"),
                headers=configuration.headers(),
                compression=Compression.Gzip,
            ),
            schedule_delay_millis=None if OTEL_BSP_SCHEDULE_DELAY in os.environ else EXPORT_INTERVAL_MILLIS,
        )
        self._traces = TracerProvider(_sampler(configuration.sampler), resource, shutdown_on_exit=False)
        processor: SpanProcessor = self._processor
        if configuration.sampler is not None and configuration.sampler.decides_at_end:
            processor = EndDecidingProcessor(configuration.sampler, processor)
        self._traces.add_span_processor(processor)
        self._meters = meter_provider(configuration, resource) if configuration.metrics else None
        self.telemetry = OpenTelemetry(
            self._traces,
            self._meters or NoOpMeterProvider(),
            Details(configuration.privacy, configuration.users),
            configuration.metrics,
        )

    def shutdown(self, seconds: float) -> None:
        """Send what is queued, for at most about `seconds`. Later calls do nothing."""
        deadline = time.monotonic() + seconds
        with _shutting_down:
            end_sessions()
        with _shutting_down:
            self._processor.shutdown_within(seconds)
        if self._meters is not None:
            meters, self._meters = self._meters, None
            with _shutting_down:
                meters.shutdown(timeout_millis=max(100.0, (deadline - time.monotonic()) * 1000))


def _sampler(sampler: sampling.Sampler | None) -> Sampler | None:
    if sampler is not None:
        return OperationSampler(sampler)
    return None if sampling.is_foreign(os.environ) else EVERY_OPERATION


class OperationSpanProcessor(BatchSpanProcessor):
    """A batch processor that sends every recorded span, and whose shutdown has a bound of the caller's choice.

    BatchSpanProcessor leaves out spans of unsampled traces, and its shutdown waits up to 30 s for a
    collector that does not answer.
    """

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span."""
        batches = getattr(self, "_batch_processor", None)
        if batches is None:
            super().on_end(span)
            return
        batches.emit(span)

    def shutdown_within(self, seconds: float) -> None:
        """Send what is queued, for at most `seconds`."""
        batches = getattr(self, "_batch_processor", None)
        if batches is None:
            logger.warning(
                "mcp-obs does not know this opentelemetry-sdk: a dead collector may delay process exit by 30 s"
            )
            self.shutdown()
            return
        batches.shutdown(timeout_millis=seconds * 1000)


def meter_provider(configuration: Configuration, resource: Resource) -> MeterProvider:
    """Sends the wanted metrics."""
    exporter = OTLPMetricExporter(
        endpoint=configuration.url("metrics"),
        headers=configuration.headers(),
        compression=Compression.Gzip,
    )
    reader = PeriodicExportingMetricReader(
        exporter, export_interval_millis=metric_interval(os.environ) * 1000
    )
    meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    observe_process(meters.get_meter(SCOPE, RELEASE), configuration.metrics)
    return meters
