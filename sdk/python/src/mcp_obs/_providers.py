"""Pipelines of the OpenTelemetry SDK: private providers, or the host's own, which are added to."""

import os
import time
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry.metrics import MeterProvider, NoOpMeterProvider
from opentelemetry.sdk.environment_variables import OTEL_BSP_SCHEDULE_DELAY
from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, StaticSampler
from opentelemetry.trace import ProxyTracerProvider, TracerProvider

from mcp_obs import sampling
from mcp_obs._configuration import Configuration
from mcp_obs._details import Details
from mcp_obs._exit import EXIT_SECONDS
from mcp_obs._exporters.attempts import Attempts, observe_breakers
from mcp_obs._exporters.build import metric_reader, span_exporter
from mcp_obs._exporters.choice import Exporter
from mcp_obs._exporters.resting import RestingReader, RestingSpanExporter, let_wait
from mcp_obs._guard import Guard, WrongSettingError, logger
from mcp_obs._metrics.process import observe_process
from mcp_obs._metrics.sessions import end_sessions
from mcp_obs._resource import resource_of
from mcp_obs._sdk_sampling import EndDecidingProcessor, EveryRoot, OperationSampler
from mcp_obs._shutdown import Shutdown, shut_down
from mcp_obs._telemetry import RELEASE, SCOPE, OpenTelemetry

# A dashboard should show a call about when it happened; the OpenTelemetry SDK would wait 5 s.
EXPORT_INTERVAL_MILLIS = 1000

# Every operation is recorded; the flag that is handed on to the host's spans is the caller's, or else the host's.
_RECORDED = StaticSampler(Decision.RECORD_ONLY)
EVERY_OPERATION = ParentBased(
    EveryRoot(), remote_parent_not_sampled=_RECORDED, local_parent_not_sampled=_RECORDED
)

_shutting_down = Guard("shutting down its exporters")
# A meter makes each instrument once, also for the configuration that replaces the one which asked for it.
_attempts = WeakKeyDictionary[MeterProvider, list[Attempts[Any]]]()


class Providers:
    """A tracer provider and, when metrics are on, a meter provider, with the exporters that are asked for.

    Those of the host, where they are given, keep what they have and get these exporters too, for all that they
    record. Raises WrongSettingError for a provider to which nothing can be added.
    """

    def __init__(
        self,
        configuration: Configuration,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        _refuse_what_can_t_be_added_to(tracer_provider, meter_provider)
        resource = resource_of(configuration)
        of_the_host = tracer_provider is not None
        self._processors = [
            _processor(configuration, each, of_the_host=of_the_host) for each in configuration.exporters.spans
        ]
        wanted = configuration.exporters.metrics if configuration.metrics else ()
        found = [metric_reader(each, configuration) for each in wanted]
        self._readers = [reader for reader in found if reader is not None]
        resting = [each for each in self._readers if isinstance(each, RestingReader)]
        attempts = [each.attempts for each in (*self._processors, *resting)]
        self._attempts = [each for each in attempts if each is not None]
        self.telemetry = OpenTelemetry(
            self._traces(tracer_provider, configuration, resource),
            self._meters(meter_provider, configuration, resource),
            Details(configuration.privacy, configuration.users),
            configuration.metrics,
        )
        self._shutdowns = [Shutdown(each.shutdown_within) for each in self._processors]
        self._shutdowns += [_shutdown_of(each) for each in self._readers]

    def _traces(self, of_the_host: Any, configuration: Configuration, resource: Resource) -> TracerProvider:
        sampler = configuration.sampler
        traces = of_the_host or SdkTracerProvider(_sampler(sampler), resource, shutdown_on_exit=False)
        for processor in self._processors:
            # A provider of the host has a sampler of its own.
            if of_the_host is None and sampler is not None and sampler.decides_at_end:
                traces.add_span_processor(EndDecidingProcessor(sampler, processor))
            else:
                traces.add_span_processor(processor)
        return traces

    def _meters(self, of_the_host: Any, configuration: Configuration, resource: Resource) -> MeterProvider:
        if not configuration.metrics:
            return NoOpMeterProvider()
        if of_the_host is not None:
            for reader in self._readers:
                of_the_host.add_metric_reader(reader)
            self._observe_breakers(of_the_host, configuration)
            return of_the_host
        meters = SdkMeterProvider(self._readers, resource=resource, shutdown_on_exit=False)
        observe_process(meters.get_meter(SCOPE, RELEASE), configuration.metrics)
        self._observe_breakers(meters, configuration)
        return meters

    def _observe_breakers(self, meters: MeterProvider, configuration: Configuration) -> None:
        _attempts[meters] = self._attempts
        meter = meters.get_meter(SCOPE, RELEASE)
        observe_breakers(meter, configuration.metrics, lambda: _attempts.get(meters, ()))

    def shutdown(self, seconds: float) -> None:
        """Send what is queued, for at most about `seconds`. Later calls do nothing."""
        deadline = time.monotonic() + seconds
        with _shutting_down:
            end_sessions()
        shutdowns, self._shutdowns = self._shutdowns, []
        shut_down(shutdowns, deadline - time.monotonic())
        # The host's meter provider goes on.
        self._attempts.clear()


def _refuse_what_can_t_be_added_to(traces: TracerProvider | None, meters: MeterProvider | None) -> None:
    if isinstance(traces, ProxyTracerProvider):
        raise WrongSettingError("The program has set no tracer provider yet: do that first, or pass none")
    if traces is not None and not hasattr(traces, "add_span_processor"):
        raise WrongSettingError("tracer_provider takes no span processors, as that of opentelemetry-sdk does")
    if meters is not None and not hasattr(meters, "add_metric_reader"):
        raise WrongSettingError(
            "meter_provider takes no further readers, as that of a new opentelemetry-sdk does"
        )


def _processor(
    configuration: Configuration, exporter: Exporter, *, of_the_host: bool
) -> "BoundedSpanProcessor":
    kind = BoundedSpanProcessor if of_the_host else OperationSpanProcessor
    interval = None if OTEL_BSP_SCHEDULE_DELAY in os.environ else EXPORT_INTERVAL_MILLIS
    return kind(span_exporter(exporter, configuration), schedule_delay_millis=interval)


def _shutdown_of(reader: MetricReader) -> Shutdown:
    return Shutdown(
        lambda seconds: reader.shutdown(  # pyright: ignore[reportUnknownMemberType]
            timeout_millis=seconds * 1000
        )
    )


def _sampler(sampler: sampling.Sampler | None) -> Sampler | None:
    if sampler is not None:
        return OperationSampler(sampler)
    return None if sampling.is_foreign(os.environ) else EVERY_OPERATION


class BoundedSpanProcessor(BatchSpanProcessor):
    """A batch processor whose shutdown has a bound of the caller's choice, or of the exit's.

    That of BatchSpanProcessor waits up to 30 s for a collector that does not answer. While a collector is left alone,
    spans wait in the queue, whose length OTEL_BSP_MAX_QUEUE_SIZE bounds: the exporter would drop them.
    """

    _is_over = False

    def __init__(self, exporter: SpanExporter, schedule_delay_millis: float | None) -> None:
        super().__init__(exporter, schedule_delay_millis=schedule_delay_millis)
        self.attempts = exporter.attempts if isinstance(exporter, RestingSpanExporter) else None
        let_wait(self)

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span; the host's provider goes on after the shutdown."""
        if not self._is_over:
            super().on_end(span)

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Send what is queued. The host's provider asks no other processor when one says that it could not."""
        return self._is_over or super().force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Send what is queued, for no longer than an exit may take: the host's provider calls this."""
        self.shutdown_within(EXIT_SECONDS)

    def shutdown_within(self, seconds: float) -> None:
        """Send what is queued, for at most `seconds`."""
        self._is_over = True
        if self.attempts is not None:
            self.attempts.hurry()
        batches = getattr(self, "_batch_processor", None)
        if batches is None:
            logger.warning(
                "mcp-obs does not know this opentelemetry-sdk: a dead collector may delay process exit by 30 s"
            )
            super().shutdown()
            return
        batches.shutdown(timeout_millis=seconds * 1000)


class OperationSpanProcessor(BoundedSpanProcessor):
    """Sends every recorded span: BatchSpanProcessor leaves out those of unsampled traces."""

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span."""
        batches = getattr(self, "_batch_processor", None)
        if batches is None:
            super().on_end(span)
        elif not self._is_over:
            batches.emit(span)
