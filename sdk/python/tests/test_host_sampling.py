"""Where operations are private, the host samples its own spans as it would without."""

from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import NonRecordingSpan, NoOpTracerProvider, SpanContext, SpanKind, TraceFlags
from sdk_kit.collector import collecting
from sdk_kit.recording import Way

import mcp_obs
from mcp_obs import _telemetry
from mcp_obs._exit import at_exit
from mcp_obs._guard import STRICT
from mcp_obs._host_sampling import host_sampler
from mcp_obs._message import Message
from mcp_obs._operation import begin

# Has the pipeline of the OpenTelemetry SDK.
OF_THE_SDK = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"


def caller(*, sampled: bool) -> Context:
    """A client's span around a call."""
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else 0)
    return trace.set_span_in_context(NonRecordingSpan(SpanContext(0xABCD, 0xEF, True, flags)), Context())


def call(above: Context | None = None) -> None:
    """A call of a tool, in which the host makes a span."""
    operation = begin(lambda: Message("tools/call", {"name": "add"}, 1, None, None, None), above)
    assert operation is not None
    with operation.current():
        # The tracer of an earlier call has the sampler of then.
        trace.get_tracer_provider().get_tracer("of the host").start_span("SELECT").end()
    operation.answer({})


def recorded(
    way: Way, sampler: str | None, monkeypatch: pytest.MonkeyPatch, above: Context | None
) -> list[str]:
    """What a collector gets of a call."""
    if way == "sdk":
        monkeypatch.setenv(OF_THE_SDK, "100")
    with collecting() as collector:
        mcp_obs.configure_mcp_telemetry(endpoint=collector.url, sampler=sampler)
        try:
            call(above)
        finally:
            at_exit.flush()
            _telemetry.use(None)
    return list(collector.spans)


def host_samples_by(sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the process's own provider sample so."""
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    monkeypatch.setattr(provider, "sampler", sampler)


@pytest.mark.behaviour("host.global-providers-untouched")
@pytest.mark.parametrize("sampler", [None, "always_on", "keep_errors_and_slow:ratio=1"])
@pytest.mark.parametrize(("is_sampled", "sampled"), [(True, ["SELECT"]), (False, [])])
def test_a_trace_that_an_operation_begins_is_recorded_and_the_host_samples_its_own_part(
    way: Way,
    is_sampled: bool,
    sampled: list[str],
    sampler: str | None,
    host_spans: list[ReadableSpan],
    monkeypatch: pytest.MonkeyPatch,
):
    host_samples_by(ParentBased(ALWAYS_ON if is_sampled else ALWAYS_OFF), monkeypatch)
    assert recorded(way, sampler, monkeypatch, None) == ["tools/call add"]
    assert [span.name for span in host_spans] == sampled


@pytest.mark.behaviour("host.global-providers-untouched")
@pytest.mark.parametrize(("is_sampled", "sampled"), [(True, ["SELECT"]), (False, [])])
def test_a_sampler_of_ours_does_not_have_the_host_sample_what_the_caller_did_not(
    way: Way,
    is_sampled: bool,
    sampled: list[str],
    host_spans: list[ReadableSpan],
    monkeypatch: pytest.MonkeyPatch,
):
    above = caller(sampled=is_sampled)
    assert recorded(way, "always_on", monkeypatch, above) == ["tools/call add"]
    assert [span.name for span in host_spans] == sampled


@pytest.mark.behaviour("host.global-providers-untouched")
def test_a_span_that_is_current_but_not_above_says_nothing_of_a_trace(
    way: Way, host_spans: list[ReadableSpan], monkeypatch: pytest.MonkeyPatch
):
    # On stateful HTTP of mcp 1.x that of the request which began the session is current for ever.
    token = attach(caller(sampled=False))
    try:
        assert recorded(way, None, monkeypatch, Context()) == ["tools/call add"]
    finally:
        detach(token)
    assert [span.name for span in host_spans] == ["SELECT"]


@pytest.mark.behaviour("host.global-providers-untouched")
def test_a_provider_that_the_environment_names_and_nobody_has_asked_for_is_not_made(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", None)
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "nonsense")
    assert host_sampler() is None


class Asked(Sampler):
    """Keeps what it is asked, and raises."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.asked: list[tuple[int, str, SpanKind | None]] = []

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        """Raise."""
        self.asked.append((trace_id, name, kind))
        raise self.error

    def get_description(self) -> str:
        """What it does."""
        return "raises"


@pytest.mark.behaviour("host.global-providers-untouched", "host.own-failure-swallowed")
@pytest.mark.parametrize("error", [RuntimeError("of the host"), SystemExit()], ids=repr)
def test_a_sampler_of_the_host_that_raises_costs_no_operation(
    error: BaseException, way: Way, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(STRICT, raising=False)
    asked = Asked(error)
    host_samples_by(asked, monkeypatch)
    monkeypatch.setattr(trace.get_tracer_provider(), "get_tracer", NoOpTracerProvider().get_tracer)
    assert recorded(way, None, monkeypatch, None) == ["tools/call add"]
    ((_, name, kind),) = asked.asked
    assert (name, kind) == ("tools/call add", SpanKind.SERVER)
