"""Providers of the host keep what they have, and mcp-obs is added to them."""

import time
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import Decision, StaticSampler
from sdk_kit.collector import collecting
from sdk_kit.recording import SpanLog, points_of

import mcp_obs
from mcp_obs import _telemetry
from mcp_obs._exit import at_exit
from mcp_obs._guard import WrongSettingError
from mcp_obs._message import Message
from mcp_obs._operation import Operation, begin

HOST = Resource({"service.name": "host"})
# Longer than the bound of OpenTelemetry's own shutdown, which is 30 s.
PATIENT = "60"


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    """Whatever the test configures ends with it."""
    yield
    at_exit.flush()
    _telemetry.use(None)


@pytest.fixture
def log() -> SpanLog:
    """What the host's own exporter gets."""
    return SpanLog()


@pytest.fixture
def traces(log: SpanLog) -> TracerProvider:
    """What the host traces with."""
    provider = TracerProvider(resource=HOST, shutdown_on_exit=False)
    provider.add_span_processor(log)
    return provider


def call() -> Operation:
    operation = begin(lambda: Message("tools/call", {"name": "add"}, 1, None, None, None))
    assert operation is not None
    return operation


@pytest.mark.behaviour("host.providers-added-to")
def test_the_host_s_exporter_and_mcp_obs_get_the_operation_and_what_is_inside_it(
    traces: TracerProvider, log: SpanLog
):
    with collecting() as collector:
        mcp_obs.configure_mcp_telemetry("key", collector.url, tracer_provider=traces)
        operation = call()
        with operation.current():
            traces.get_tracer("of the host").start_span("SELECT").end()
        operation.answer({})
        collector.wait_for("tools/call add", "SELECT")
        at_exit.flush()
    select, added = log.spans
    assert (select.name, added.name) == ("SELECT", "tools/call add")
    assert select.parent is not None
    assert added.context is not None
    assert select.parent.span_id == added.context.span_id
    assert (collector.resources[0], collector.requests[0][1]["authorization"]) == (
        {"service.name": "host"},
        "Bearer key",
    )


@pytest.mark.behaviour("host.providers-added-to")
def test_the_host_s_provider_goes_on_when_mcp_obs_ends(traces: TracerProvider, log: SpanLog):
    with collecting() as collector:
        mcp_obs.configure_mcp_telemetry("key", collector.url, tracer_provider=traces)
        at_exit.flush()
        traces.get_tracer("of the host").start_span("later").end()
        assert traces.force_flush()
    assert [span.name for span in log.spans] == ["later"]


@pytest.mark.behaviour("host.providers-added-to")
@pytest.mark.parametrize("decision", [Decision.DROP, Decision.RECORD_ONLY])
def test_what_the_host_does_not_sample_is_not_sent(decision: Decision):
    traces = TracerProvider(StaticSampler(decision), shutdown_on_exit=False)
    with collecting() as collector:
        mcp_obs.configure_mcp_telemetry("key", collector.url, tracer_provider=traces)
        call().answer({})
        at_exit.flush()
    assert collector.requests == []


@pytest.mark.behaviour("host.providers-added-to")
def test_a_sampler_beside_a_provider_of_the_host_is_said_to_be_left_out(
    traces: TracerProvider, caplog: pytest.LogCaptureFixture
):
    with collecting() as collector:
        mcp_obs.configure_mcp_telemetry("key", collector.url, tracer_provider=traces, sampler="always_off")
        call().answer({})
        collector.wait_for("tools/call add")
    assert "its own sampler does not count" in caplog.text


@pytest.mark.behaviour("host.providers-added-to", "exit.bounded")
def test_a_host_that_shuts_its_provider_down_waits_no_longer_than_an_exit(
    traces: TracerProvider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", PATIENT)
    with collecting(hung=True) as collector:
        mcp_obs.configure_mcp_telemetry("key", collector.url, tracer_provider=traces)
        call().answer({})
        collector.wait_for_request()
        started = time.monotonic()
        traces.shutdown()
        assert time.monotonic() - started < 25
        collector.released.set()


@pytest.mark.behaviour("host.providers-added-to")
def test_the_host_s_reader_and_mcp_obs_get_the_metrics():
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader], resource=HOST, shutdown_on_exit=False)
    rows = meters.get_meter("of the host").create_counter("rows")
    with collecting() as collector:
        mcp_obs.configure_mcp_telemetry("key", collector.url, meter_provider=meters)
        call().answer({})
        rows.add(3)
        at_exit.flush()
    sent = {point.metric: point for point in collector.points[-1]}
    had = {point.metric: point for point in points_of(reader)}
    assert sent["rows"].value == had["rows"].value == 3
    assert sent["mcp.server.operation.duration"] == had["mcp.server.operation.duration"]
    assert not [name for name in had if name.startswith("process.")]
    assert {"service.name": "host"} in collector.resources
    meters.shutdown()


@pytest.mark.behaviour("host.providers-added-to")
def test_a_provider_that_takes_nothing_more_is_refused_by_name():
    for wrong, said in (
        ({"tracer_provider": trace.NoOpTracerProvider()}, "tracer_provider takes no span processors"),
        ({"tracer_provider": trace.ProxyTracerProvider()}, "has set no tracer provider yet"),
        ({"meter_provider": NoOpMeterProvider()}, "meter_provider takes no further readers"),
    ):
        with pytest.raises(WrongSettingError, match=said):
            mcp_obs.configure_mcp_telemetry("key", "http://127.0.0.1:9", **wrong)  # pyright: ignore[reportArgumentType]
