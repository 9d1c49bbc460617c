"""Which operations become spans, what the kept ones stand for, and that metrics count them all."""

import gc
import math
import random
import time
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags, TraceState
from sdk_kit.collector import Collector, collecting
from sdk_kit.recording import SpanLog, Way

import mcp_obs
from mcp_obs import _telemetry, sampling, semconv
from mcp_obs._message import Message
from mcp_obs._operation import begin
from mcp_obs._sdk_sampling import EndDecidingProcessor
from mcp_obs.sampling import (
    AlwaysOff,
    AlwaysOn,
    End,
    KeepErrorsAndSlow,
    ParentBased,
    RateLimited,
    Ratio,
    Sampler,
    Start,
)
from mcp_obs.testing import Distribution

# Only the OpenTelemetry SDK's own pipeline obeys this one.
OF_THE_SDK = "OTEL_SPAN_EVENT_COUNT_LIMIT"


def above(*, sampled: bool, state: str = "") -> SpanContext:
    return SpanContext(0xAB, 0xCD, True, TraceFlags(sampled), TraceState.from_header([state]))


def start(trace_id: int = 1, parent: SpanContext | None = None, what: str = "ping") -> Start:
    return Start(trace_id, what, parent)


@pytest.mark.parametrize(
    ("text", "sampler"),
    [
        ("always_on", AlwaysOn()),
        ("always_off", AlwaysOff()),
        (" Ratio:0.25 ", Ratio(0.25)),
        ("parent_based", ParentBased()),
        ("parent_based:ratio:0.5", ParentBased(Ratio(0.5))),
        ("rate_limited:50", RateLimited(50)),
        ("keep_errors_and_slow", KeepErrorsAndSlow()),
        ("keep_errors_and_slow:ratio=0.01,slow_seconds=3", KeepErrorsAndSlow(0.01, 3)),
    ],
)
def test_a_sampler_has_a_name(text: str, sampler: Sampler):
    assert sampling.parse(text) == sampler


@pytest.mark.parametrize(
    "text",
    [
        *("", "most", "ratio", "ratio:2", "ratio:0", "ratio:nan", "rate_limited:0", "parent_based:most"),
        *("keep_errors_and_slow:ratio=2", "keep_errors_and_slow:speed=1"),
    ],
)
def test_what_is_no_sampler_is_refused_with_all_that_are(text: str):
    with pytest.raises(ValueError, match=r"is no sampler. There are always_on, always_off, ratio:0\.1"):
        sampling.parse(text)


@pytest.mark.parametrize(
    ("environ", "argument", "sampler"),
    [
        ({}, None, None),
        ({"MCP_OBS_SAMPLER": "always_off"}, "ratio:0.5", Ratio(0.5)),
        ({"MCP_OBS_SAMPLER": "always_off", "OTEL_TRACES_SAMPLER": "always_on"}, None, AlwaysOff()),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}, None, Ratio(0.5)),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}, None, AlwaysOff()),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "x"}, None, AlwaysOn()),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1"}, None,
         ParentBased(Ratio(1))),
        ({"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, None, ParentBased(AlwaysOff())),
        ({"OTEL_TRACES_SAMPLER": "of_an_entry_point"}, None, None),
    ],
)  # fmt: skip
def test_the_argument_wins_over_our_variable_and_that_over_the_standard_ones(
    environ: dict[str, str], argument: str | None, sampler: Sampler | None
):
    assert sampling.resolve(environ, argument) == sampler
    assert sampling.is_foreign(environ) is ("of_an_entry_point" in environ.values())


def test_a_ratio_keeps_that_share_and_each_kept_one_stands_for_the_others():
    draw = random.Random(7)
    weights = [Ratio(0.1).at_start(start(draw.getrandbits(128))) for _ in range(10_000)]
    assert set(weights) == {0.0, 10.0}
    assert 9_000 < sum(weights) < 11_000


def test_a_caller_decides_and_says_what_its_trace_stands_for():
    sampler = ParentBased(AlwaysOff())
    assert sampler.at_start(start()) == 0
    assert sampler.at_start(start(parent=above(sampled=False))) == 0
    assert sampler.at_start(start(parent=above(sampled=True))) == 1
    for state, weight in (("ot=th:c", 4), ("ot=rv:1;th:8", 2), ("ot=th:0", 1), ("ot=th:zz", 1)):
        assert sampler.at_start(start(parent=above(sampled=True, state=state))) == weight


# As a TraceState takes them.
STATES = st.text("0123456789abcdefABCDEFthrv:;+-_. ", max_size=30)
THRESHOLDS = st.text("0123456789abcdef", min_size=1, max_size=14) | st.integers(1, 14).map("f".__mul__)
NEARLY = st.from_regex("[-+ ]?[0-9a-fF_]{0,15}", fullmatch=True)


@given(STATES | NEARLY.map("th:{}".format) | THRESHOLDS.map("rv:0123456789abcd;th:{}".format))
def test_no_trace_state_of_a_caller_is_an_error_or_an_odd_weight(state: str):
    assert 1 <= ParentBased().at_start(start(parent=above(sampled=True, state=f"ot={state}"))) <= 1e6


@given(THRESHOLDS)
def test_a_threshold_says_what_a_trace_stands_for(digits: str):
    weight = ParentBased().at_start(start(parent=above(sampled=True, state=f"ot=th:{digits}")))
    share = 1 - int(digits, 16) / 16 ** len(digits)
    assert weight == pytest.approx(min(1 / share if share else 1e6, 1e6))  # pyright: ignore[reportUnknownMemberType]


def test_a_caller_that_has_decided_is_not_asked_at_the_end():
    sampler = ParentBased(KeepErrorsAndSlow(0.1))
    ended = End(start(2**64 - 1), is_error=False, seconds=0.0)
    assert (sampler.decides_at_end, sampler.at_end(ended)) == (True, 0)
    assert sampler.at_end(ended._replace(start=start(2**64 - 1, above(sampled=True)))) == 1


def test_a_rate_is_kept_and_what_it_left_out_is_counted_into_the_next_of_its_kind():
    now = [0.0]
    sampler = RateLimited(2, timer=lambda: now[0])
    assert [sampler.at_start(start(what="a")) for _ in range(5)] == [1, 1, 0, 0, 0]
    assert sampler.at_start(start(what="b")) == 0
    now[0] = 1.0
    assert [sampler.at_start(start(what=what)) for what in ("a", "b", "a")] == [4, 2, 0]
    now[0] = 60.0
    assert [sampler.at_start(start(what="a")) for _ in range(3)] == [2, 1, 0]


def test_a_rate_remembers_no_more_names_than_a_server_has():
    sampler = RateLimited(1, timer=lambda: 0.0)
    for number in range(3000):
        sampler.at_start(start(what=f"made up {number}"))
    assert len(sampler._bucket._left_out) <= 1001  # pyright: ignore[reportPrivateUsage]


def test_errors_and_slow_ones_stand_for_themselves_and_the_rest_for_many():
    sampler = KeepErrorsAndSlow(0.5, slow_seconds=2)
    dropped, kept = start(2**64 - 1), start(1)
    ends = [(dropped, True, 0), (dropped, False, 2), (dropped, False, 1.9), (kept, False, 0)]
    assert [sampler.at_end(End(*end)) for end in ends] == [1, 1, 0, 2]


@contextmanager
def configured(way: Way, sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> Generator[Collector]:
    """Operations go to a collector, by either way; its spans are complete when this has been left."""
    from mcp_obs._exit import at_exit

    if way == "sdk":
        monkeypatch.setenv(OF_THE_SDK, "100")
    with collecting() as collector:
        mcp_obs.configure_mcp_telemetry(endpoint=collector.url, sampler=sampler)
        try:
            yield collector
        finally:
            at_exit.flush()
            _telemetry.use(None)


def call(
    tool: str,
    trace_id: int,
    *,
    fails: bool = False,
    below: bool = True,
    said: float | None = None,
    state: str = "",
    goes_on: bool = False,
) -> tuple[Span, Context]:
    """A call in a trace of that id: the span inside it, and where that is begun.

    `said` is the weight that its host claims; the span inside ends with the call, or `goes_on`.
    """
    of_client = SpanContext(trace_id, 1, True, TraceFlags(1), TraceState.from_header([state]))
    parent = of_client if below else SpanContext(0, 0, False)
    ambient = trace.set_span_in_context(NonRecordingSpan(parent), Context())
    operation = begin(lambda: Message("tools/call", {"name": tool}, 1, None, None, None), ambient)
    assert operation is not None
    with operation.current():
        if said is not None:
            trace.get_current_span().set_attribute(semconv.MCP_OBS_SAMPLING_WEIGHT, said)
        inside, current = start_inside(f"inside {tool}"), get_current()
        if not goes_on:
            inside.end()
    if fails:
        operation.refuse(-32050, "no")
    else:
        operation.answer({})
    return inside, current


def start_inside(name: str, current: Context | None = None) -> Span:
    """A host's span."""
    telemetry = _telemetry.current()
    assert telemetry is not None
    return telemetry.tracer.start_span(name, current)


def end_slowly(span: Span) -> Span:
    """As if it had taken two minutes."""
    span.end(time.time_ns() + 120 * 10**9)
    return span


def counted(collector: Collector) -> int:
    """How many durations the last export of metrics has."""
    (durations,) = [
        point for point in collector.points[-1] if point.metric == "mcp.server.operation.duration"
    ]
    assert isinstance(durations.value, Distribution)
    return durations.value.count


KEPT, DROPPED = 1, 2**64 - 1


@pytest.mark.behaviour("sampling.weight")
def test_what_is_inside_follows_its_operation_at_the_start(way: Way, monkeypatch: pytest.MonkeyPatch):
    with configured(way, Ratio(0.5), monkeypatch) as collector:
        call("a", KEPT)
        call("b", DROPPED)
    assert sorted(collector.spans) == ["inside a", "tools/call a"]
    assert {weight for _, weight in collector.weights} == {2.0}


@pytest.mark.behaviour("sampling.keeps-errors-and-slow", "sampling.weight")
def test_what_is_inside_follows_its_operation_at_the_end(way: Way, monkeypatch: pytest.MonkeyPatch):
    with configured(way, KeepErrorsAndSlow(0.5, slow_seconds=60), monkeypatch) as collector:
        call("a", KEPT)
        call("b", DROPPED)
        call("c", DROPPED, fails=True)
    assert sorted(collector.weights) == [
        ("inside a", 2.0),
        ("inside c", None),
        ("tools/call a", 2.0),
        ("tools/call c", None),
    ]


@pytest.mark.behaviour("sampling.keeps-errors-and-slow", "sampling.weight")
@pytest.mark.parametrize("sampler", [Ratio(0.5), KeepErrorsAndSlow(0.5, slow_seconds=60)], ids=str)
def test_what_ends_after_its_operation_follows_it(
    sampler: Sampler, way: Way, monkeypatch: pytest.MonkeyPatch
):
    with configured(way, sampler, monkeypatch) as collector:
        for trace_id, tool in ((KEPT, "a"), (DROPPED, "b")):
            inside, current = call(tool, trace_id, goes_on=True)
            end_slowly(inside)
            late = end_slowly(start_inside(f"begun after {tool}", current))
            end_slowly(start_inside(f"inside that of {tool}", trace.set_span_in_context(late)))
    kept = ["begun after a", "inside a", "inside that of a", "tools/call a"]
    assert sorted(collector.weights) == [(name, 2.0) for name in kept]


@pytest.mark.behaviour("sampling.keeps-errors-and-slow")
def test_what_ends_after_an_operation_that_failed_is_kept_with_it(way: Way, monkeypatch: pytest.MonkeyPatch):
    with configured(way, KeepErrorsAndSlow(0.5, slow_seconds=60), monkeypatch) as collector:
        inside, current = call("a", DROPPED, fails=True, goes_on=True)
        inside.end()
        start_inside("begun after a", current).end()
    assert sorted(collector.spans) == ["begun after a", "inside a", "tools/call a"]


def test_what_was_decided_is_forgotten_with_the_last_span_that_a_host_has_of_it():
    processor, traces = EndDecidingProcessor(KeepErrorsAndSlow(), SpanLog()), TracerProvider()
    traces.add_span_processor(processor)
    operation = traces.get_tracer("a").start_span("ping")
    inside = traces.get_tracer("a").start_span("inside", trace.set_span_in_context(operation))
    operation.end()
    del operation
    gc.collect()
    assert len(processor._known) == 1  # pyright: ignore[reportPrivateUsage]
    inside.end()
    del inside
    gc.collect()
    assert not processor._known  # pyright: ignore[reportPrivateUsage]
    assert not processor._open  # pyright: ignore[reportPrivateUsage]


@pytest.mark.behaviour("sampling.weight")
@pytest.mark.parametrize("sampler", [Ratio(0.5), KeepErrorsAndSlow(0.5, slow_seconds=60)], ids=str)
def test_a_weight_that_a_host_claims_gives_way_to_the_sampler_s(
    sampler: Sampler, monkeypatch: pytest.MonkeyPatch
):
    with configured("lean", sampler, monkeypatch) as collector:
        # The second fills in what the first has in common with it.
        for _ in range(2):
            call("a", KEPT)
        call("a", KEPT, said=100.0)
    exports = map(ExportTraceServiceRequest.FromString, collector.bodies)
    spans = [span for export in exports for span in export.resource_spans[0].scope_spans[0].spans]
    assert [
        [one.value.double_value for one in span.attributes if one.key == semconv.MCP_OBS_SAMPLING_WEIGHT]
        for span in spans
        if span.name == "tools/call a"
    ] == [[2.0]] * 3


@pytest.mark.behaviour("sampling.metrics-complete", "sampling.weight")
@pytest.mark.parametrize(
    ("threshold", "weight"),
    [
        ("ffffffffffffff", 1e6),
        ("c", 4),
        *((odd, None) for odd in ("-1", "+8", "8_0", "C", "", "0" * 15, "zz")),
    ],
)
def test_no_client_hides_its_calls_by_what_it_says_of_its_trace(
    threshold: str, weight: float | None, way: Way, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp")
    with configured(way, ParentBased(), monkeypatch) as collector:
        call("a", KEPT, state=f"ot=th:{threshold}")
    assert sorted(collector.weights) == [("inside a", weight), ("tools/call a", weight)]
    assert counted(collector) == 1


class Broken(Sampler):
    """A host's own."""

    def __init__(self, error: type[BaseException], *, decides_at_end: bool) -> None:
        self.decides_at_end = decides_at_end
        self._error = error

    def at_start(self, start: Start) -> float:
        return self._fail() if not self.decides_at_end else 1.0

    def at_end(self, end: End) -> float:
        return self._fail()

    def _fail(self) -> float:
        raise self._error


@pytest.mark.behaviour("host.own-failure-swallowed", "sampling.metrics-complete")
@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit])
@pytest.mark.parametrize("decides_at_end", [False, True])
def test_what_a_sampler_fails_on_is_kept_and_counted(
    way: Way, error: type[BaseException], *, decides_at_end: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MCP_OBS_STRICT")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp")
    with configured(way, Broken(error, decides_at_end=decides_at_end), monkeypatch) as collector:
        call("a", KEPT)
    assert sorted(collector.spans) == ["inside a", "tools/call a"]
    assert counted(collector) == 1


class Saying(Sampler):
    """A host's own, which says anything."""

    def __init__(self, said: Any, *, decides_at_end: bool) -> None:
        self.decides_at_end = decides_at_end
        self._said = said

    def at_start(self, start: Start) -> float:
        return 1.0 if self.decides_at_end else self._said

    def at_end(self, end: End) -> float:
        return self._said


@pytest.mark.behaviour("host.own-failure-swallowed")
@pytest.mark.parametrize("decides_at_end", [False, True])
@pytest.mark.parametrize("said", [None, "1", "", math.nan, math.inf, -1.0, [1.0]], ids=str)
def test_what_is_no_number_of_operations_leaves_nothing_out(
    said: object, way: Way, *, decides_at_end: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MCP_OBS_STRICT")
    with configured(way, Saying(said, decides_at_end=decides_at_end), monkeypatch) as collector:
        call("a", KEPT)
    assert sorted(collector.weights) == [("inside a", None), ("tools/call a", None)]


@pytest.mark.behaviour("sampling.weight")
@pytest.mark.parametrize("decides_at_end", [False, True])
@pytest.mark.parametrize(("said", "weight"), [(2, 2.0), (Decimal("2.5"), 2.5), (True, None)], ids=str)
def test_any_number_is_written_as_the_conventions_have_it(
    said: object, weight: float | None, way: Way, *, decides_at_end: bool, monkeypatch: pytest.MonkeyPatch
):
    with configured(way, Saying(said, decides_at_end=decides_at_end), monkeypatch) as collector:
        call("a", KEPT)
    assert sorted(collector.weights) == [("inside a", weight), ("tools/call a", weight)]


def test_nothing_is_kept_of_what_is_always_off(way: Way, monkeypatch: pytest.MonkeyPatch):
    with configured(way, AlwaysOff(), monkeypatch) as collector:
        call("a", KEPT)
        assert not collector.spans
    assert collector.spans == []


@pytest.mark.behaviour("sampling.metrics-complete")
def test_metrics_count_what_no_span_is_kept_of(way: Way, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp")
    with configured(way, AlwaysOff(), monkeypatch) as collector:
        for _ in range(3):
            call("a", DROPPED)
    assert collector.spans == []
    assert counted(collector) == 3
