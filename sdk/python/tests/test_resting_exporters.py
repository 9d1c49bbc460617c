"""Exporters of the OpenTelemetry SDK leave a collector alone that fails, and spans wait meanwhile."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import Counter, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sdk_kit.breakers import STATE, is_state
from sdk_kit.collector import Collector, collecting
from sdk_kit.grpc_collector import collecting_grpc
from sdk_kit.recording import points_of

from mcp_obs._configuration import Configuration, resolve
from mcp_obs._exporters.attempts import Attempts, observe_breakers
from mcp_obs._exporters.choice import Exporter
from mcp_obs._exporters.forks import after_fork, before_fork
from mcp_obs._exporters.resting import RestingReader, RestingSpanExporter
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._metrics.categories import ALL
from mcp_obs._providers import Providers


class Clock:
    """What the breakers go by."""

    now = 0.0

    def __init__(self) -> None:
        self.breakers: list[CircuitBreaker] = []
        self.noted = threading.Condition()

    def breaker(self) -> CircuitBreaker:
        """One that rests a second after the first failure, two after the next."""
        noted = self.noted

        class Breaker(CircuitBreaker):
            def note(self, *, is_well: bool, asked_seconds: float = 0.0) -> None:
                with noted:
                    super().note(is_well=is_well, asked_seconds=asked_seconds)
                    noted.notify_all()

        breaker = Breaker(lambda: self.now, lambda: 1.0)
        self.breakers.append(breaker)
        return breaker

    def wait_until_all_are_open(self) -> None:
        """Until each exporter has failed."""
        with self.noted:
            assert self.noted.wait_for(lambda: all(each.state == "open" for each in self.breakers), 60)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """It stands still until a test moves it; whatever else waits does so for milliseconds."""
    clock = Clock()
    monkeypatch.setattr("mcp_obs._exporters.attempts.CircuitBreaker", clock.breaker)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
    return clock


@pytest.fixture(params=["otlp-http", "otlp-grpc"])
def exporter(request: pytest.FixtureRequest) -> Exporter:
    """Each that sends to a collector."""
    return request.param


@pytest.fixture
def collector(exporter: Exporter) -> Iterator[Collector]:
    """One that understands the exporter."""
    with collecting_grpc() if exporter == "otlp-grpc" else collecting() as collector:
        yield collector


@pytest.fixture
def configuration(exporter: Exporter, collector: Collector) -> Configuration:
    """All spans and metrics go to the collector."""
    found = resolve({}, "key", collector.url, "kit", metrics=True, exporter=exporter)
    assert found is not None
    return found


@pytest.mark.behaviour("export.circuit-breaker", "export.counts")
def test_a_collector_that_refuses_is_left_alone_which_is_a_metric_and_spans_wait_meanwhile(
    configuration: Configuration, exporter: Exporter, collector: Collector, clock: Clock
):
    component = exporter.replace("-", "_") + "_span_exporter"
    collector.statuses["/v1/traces"] = 401
    traces = TracerProvider(shutdown_on_exit=False)
    tracer = traces.get_tracer("of the host")
    providers = Providers(configuration, traces)
    tracer.start_span("refused").end()
    collector.wait_for_point(is_state("open", component))
    del collector.statuses["/v1/traces"]
    tracer.start_span("waited").end()
    assert traces.force_flush()
    assert collector.spans == ["refused"]
    clock.now = 1.0
    collector.wait_for("waited")
    collector.points.clear()
    collector.wait_for_point(is_state("closed", component))
    providers.shutdown(10)
    assert collector.spans == ["refused", "waited"]


@pytest.mark.behaviour("export.circuit-breaker")
def test_at_the_end_all_is_tried_as_there_is_no_later(
    configuration: Configuration, collector: Collector, clock: Clock
):
    collector.status = 401
    providers = Providers(configuration)
    tracer = providers.telemetry.tracer
    tracer.start_span("refused").end()
    clock.wait_until_all_are_open()
    collector.status = 200
    for name in ("first", "second"):
        tracer.start_span(name).end()
    providers.telemetry.metrics.record("mcp.errors", 1)
    providers.shutdown(10)
    assert collector.spans == ["refused", "first", "second"]
    collector.wait_for_points("mcp.errors", 1)


@pytest.mark.behaviour("export.circuit-breaker")
def test_nothing_is_tried_while_a_breaker_is_open_and_once_when_it_is_half_open(clock: Clock):
    tried: list[float] = []

    class Failing(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            tried.append(clock.now)
            return SpanExportResult.FAILURE

    resting = RestingSpanExporter(Attempts[SpanExporter](Failing, "failing"))
    while clock.now < 16:
        assert resting.export([]) is SpanExportResult.FAILURE
        clock.now += 0.5
    assert tried == [0, 1, 3, 7, 15]


@pytest.mark.behaviour("export.circuit-breaker")
def test_an_exporter_that_raises_is_left_alone_too(clock: Clock):
    class Raising(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            raise ConnectionError("always")

    resting = RestingSpanExporter(Attempts[SpanExporter](Raising, "raising"))
    with pytest.raises(ConnectionError):
        resting.export([])
    assert resting.attempts.is_resting
    assert resting.export([]) is SpanExportResult.FAILURE


@pytest.mark.behaviour("export.circuit-breaker")
@pytest.mark.usefixtures("clock")
def test_threads_that_wait_for_a_collector_which_then_fails_leave_it_alone():
    attempts = Attempts[SpanExporter](InMemorySpanExporter, "kit")
    tried: list[str] = []
    coming = threading.Event()

    def come() -> None:
        coming.set()
        attempts.attempt(lambda exporter: bool(tried.append("second")))

    thread = threading.Thread(target=come)

    def fail(exporter: SpanExporter) -> bool:
        tried.append("first")
        thread.start()
        return not coming.wait(60)

    assert not attempts.attempt(fail)
    thread.join()
    assert tried == ["first"]


def test_what_an_export_itself_brings_about_is_not_exported_in_its_course():
    attempts = Attempts[SpanExporter](InMemorySpanExporter, "kit")
    inner: list[bool] = []

    def send(exporter: SpanExporter) -> bool:
        inner.append(attempts.attempt(lambda exporter: True))
        return True

    # In a thread, as it would wait for itself.
    thread = threading.Thread(target=attempts.attempt, args=(send,), daemon=True)
    thread.start()
    thread.join(60)
    assert inner == [False]
    assert attempts.attempt(lambda exporter: True)


@pytest.mark.behaviour("export.counts")
def test_exporters_of_one_kind_are_told_apart_by_number():
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    both = [Attempts[SpanExporter](InMemorySpanExporter, "kit") for _ in range(2)]
    observe_breakers(meters.get_meter("kit"), ALL, lambda: both)
    both[1].attempt(lambda exporter: False)
    points = points_of(reader)
    assert any(is_state("closed", "kit")(point) for point in points)
    assert any(is_state("open", "kit", number=1)(point) for point in points)
    meters.shutdown()


class Taking(MetricExporter):
    """Keeps the values of what is exported."""

    def __init__(self, temporality: AggregationTemporality = AggregationTemporality.CUMULATIVE) -> None:
        super().__init__({Counter: temporality})
        self.taken: list[Any] = []

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        self.taken += [
            getattr(point, "value", None)
            for resource in metrics_data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        ]
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        pass


@pytest.fixture
def only_when_flushed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics are collected when the test says so."""
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "3600000")


@pytest.mark.behaviour("export.circuit-breaker")
@pytest.mark.usefixtures("only_when_flushed")
def test_deltas_that_come_while_a_collector_is_left_alone_are_sent_afterwards(clock: Clock):
    taking = Taking(AggregationTemporality.DELTA)
    reader = RestingReader(Attempts[MetricExporter](lambda: taking, "taking"))
    meters = MeterProvider([reader], shutdown_on_exit=False)
    counter = meters.get_meter("kit").create_counter("n")
    reader.attempts.attempt(lambda exporter: False)
    counter.add(5)
    assert meters.force_flush()
    assert taking.taken == []
    clock.now = 1.0
    counter.add(1)
    meters.force_flush()
    assert taking.taken == [6]
    meters.shutdown()


@pytest.mark.usefixtures("only_when_flushed")
def test_metrics_are_not_collected_during_a_fork():
    taking = Taking()
    meters = MeterProvider(
        [RestingReader(Attempts[MetricExporter](lambda: taking, "taking"))], shutdown_on_exit=False
    )
    is_forking = True
    meters.get_meter("kit").create_observable_gauge("n", [lambda _: [Observation(int(is_forking))]])
    before_fork()
    thread = threading.Thread(target=meters.force_flush)
    thread.start()
    is_forking = False
    after_fork()
    thread.join()
    assert taking.taken == [0]
    meters.shutdown()


@pytest.mark.behaviour("export.counts", "host.providers-added-to", "configuration.replaced")
@pytest.mark.usefixtures("clock")
def test_a_meter_provider_of_the_host_gets_the_states_of_the_exporters_that_are_configured_last(
    configuration: Configuration, exporter: Exporter, collector: Collector
):
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    kind = exporter.replace("-", "_")
    collector.statuses["/v1/traces"] = 401
    first = Providers(configuration, meter_provider=meters)
    first.telemetry.tracer.start_span("refused").end()
    collector.wait_for_point(is_state("open", f"{kind}_span_exporter"))
    second = Providers(configuration, meter_provider=meters)
    first.shutdown(10)
    states = {
        (point.attributes["otel.component.type"], point.attributes["mcp_obs.circuit_breaker.state"])
        for point in points_of(reader)
        if point.metric == STATE and point.value
    }
    assert states == {(f"{kind}_span_exporter", "closed"), (f"{kind}_metric_exporter", "closed")}
    second.shutdown(10)
    assert STATE not in {point.metric for point in points_of(reader)}
    meters.shutdown()
