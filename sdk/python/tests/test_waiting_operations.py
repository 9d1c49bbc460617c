"""What waits for its exporter is bounded in number, in bytes and in what it holds."""

import threading
import weakref
from collections.abc import Callable
from typing import Any, cast

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanContext
from sdk_kit.collector import collecting
from sdk_kit.lean import ended_span, exporting, lean_span

from mcp_obs._details import Details
from mcp_obs._lean import exporter as exporter_module
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.exporter import OperationExporter
from mcp_obs._lean.operation_span import LARGE_TEXT, OperationSpan
from mcp_obs._lean.sender import Sender
from mcp_obs._message import Message
from mcp_obs._metrics.categories import ALL
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._privacy.settings import Privacy
from mcp_obs.testing._reading import read_points


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
    first, later = (len(SpanEncoder().encode(ended_span(method))) for method in ("tools/list", "ping"))
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
    monkeypatch.setattr(exporter_module, "MOST_BACKLOG_BYTES", len(SpanEncoder().encode(ended_span("ping"))))
    with collecting() as collector:
        exporter = exporting(collector.url)
        monkeypatch.setattr(exporter, "_start", lambda: None)
        for _ in range(3):
            lean_span(exporter.put, "ping").end()
            exporter.export()
    assert (collector.spans, exporter.dropped) == (["ping"] * 3, 0)


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
        exporter.put(ended_span("tools/list"))
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
