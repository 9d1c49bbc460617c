"""The lean way from an operation to the collector."""

import socket
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from enum import Enum
from typing import Any, cast

import pydantic.v1
import pytest
from dirty_equals import IsStr
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from opentelemetry import context, trace
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY  # pyright: ignore[reportPrivateUsage]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanContext, StatusCode, TraceFlags
from sdk_kit.collector import collecting
from sdk_kit.otlp import read_value
from sdk_kit.process import recording_process
from sdk_kit.recording import Recording

from mcp_obs._configuration import Configuration
from mcp_obs._details import Details
from mcp_obs._lean import exporter as exporter_module
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.exporter import OperationExporter
from mcp_obs._lean.operation_span import (
    LARGE_TEXT,
    MOST_ATTRIBUTES,
    MOST_EVENTS,
    OperationSpan,
)
from mcp_obs._lean.pipeline import LeanPipeline
from mcp_obs._lean.sender import Sender, Sent
from mcp_obs._lean.templates import MOST_TEMPLATE_BYTES
from mcp_obs._lean.wire import key_value
from mcp_obs._message import Client, Message
from mcp_obs._metrics.categories import ALL
from mcp_obs._metrics.exporter import MetricExporter
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._operation import begin
from mcp_obs._privacy.settings import Privacy
from mcp_obs.testing._reading import read_points

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = (
    st.none()
    | TEXT
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.binary()
)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner).map(tuple) | st.dictionaries(TEXT, inner), max_leaves=10
)


@pytest.mark.behaviour("export.any-value")
@given(TEXT, VALUES)
def test_an_attribute_is_read_as_it_was_written(name: str, value: Any):
    read = KeyValue.FromString(key_value(name, value))
    assert (read.key, read_value(read.value)) == (name, value)


@pytest.mark.behaviour("export.any-value")
@pytest.mark.parametrize(
    ("value", "read"),
    [("\ud800", "?"), (2**63, str(2**63)), ({1: {2, 3}}, {"1": "{2, 3}"}), (["\ud800"], ("?",))],
)
def test_what_otlp_has_no_type_for_becomes_text(value: Any, read: object):
    assert read_value(KeyValue.FromString(key_value("a", value)).value) == read


class Colour(str, Enum):  # noqa: UP042  a StrEnum's str() is its value
    """A text that has a name of its own."""

    RED = "red"


@pytest.mark.behaviour("operation.span-is-the-hosts-too")
def test_what_a_host_does_with_the_current_span_is_kept_the_same_in_both_ways(recording: Recording):
    operation = begin(lambda: Message("tools/call", {"name": "act"}, 1, None, None, None))
    assert operation is not None
    linked = SpanContext(0xABCD, 0xEF, is_remote=True, trace_flags=TraceFlags(1))
    with operation.current():
        span = trace.get_current_span()
        span.set_attribute("rows", 3)
        tags, details = ["a", "b"], {"key": "ada"}
        span.set_attributes({"exact": True, "share": 0.5, "tags": tags, "rows": 4, "colour": Colour.RED})
        span.add_event("cache.miss", details)
        tags.append("later")
        details["key"] = "later"
        span.record_exception(KeyError("city"), {"attempt": 1})
        span.add_link(linked, {"why": "batch"})
        span.set_status(StatusCode.ERROR, "half of it")
        span.update_name("act on it")
    operation.answer({})
    span.set_attribute("late", 1)
    span.add_event("late")
    span.update_name("late")
    assert not span.is_recording()
    picture = recording.picture("act on it")
    (event, (exception, details)) = picture.pop("events")
    assert (event, exception) == (("cache.miss", {"key": "ada"}), "exception")
    assert (details["exception.type"], details["attempt"]) == ("KeyError", 1)
    assert picture == snapshot(
        {
            "name": "act on it",
            "kind": "SERVER",
            "status": ("ERROR", "half of it"),
            "attributes": {
                "mcp.method.name": "tools/call",
                "jsonrpc.request.id": "1",
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "act",
                "mcp_obs.request.size": 14,
                "network.transport": "pipe",
                "mcp_obs.session.id": IsStr(regex="[0-9a-f]{32}"),
                "mcp_obs.session.source": "inferred",
                "rows": 4,
                "exact": True,
                "share": 0.5,
                "tags": ("a", "b"),
                "colour": "red",
                "mcp_obs.response.size": 2,
                "mcp_obs.operation.outcome": "ok",
            },
            "links": 1,
        }
    )


@pytest.mark.behaviour("operation.span-is-the-hosts-too")
def test_a_status_that_is_ok_is_final_in_both_ways(recording: Recording):
    operation = begin(lambda: Message("ping", None, 1, None, None, None))
    assert operation is not None
    with operation.current():
        trace.get_current_span().set_status(StatusCode.OK)
    operation.refuse(-32050, "Quota exceeded")
    assert recording.picture("ping")["status"] == ("OK", None)


@pytest.mark.behaviour("metrics.host-attributes-stay-out")
def test_the_host_s_attributes_are_no_metric_s_in_either_way(recording: Recording):
    operation = begin(lambda: Message("tools/call", {"name": "act"}, 1, None, None, None))
    assert operation is not None
    with operation.current():
        trace.get_current_span().set_attribute("error.type", "theirs")
    operation.answer({})
    assert recording.picture("tools/call act")["attributes"]["error.type"] == "theirs"
    ((count, attributes),) = recording.durations()
    assert (count, "error.type" in attributes) == (1, False)


def test_an_exception_of_an_old_validator_is_recorded_without_the_rejected_value(recording: Recording):
    class Arguments(pydantic.v1.BaseModel):
        token: int

    operation = begin(lambda: Message("ping", None, 1, None, None, None))
    assert operation is not None
    with operation.current(), pytest.raises(pydantic.v1.ValidationError) as caught:
        Arguments(token="a secret")  # pyright: ignore[reportArgumentType]
    with operation.current():
        trace.get_current_span().record_exception(caught.value)
    operation.answer({})
    ((name, details),) = recording.picture("ping")["events"]
    assert name == "exception"
    if recording.way == "lean":
        assert details["exception.message"] == "token: type_error.integer"


@pytest.mark.behaviour("export.unencodable-costs-itself")
def test_what_can_t_be_written_costs_itself_and_not_the_span(monkeypatch: pytest.MonkeyPatch):
    class SpeechlessError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    monkeypatch.delenv("MCP_OBS_STRICT")
    ended: list[OperationSpan] = []
    span = lean_span(ended.append)
    wrong: Any = {5: "a number", "speechless": SpeechlessError(), "right": 1}
    span.set_attributes(wrong)
    span.end()
    read = _first(Envelope(Resource({}), "s", "1").around([SpanEncoder().encode(ended[0])]))
    assert {one.key for one in read.attributes} == {*ended[0].said, "right"}


@pytest.mark.behaviour("export.bounded-memory")
@pytest.mark.parametrize("whose", ["the host's", "the client's"])
def test_what_spans_have_in_common_takes_no_more_memory_than_a_few_mebibytes(whose: str):
    encoder = SpanEncoder()
    tracemalloc.start()
    try:
        for number in range(3000):
            client = Client(f"{number}" + "c" * 1000, "v" * 1000) if whose == "the client's" else None
            span = OperationSpan(
                Message("ping", None, 1, None, client, None),
                SpanContext(1, 2, is_remote=False),
                None,
                (),
                _ignore,
            )
            if whose == "the host's":
                span.set_attribute("prompt", f"{number}" + "p" * 10_000)
            span.end()
            encoder.encode(span)
        assert tracemalloc.get_traced_memory()[0] < 4 * MOST_TEMPLATE_BYTES
    finally:
        tracemalloc.stop()


def _ignore(span: OperationSpan) -> None:
    pass


def lean_span(on_end: Callable[[OperationSpan], None], method: str = "ping") -> OperationSpan:
    ids = SpanContext(1, 2, is_remote=False)
    return OperationSpan(Message(method, None, 1, None, None, None), ids, None, (), on_end)


@pytest.mark.behaviour("operation.bounded")
def test_more_than_a_span_may_have_is_left_out_and_counted():
    ended: list[OperationSpan] = []
    span = lean_span(ended.append)
    span.set_attributes({f"a{number}": number for number in range(MOST_ATTRIBUTES)})
    for _ in range(MOST_EVENTS + 3):
        span.add_event("again")
    span.end()
    body = Envelope(Resource({}), "s", "1").around([SpanEncoder().encode(ended[0])])
    read = _first(body)
    known = len(ended[0].said)
    assert (len(read.attributes), read.dropped_attributes_count) == (MOST_ATTRIBUTES, known)
    assert (len(read.events), read.dropped_events_count) == (MOST_EVENTS, 3)


def _first(body: bytes) -> Any:
    return ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans[0]


@pytest.mark.behaviour("export.circuit-breaker")
def test_a_breaker_opens_for_longer_each_time_and_tries_once_in_between():
    now = [0.0]
    breaker = CircuitBreaker(lambda: now[0], lambda: 1.0)
    seen: list[float] = []
    assert breaker.state == "closed"
    for _ in range(8):
        breaker.note(is_well=False)
        assert breaker.state == "open"
        began = now[0]
        while breaker.state == "open":
            now[0] += 0.5
        seen.append(now[0] - began)
        assert breaker.state == "half_open"
    assert seen == [1, 2, 4, 8, 16, 32, 60, 60]
    breaker.note(is_well=True)
    assert breaker.state == "closed"


@pytest.mark.behaviour("export.circuit-breaker")
@pytest.mark.parametrize(("asked", "pause"), [(0.0, 0.5), (7.0, 7.0), (3600.0, 60.0)])
def test_a_breaker_waits_as_long_as_the_collector_asks_for_and_not_for_ever(asked: float, pause: float):
    now = [0.0]
    breaker = CircuitBreaker(lambda: now[0], lambda: 0.0)
    breaker.note(is_well=False, asked_seconds=asked)
    now[0] = pause - 0.01
    assert breaker.state == "open"
    now[0] = pause
    assert breaker.state == "half_open"


def exporting(url: str) -> OperationExporter:
    return OperationExporter(
        SpanEncoder(),
        Envelope(Resource({}), "mcp_obs", "1"),
        Sender(f"{url}/v1/traces", {}),
        CircuitBreaker(draw=lambda: 0.0),
    )


@pytest.mark.behaviour("export.repeated-when-retryable")
def test_what_a_collector_could_not_take_is_sent_when_it_can_and_once():
    with collecting(503) as collector:
        exporter = exporting(collector.url)
        lean_span(exporter.put, "ping").end()
        collector.wait_for_request()
        collector.spans.clear()
        collector.status = 200
        lean_span(exporter.put, "tools/list").end()
        collector.wait_for("ping", "tools/list")
        exporter.shutdown(10)
        assert collector.spans == ["ping", "tools/list"]


@pytest.mark.behaviour("export.halved-when-too-large")
def test_what_is_too_large_for_a_collector_is_sent_in_parts_and_a_span_that_is_too_large_alone_is_named(
    caplog: pytest.LogCaptureFixture,
):
    with collecting() as collector:
        collector.most_bytes = 2_000
        exporter = exporting(collector.url)
        spans = [lean_span(exporter.put, f"method/{number}") for number in range(100)]
        spans[50].set_attribute("long", "x" * 2_000)
        for span in spans:
            span.end()
        exporter.shutdown(10)
        assert collector.spans == [f"method/{number}" for number in range(100) if number != 50]
    (told,) = [each.getMessage() for each in caplog.records]
    assert told == f"mcp-obs: {collector.url}/v1/traces refuses telemetry, which is lost: 413 "


@pytest.mark.behaviour("export.refusal-named-once")
def test_a_collector_that_refuses_for_good_is_named_once_and_nothing_is_sent_again(
    caplog: pytest.LogCaptureFixture,
):
    with collecting(401) as collector:
        exporter = exporting(collector.url)
        for method in ("ping", "tools/list"):
            lean_span(exporter.put, method).end()
            collector.wait_for(method)
        exporter.shutdown(10)
        assert collector.spans == ["ping", "tools/list"]
    (told,) = [each.getMessage() for each in caplog.records]
    assert told == f"mcp-obs: {collector.url}/v1/traces refuses telemetry, which is lost: 401 "


@pytest.mark.behaviour("export.refusal-waited-out")
@pytest.mark.parametrize("error", ["401", "503"])
def test_a_collector_that_takes_nothing_is_asked_less_and_less_often(
    error: str, monkeypatch: pytest.MonkeyPatch
):
    now, asked = [0.0], list[float]()

    class Refused(Sender):
        def send(self, body: bytes, seconds: float, *, is_divisible: bool = False) -> Sent:
            asked.append(now[0])
            return Sent(is_over=error == "401", error=error)

    exporter = OperationExporter(
        SpanEncoder(),
        Envelope(Resource({}), "s", "1"),
        Refused("http://collector.test", {}),
        CircuitBreaker(lambda: now[0], lambda: 1.0),
    )
    monkeypatch.setattr(exporter, "_start", lambda: None)
    while now[0] < 200:
        exporter.put(_ended("ping"))
        exporter.export()
        now[0] += 0.5
    assert asked == [0, 1, 3, 7, 15, 31, 63, 123, 183]


@pytest.mark.behaviour("export.bounded-queue")
def test_an_operation_that_ends_while_its_exporter_does_is_counted(monkeypatch: pytest.MonkeyPatch):
    exporter = exporting("http://127.0.0.1:9")
    monkeypatch.setattr(exporter, "_start", lambda: None)
    span = _ended("ping")

    def meanwhile(span: OperationSpan) -> bool:
        exporter.shutdown(0)
        return False

    monkeypatch.setattr(OperationSpan, "has_large_result", meanwhile)
    exporter.put(span)
    assert exporter.dropped == 1


@pytest.mark.behaviour("exit.flush")
def test_an_operation_that_ends_while_the_last_ones_are_sent_is_sent_too(monkeypatch: pytest.MonkeyPatch):
    late = [_ended("tools/list"), _ended("prompts/list")]
    are_looked_at, may_go_on = threading.Barrier(3), [threading.Event(), threading.Event()]
    bodies: list[bytes] = []

    class Sending(Sender):
        def send(self, body: bytes, seconds: float, *, is_divisible: bool = False) -> Sent:
            number = len(bodies)
            bodies.append(body)
            if number < len(late):
                may_go_on[number].set()
                handing_over[number].join()
            return Sent(is_over=True)

    def look_at(span: OperationSpan) -> bool:
        if span in late:
            are_looked_at.wait(60)
            may_go_on[late.index(span)].wait(60)
        return False

    monkeypatch.setattr(exporter_module, "EXPORT_SECONDS", 3600.0)
    monkeypatch.setattr(OperationSpan, "has_large_result", look_at)
    envelope = Envelope(Resource({}), "s", "1")
    exporter = OperationExporter(
        SpanEncoder(), envelope, Sending("http://collector.test", {}), CircuitBreaker()
    )
    handing_over = [threading.Thread(target=exporter.put, args=(span,)) for span in late]
    for thread in handing_over:
        thread.start()
    are_looked_at.wait(60)
    exporter.put(_ended("ping"))
    exporter.shutdown(60)
    assert [_first(body).name for body in bodies] == ["ping", "tools/list", "prompts/list"]
    assert exporter.dropped == 0


@pytest.mark.behaviour("host.own-failure-swallowed")
@pytest.mark.parametrize("failing", ["encode_ended", "_send"])
def test_an_exporter_that_fails_each_time_pauses_each_time(failing: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MCP_OBS_STRICT")
    exporter = exporting("http://127.0.0.1:9")
    now, pauses = [0.0], list[float]()

    def fail() -> None:
        raise RuntimeError("always")

    class Wake(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            pauses.append(timeout)
            now[0] += timeout
            if len(pauses) == 5:
                exporter.shutdown(0)
            return False

    monkeypatch.setattr("mcp_obs._lean.exporter.time.monotonic", lambda: now[0])
    monkeypatch.setattr(exporter, failing, fail)
    monkeypatch.setattr(exporter, "_wake", Wake())
    exporter.run()
    assert pauses == [1.0] * 5


@pytest.mark.behaviour("export.bounded-queue")
def test_what_waits_is_bounded_and_what_is_left_out_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(exporter_module, "MOST_WAITING", 2)
    monkeypatch.setattr(exporter_module, "MOST_BACKLOG_BYTES", 1)
    exporter = exporting("http://127.0.0.1:9")
    monkeypatch.setattr(exporter, "_start", lambda: None)
    for _ in range(5):
        lean_span(exporter.put).end()
    assert exporter.dropped == 3
    exporter.encode_ended()
    assert exporter.dropped == 5
    exporter.shutdown(0)
    lean_span(exporter.put).end()
    assert exporter.dropped == 6
    assert "could not send 5 operations" in caplog.text


@pytest.mark.behaviour("host.undescribable-message")
def test_a_result_that_is_none_of_mcp_s_costs_no_span():
    exporter = exporting("http://127.0.0.1:9")
    span = lean_span(exporter.put)
    span.result = {"content": ["no block", {"text": 7}, None]}
    span.end()
    exporter.encode_ended()
    assert exporter.dropped == 0
    exporter.shutdown(0)


class Large(dict[str, Any]):
    """One that is known to be gone."""


@pytest.mark.behaviour("export.bounded-memory")
@pytest.mark.parametrize(
    "said",
    [
        {"content": [{"type": "text", "text": "x" * (LARGE_TEXT + 1)}]},
        {"contents": [{"uri": "file:///a", "text": "x" * (LARGE_TEXT + 1)}]},
        {"contents": [{"uri": "file:///a", "blob": "x" * (LARGE_TEXT + 1)}]},
        {"content": [], "structuredContent": {"text": "x" * (LARGE_TEXT + 1)}},
        {"content": [], "structuredContent": {"rows": [{"id": 1}] * 1000}},
        {"content": [], "structuredContent": [{"id": 1}] * 1000},
        {"content": [], "structuredContent": {str(number): number for number in range(1000)}},
        {"content": [], "structuredContent": "x" * (LARGE_TEXT + 1)},
    ],
    ids=[
        "a tool's",
        "a resource's text",
        "a resource's bytes",
        "a text in an object",
        "a list in an object",
        "a list",
        "an object",
        "a text",
    ],
)
def test_a_large_result_is_measured_at_once_and_not_held(
    said: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exporter_module, "EXPORT_SECONDS", 3600.0)
    with collecting() as collector:
        exporter = exporting(collector.url)
        span = lean_span(exporter.put)
        span.result = result = Large(said)
        is_gone = threading.Event()
        is_held = weakref.ref(result, lambda _: is_gone.set())
        span.end()
        del span, result
        assert is_gone.wait(60)
        assert is_held() is None
        exporter.shutdown(10)


@pytest.mark.behaviour("export.bounded-memory")
@pytest.mark.parametrize(
    "params",
    [
        {"name": "add", "arguments": {"text": "x" * (LARGE_TEXT + 1)}},
        {"name": "add", "arguments": {"rows": [{"id": 1}] * 1000}},
        {"name": "add", "arguments": {str(number): number for number in range(1000)}},
        {"messages": [{"role": "user"}] * 1000},
    ],
    ids=["a text", "a list", "many", "of a method without arguments"],
)
def test_large_params_are_measured_at_once_and_not_held(
    params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exporter_module, "EXPORT_SECONDS", 3600.0)
    with collecting() as collector:
        exporter = exporting(collector.url)
        span, given = lean_span(exporter.put), Large(params)
        assert span.message is not None
        span.message.params = given
        is_gone = threading.Event()
        is_held = weakref.ref(given, lambda _: is_gone.set())
        span.end()
        del span, given
        assert is_gone.wait(60)
        assert is_held() is None
        exporter.shutdown(10)


@pytest.mark.behaviour("export.bounded-memory")
def test_what_is_small_is_no_reason_to_hurry():
    span = lean_span(_ignore)
    assert span.message is not None
    span.message.params = {"name": "add", "arguments": {"rows": [1, 2], "of": {"a": 1}, "by": "id", "n": 1}}
    span.result = {"content": [{"type": "text", "text": "3"}], "structuredContent": {"result": 3}}
    assert not span.has_large_result()
    assert not span.has_large_params()


@pytest.mark.behaviour("export.packed")
@pytest.mark.parametrize(
    ("url", "encoding"),
    [
        ("http://collector.test/v1/traces", "gzip"),
        ("http://10.0.0.1:4318/v1/traces", "gzip"),
        ("http://localhost:4318/v1/traces", None),
        ("http://127.0.0.2:4318/v1/traces", None),
        ("http://[::1]:4318/v1/traces", None),
    ],
)
def test_what_leaves_this_machine_is_gzipped_and_what_stays_is_not(
    url: str, encoding: str | None, monkeypatch: pytest.MonkeyPatch
):
    with collecting() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        spans = Envelope(Resource({}), "s", "1").around([SpanEncoder().encode(_ended("ping"))])
        assert Sender(url, {}).send(spans, 10).error is None
    ((path, headers),) = proxy.requests
    assert (path, headers.get("content-encoding"), proxy.bodies) == (url, encoding, [spans])


@pytest.mark.behaviour("export.proxy")
@pytest.mark.parametrize(("no_proxy", "is_asked"), [("", True), ("collector.test", False)])
def test_the_proxy_of_the_environment_is_used_but_for_what_it_leaves_out(
    no_proxy: str, is_asked: bool, monkeypatch: pytest.MonkeyPatch
):
    with collecting() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("://", "://ada:lovelace@"))
        monkeypatch.setenv("no_proxy", no_proxy)
        Sender("http://collector.test:1/v1/traces", {}).send(b"", 10)
    asked = [(path, headers["proxy-authorization"]) for path, headers in proxy.requests]
    assert asked == [("http://collector.test:1/v1/traces", "Basic YWRhOmxvdmVsYWNl")] * is_asked


class CallsOfAHost:
    """Calls of a tool, and the threads in which the function of their host redacted each."""

    def __init__(self, put: Callable[[Any], None]) -> None:
        self.threads: list[threading.Thread] = []
        self._put = put
        self._details = Details(Privacy("redacted", redact=self._redact))

    def _redact(self, value: object, path: object) -> object:
        self.threads.append(threading.current_thread())
        return value

    def end(self) -> None:
        """One call is over."""
        message = Message("tools/call", {"name": "add", "arguments": {"a": 1}}, 1, None, None, None)
        message.details = self._details
        span = OperationSpan(message, SpanContext(1, 2, is_remote=False), None, (), self._put)
        span.end()


@pytest.mark.behaviour("export.bounded-memory")
def test_a_host_s_function_runs_in_the_exporter_s_thread_while_a_collector_takes_its_time(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(exporter_module, "HELD_UP_SECONDS", 3600.0)
    here = threading.current_thread()
    with collecting(hung=True) as collector:
        exporter = exporting(collector.url)
        lean_span(exporter.put).end()
        collector.wait_for_request()
        calls = CallsOfAHost(exporter.put)
        # More than 32 are not held.
        for _ in range(35):
            calls.end()
        assert calls.threads == [here] * 3
        collector.released.set()
        exporter.shutdown(10)
    assert [each is here for each in calls.threads] == [True] * 3 + [False] * 32


@pytest.mark.behaviour("export.bounded-memory")
def test_nothing_is_held_when_a_collector_has_taken_too_long(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporter_module, "HELD_UP_SECONDS", 0.0)
    with collecting(hung=True) as collector:
        exporter = exporting(collector.url)
        lean_span(exporter.put).end()
        collector.wait_for_request()
        calls = CallsOfAHost(exporter.put)
        calls.end()
        assert calls.threads == [threading.current_thread()]
        collector.released.set()
        exporter.shutdown(10)


@pytest.mark.behaviour("export.bounded-memory")
def test_nothing_large_is_held_while_a_collector_hangs():
    with collecting(hung=True) as collector:
        exporter = exporting(collector.url)
        lean_span(exporter.put).end()
        collector.wait_for_request()
        held = lean_span(exporter.put)
        held.details = Details()
        held.result = result = Large(structuredContent={"rows": ["x" * 1000] * 1000})
        is_held = weakref.ref(result)
        held.end()
        del held, result
        assert is_held() is None
        collector.released.set()
        exporter.shutdown(10)


@pytest.mark.behaviour("export.bounded-queue")
def test_what_is_encoded_while_a_collector_hangs_is_bounded_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporter_module, "HELD_UP_SECONDS", 0.0)
    first, later = (len(SpanEncoder().encode(_ended(method))) for method in ("tools/list", "ping"))
    with collecting(hung=True) as collector:
        exporter = exporting(collector.url)
        lean_span(exporter.put, "tools/list").end()
        collector.wait_for_request()
        monkeypatch.setattr(exporter_module, "MOST_BACKLOG_BYTES", first + 2 * later)
        for _ in range(5):
            lean_span(exporter.put, "ping").end()
        assert exporter.dropped == 3
        collector.released.set()
        exporter.shutdown(10)
    assert collector.spans == ["tools/list", "ping", "ping"]


@pytest.mark.behaviour("export.bounded-queue")
def test_what_has_been_sent_makes_room_for_what_follows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporter_module, "MOST_BACKLOG_BYTES", len(SpanEncoder().encode(_ended("ping"))))
    with collecting() as collector:
        exporter = exporting(collector.url)
        monkeypatch.setattr(exporter, "_start", lambda: None)
        for _ in range(3):
            lean_span(exporter.put, "ping").end()
            exporter.export()
    assert (collector.spans, exporter.dropped) == (["ping"] * 3, 0)


@pytest.mark.behaviour("export.repeated-when-retryable")
def test_a_collector_that_is_well_again_gets_at_exit_what_it_could_not_take():
    with collecting(503) as collector:
        exporter = OperationExporter(
            SpanEncoder(), Envelope(Resource({}), "s", "1"), Sender(collector.url, {}), CircuitBreaker()
        )
        exporter.put(_ended("ping"))
        collector.wait_for_request()
        collector.status = 200
        exporter.put(_ended("tools/list"))
        exporter.shutdown(10)
        assert len(collector.requests) == 2
    assert exporter.dropped == 0


@pytest.mark.behaviour("export.unencodable-costs-itself")
@pytest.mark.parametrize("held_up", [0.0, 3600.0], ids=["held up", "not yet"])
def test_what_can_t_be_written_while_a_collector_hangs_is_counted_once(
    held_up: float, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exporter_module, "HELD_UP_SECONDS", held_up)
    monkeypatch.delenv("MCP_OBS_STRICT")
    metrics, wrong = LeanMetrics(ALL), cast("Any", 5)
    with collecting(hung=True) as collector:
        exporter = OperationExporter(
            SpanEncoder(metrics),
            Envelope(Resource({}), "s", "1"),
            Sender(collector.url, {}),
            CircuitBreaker(),
        )
        exporter.put(_ended("tools/list"))
        collector.wait_for_request()
        span = lean_span(exporter.put, "ping")
        span.seconds = 0.25
        span.update_name(wrong)
        span.end()
        collector.released.set()
        exporter.shutdown(10)
    points = read_points(Envelope(Resource({}), "s", "1").around(metrics.encode(3)))
    assert [
        point.value.count
        for point in points
        if point.metric == "mcp.server.operation.duration" and not isinstance(point.value, float | int)
    ] == [1]
    assert exporter.dropped == 1


def _ended(method: str) -> OperationSpan:
    ended: list[OperationSpan] = []
    lean_span(ended.append, method).end()
    return ended[0]


@pytest.mark.behaviour("export.repeated-when-retryable")
@pytest.mark.parametrize(
    ("status", "is_over"),
    [(200, True), (302, True), (400, True), (401, True), (413, True), (500, True)]
    + [(status, False) for status in (429, 502, 503, 504)],
)
def test_only_what_otlp_says_is_tried_again(status: int, is_over: bool):
    with collecting(status) as collector:
        assert Sender(f"{collector.url}/v1/traces", {}).send(b"", 10).is_over is is_over


@pytest.mark.behaviour("export.repeated-when-retryable")
@pytest.mark.parametrize(
    "answer",
    [b"Content-Encoding: gzip\r\nContent-Length: 6\r\n\r\nbroken", b"Content-Length: 100\r\n\r\ncut off"],
)
def test_what_was_taken_is_not_sent_again_because_its_answer_is_broken(answer: bytes):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + answer)

        serving = threading.Thread(target=serve)
        serving.start()
        sent = Sender(f"http://127.0.0.1:{listener.getsockname()[1]}/", {}).send(b"", 10)
        serving.join()
    assert sent.is_over


@pytest.mark.behaviour("host.no-secrets-in-logs")
def test_no_secret_gets_into_the_host_s_log(caplog: pytest.LogCaptureFixture):
    for url, headers in (
        ("http://127.0.0.1:9/", {"authorization": "Bearer SECRET\n"}),
        ("http://ada:SECRET@127.0.0.1:9/", {}),
    ):
        assert not Sender(url, headers).send(b"", 10).is_over
    assert len(caplog.records) == 2
    assert "SECRET" not in caplog.text


@pytest.mark.behaviour("export.survives-full-machine")
def test_a_thread_that_can_t_start_is_tried_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MCP_OBS_STRICT")
    with collecting() as collector:
        exporter = exporting(collector.url)
        with monkeypatch.context() as full:
            full.setattr(threading.Thread, "start", _no_more_threads)
            exporter.put(_ended("ping"))
        exporter.put(_ended("tools/list"))
        collector.wait_for("ping", "tools/list")
        exporter.shutdown(10)


def _no_more_threads(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


@pytest.mark.behaviour("export.hidden-from-instrumentation")
def test_exports_are_hidden_from_the_host_s_own_instrumentation():
    suppressed: list[object] = []

    class Noting(Sender):
        def send(self, body: bytes, seconds: float, *, is_divisible: bool = False) -> Sent:
            suppressed.append(context.get_value(_SUPPRESS_INSTRUMENTATION_KEY))
            return Sent(is_over=True)

    exporter = OperationExporter(
        SpanEncoder(), Envelope(Resource({}), "s", "1"), Noting("http://collector.test", {}), CircuitBreaker()
    )
    exporter.put(_ended("ping"))
    exporter.shutdown(10)
    assert suppressed == [True]


@pytest.mark.behaviour("exit.bounded")
def test_spans_and_metrics_share_the_time_that_an_exit_has(monkeypatch: pytest.MonkeyPatch):
    given: list[tuple[str, float]] = []

    def shut_down(exporter: MetricExporter | OperationExporter, seconds: float) -> None:
        given.append((type(exporter).__name__, seconds))

    monkeypatch.setattr(MetricExporter, "shutdown", shut_down)
    monkeypatch.setattr(OperationExporter, "shutdown", shut_down)
    pipeline = LeanPipeline(Configuration(None, "http://127.0.0.1:9", None, ALL))
    for took in (0.25, 0.9):
        times = iter([10.0, 10.0 + took])
        monkeypatch.setattr("mcp_obs._lean.pipeline.time.monotonic", lambda times=times: next(times, 99.0))
        pipeline.shutdown(1.0)
    assert given == [
        ("OperationExporter", 0.9),
        ("MetricExporter", 0.75),
        ("OperationExporter", 0.9),
        ("MetricExporter", 0.1),
    ]


FORKS = """
import os
sys.stdin.readline()
child = os.fork()
if child:
    os.waitpid(child, 0)
begin(lambda: Message("tools/list" if child else "prompts/list", None, 2, None, None, None)).answer({})
"""


@pytest.mark.behaviour("export.fork")
def test_a_forked_child_sends_its_own_operations_and_none_of_its_parent_s():
    with collecting() as collector:
        process = recording_process({"MCP_OBS_ENDPOINT": collector.url}, FORKS)
        # The parent's connection stands when the child begins.
        collector.wait_for("ping")
        _, said = process.communicate("\n", timeout=60)
    assert (process.returncode, said) == (0, "")
    assert collector.spans == ["ping", "prompts/list", "tools/list"]
    parent, child, _ = collector.ports
    assert parent != child
