"""What waits for its exporter is bounded in number, in bytes and in what it holds."""

import threading
import weakref
from queue import SimpleQueue
from typing import Any, cast

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanContext
from sdk_kit.collector import collecting
from sdk_kit.lean import ended_span, exporting, lean_span

from mcp_obs._details import Details
from mcp_obs._lean import backlog as backlog_module
from mcp_obs._lean import exporter as exporter_module
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.largeness import LARGE_TEXT
from mcp_obs._lean.operation_span import OperationSpan
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
    monkeypatch.setattr(backlog_module, "MOST_BYTES", 1)
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


@pytest.mark.behaviour("export.bounded-memory")
def test_the_thread_that_writes_is_woken_after_128_operations(monkeypatch: pytest.MonkeyPatch):
    wake: SimpleQueue[None] = SimpleQueue()
    exporter = exporting("http://127.0.0.1:9")
    monkeypatch.setattr(exporter, "_start", lambda: None)
    monkeypatch.setattr(exporter, "_wake", wake)
    for _ in range(127):
        exporter.put(ended_span("ping"))
    assert wake.empty()
    exporter.put(ended_span("ping"))
    assert not wake.empty()


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
        {"content": [{"type": "resource", "resource": {"text": "x" * (LARGE_TEXT + 1)}}]},
        {"content": [{"type": "text", "text": "x"}] * 1000},
        {
            "content": [],
            "structuredContent": {"rows": [{"id": 1}, {"of": [{"text": "x" * (LARGE_TEXT + 1)}]}]},
        },
        {"messages": [{"role": "user", "content": {"type": "text", "text": "x" * (LARGE_TEXT + 1)}}]},
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
        "a resource in a tool's",
        "many blocks",
        "a text far inside",
        "a prompt's",
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
        {"name": "add", "arguments": {"of": {"text": "x" * (LARGE_TEXT + 1)}}},
        {"name": "add", "arguments": {"of": {"a": {"list": ["x" * 100, ["x" * (LARGE_TEXT + 1)]]}}}},
        {"name": "add", "arguments": {"of": {"rows": [{"text": "x" * 9000}] * 9}}},
        {"name": "add", "arguments": {"of": [{"rows": [{"id": 1}] * 40}] * 16}},
        {"name": "add", "arguments": {}, "requestState": "x" * (LARGE_TEXT + 1)},
        {"messages": [{"role": "user"}] * 1000},
        {"messages": [{"role": "user", "content": {"text": "x" * (LARGE_TEXT + 1)}}]},
    ],
    ids=[
        "a text",
        "a list",
        "many",
        "a text in an object",
        "a text far inside",
        "texts that are large together",
        "many far inside",
        "what is beside no arguments",
        "of a method without arguments",
        "a text far inside, of a method without arguments",
    ],
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
def test_a_collector_that_hangs_holds_up_nothing_that_is_to_be_written(monkeypatch: pytest.MonkeyPatch):
    writing, all_written = list[threading.Thread](), threading.Event()

    def redact(value: object, path: object) -> object:
        writing.append(threading.current_thread())
        if len(writing) == 100:
            all_written.set()
        return value

    details = Details(Privacy("redacted", redact=redact))
    with collecting(hung=True) as collector:
        exporter = exporting(collector.url)
        lean_span(exporter.put).end()
        collector.wait_for_request()
        for _ in range(100):
            message = Message("tools/call", {"name": "add", "arguments": {"a": 1}}, 1, None, None, None)
            message.details = details
            OperationSpan(message, SpanContext(1, 2, is_remote=False), None, (), exporter.put).end()
        assert all_written.wait(60)
        assert threading.current_thread() not in writing
        collector.released.set()
        exporter.shutdown(10)
    assert len(collector.spans) == 101


@pytest.mark.behaviour("export.bounded-queue")
def test_few_large_operations_wait_for_a_slow_hook_and_what_is_left_out_is_counted(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(exporter_module, "MOST_LARGE_WAITING", 2)
    asked: SimpleQueue[object] = SimpleQueue()
    may_answer = threading.Event()

    def redact(value: object, path: object) -> object:
        asked.put(path)
        assert may_answer.wait(60)
        return value

    details = Details(Privacy("redacted", redact=redact))
    with collecting() as collector:
        exporter = exporting(collector.url)

        def end(text: str) -> None:
            message = Message("tools/call", {"name": "add", "arguments": {"a": text}}, 1, None, None, None)
            message.details = details
            OperationSpan(message, SpanContext(1, 2, is_remote=False), None, (), exporter.put).end()

        large = "x" * (LARGE_TEXT + 1)
        end(large)
        asked.get(timeout=60)
        for text in (large, large, large, "small", large):
            end(text)
        assert exporter.dropped == 2
        may_answer.set()
        for _ in range(3):
            asked.get(timeout=60)
        end(large)
        exporter.shutdown(10)
    assert (len(collector.spans), exporter.dropped) == (5, 2)


@pytest.mark.behaviour("export.bounded-memory")
def test_nothing_large_is_held_while_a_collector_hangs():
    with collecting(hung=True) as collector:
        exporter = exporting(collector.url)
        lean_span(exporter.put).end()
        collector.wait_for_request()
        span, is_gone = lean_span(exporter.put), threading.Event()
        span.details = Details()
        span.result = result = Large(structuredContent={"rows": ["x" * 1000] * 1000})
        is_held = weakref.ref(result, lambda _: is_gone.set())
        span.end()
        del span, result
        assert is_gone.wait(60)
        assert is_held() is None
        collector.released.set()
        exporter.shutdown(10)


@pytest.mark.behaviour("export.bounded-queue")
def test_what_is_on_its_way_to_a_collector_that_hangs_takes_its_room_until_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
):
    with collecting(hung=True) as collector:
        backlog = exporting(collector.url).backlog
        spans = [
            SpanEncoder().encode(ended_span(method)) for method in ("tools/list", "ping", "ping", "ping")
        ]
        monkeypatch.setattr(backlog_module, "MOST_BYTES", sum(map(len, spans[:3])))
        assert backlog.put(spans[0])
        backlog.send_soon()
        collector.wait_for_request()
        assert [backlog.put(span) for span in spans[1:]] == [True, True, False]
        collector.released.set()
        backlog.send()
        assert backlog.put(spans[0])
    assert collector.spans == ["tools/list", "ping", "ping"]


@pytest.mark.behaviour("export.bounded-queue")
def test_what_has_been_sent_makes_room_for_what_follows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(backlog_module, "MOST_BYTES", len(SpanEncoder().encode(ended_span("ping"))))
    with collecting() as collector:
        exporter = exporting(collector.url)
        monkeypatch.setattr(exporter, "_start", lambda: None)
        for _ in range(3):
            lean_span(exporter.put, "ping").end()
            exporter.export()
    assert (collector.spans, exporter.dropped) == (["ping"] * 3, 0)


@pytest.mark.behaviour("export.unencodable-costs-itself")
def test_what_can_t_be_written_is_counted_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MCP_OBS_STRICT")
    metrics, wrong = LeanMetrics(ALL), cast("Any", 5)
    exporter = exporting("http://127.0.0.1:9", metrics)
    span = lean_span(exporter.put, "ping")
    span.seconds = 0.25
    span.name = wrong
    span.end()
    exporter.shutdown(10)
    points = read_points(Envelope(Resource({}), "s", "1").around(metrics.encode(3)))
    assert [
        point.value.count
        for point in points
        if point.metric == "mcp.server.operation.duration" and not isinstance(point.value, float | int)
    ] == [1]
    assert exporter.dropped == 1
