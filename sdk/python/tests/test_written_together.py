"""What compiled code writes together: when, in which thread, and that all of it is sent or counted."""

import gc
import sys
import threading
from collections import deque
from queue import SimpleQueue
from typing import Any

import pytest
from sdk_kit.calls import ADD, compiled, details
from sdk_kit.collector import collecting
from sdk_kit.lean import exporting
from sdk_kit.recording import exported

from mcp_obs._details import Details
from mcp_obs._guard import STRICT
from mcp_obs._http import HttpOrigin
from mcp_obs._lean import backlog as backlog_module
from mcp_obs._lean import exporter as exporter_module
from mcp_obs._lean.encoder import SpanEncoder
from mcp_obs._lean.exporter import OperationExporter
from mcp_obs._lean.operation_span import LightSpan, OperationSpan
from mcp_obs._metrics.categories import ALL
from mcp_obs._metrics.lean_metrics import LeanMetrics


def one_that_has_written(monkeypatch: pytest.MonkeyPatch) -> tuple[OperationExporter, Details]:
    """An exporter without a thread, which knows what a call is like."""
    exporter, known = exporting("http://127.0.0.1:9"), details()
    monkeypatch.setattr(exporter, "_start", lambda: None)
    exporter.put(ADD.span(known))
    exporter.encode_ended()
    return exporter, known


@compiled
def test_a_finalizer_that_ends_an_operation_while_another_is_put_waits_for_nothing():
    exporter, known = exporting("http://127.0.0.1:9", LeanMetrics(ALL)), details()
    exporter.put(ADD.span(known))
    exporter.export()
    late: list[OperationSpan] = []

    class Abandoned:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            exporter.put(late.pop())

    before = gc.get_threshold()
    gc.set_threshold(3)
    try:
        for _ in range(3000):
            late.append(ADD.span(known))
            Abandoned()
            exporter.put(ADD.span(known))
    finally:
        gc.set_threshold(*before)
    gc.collect()
    exporter.shutdown(0)
    assert exporter.backlog.taken + exporter.dropped == 6001


@compiled
def test_what_finds_no_room_wakes_nobody(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporter_module, "TOGETHER", 1)
    exporter, known = one_that_has_written(monkeypatch)
    exporter.backlog.spans.extend([b""] * (backlog_module.BATCH_SPANS - 1))
    monkeypatch.setattr(backlog_module, "MOST_BYTES", 1)
    wake: SimpleQueue[None] = SimpleQueue()
    monkeypatch.setattr(exporter, "_wake", wake)
    monkeypatch.setattr(exporter, "_thread", threading.current_thread())
    exporter.put(ADD.span(known))
    assert (wake.empty(), exporter.dropped) == (True, 1)
    monkeypatch.setattr(exporter, "_thread", None)
    exporter.shutdown(0)


@compiled
def test_what_is_like_what_came_before_waits_for_its_fellows_and_not_for_a_thread(
    monkeypatch: pytest.MonkeyPatch,
):
    exporter, known = one_that_has_written(monkeypatch)
    written: list[int] = []
    for _ in range(2 * exporter_module.TOGETHER):
        exporter.put(ADD.span(known))
        written.append(len(exporter.backlog) - 1)
    apart = exporter_module.TOGETHER - 1
    assert written == [0] * apart + [apart + 1] * (apart + 1) + [2 * (apart + 1)]
    exporter.shutdown(0)


@compiled
def test_few_that_wait_for_others_are_written_by_the_exporters_thread(monkeypatch: pytest.MonkeyPatch):
    exporter, known = exporting("http://127.0.0.1:9"), details()
    monkeypatch.setattr(exporter, "_start", lambda: None)
    for waiting in (1, 3):
        for _ in range(waiting):
            exporter.put(ADD.span(known))
        exporter.encode_ended()
    assert len(exporter.backlog) == 4
    exporter.shutdown(0)


@compiled
def test_one_that_is_interrupted_while_it_is_written_is_left_to_the_exporters_thread(
    monkeypatch: pytest.MonkeyPatch,
):
    encoder, known, left = SpanEncoder(), details(), deque[LightSpan]()
    assert encoder.at_once is not None
    encoder.encode(ADD.span(known))
    span = ADD.span(known)

    def interrupted(self: HttpOrigin, revision: str | None) -> str | None:
        raise KeyboardInterrupt

    monkeypatch.setattr(HttpOrigin, "session_id", interrupted)
    exporter = exporting("http://127.0.0.1:9")
    with pytest.raises(KeyboardInterrupt):
        encoder.at_once.write_together(deque([span]), exporter.backlog, left, [])
    assert list(left) == [span]


@compiled
def test_operations_of_many_threads_are_all_written_and_counted():
    metrics, known = LeanMetrics(ALL), details()
    with collecting() as collector:
        exporter = exporting(collector.url, metrics)
        exporter.put(ADD.span(known))
        exporter.export()

        def call() -> None:
            for _ in range(500):
                exporter.put(ADD.span(known))

        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        exporter.shutdown(30)
        assert (len(collector.spans), exporter.dropped) == (4001, 0)
    counts = {point.metric: getattr(point.value, "count", point.value) for point in exported(metrics)}
    assert counts["mcp.server.operation.duration"] == 4001


@compiled
def test_a_batch_that_is_full_is_sent_before_its_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporter_module, "EXPORT_SECONDS", 3600.0)
    known = details()
    with collecting() as collector:
        exporter = exporting(collector.url)
        exporter.put(ADD.span(known))
        exporter.export()
        for _ in range(backlog_module.BATCH_SPANS):
            exporter.put(ADD.span(known))
        collector.wait_for(*["tools/call add"] * (backlog_module.BATCH_SPANS + 1))
        exporter.shutdown(10)


@compiled
def test_where_no_thread_can_be_started_what_is_written_together_waits_no_longer(
    monkeypatch: pytest.MonkeyPatch,
):
    exporter, known = exporting("http://127.0.0.1:9"), details()
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(exporter, "_start", lambda: None)
        exporter.put(ADD.span(known))
        exporter.encode_ended()

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.delenv(STRICT)
    monkeypatch.setattr(threading.Thread, "start", start)
    for _ in range(3 * exporter_module.TOGETHER):
        exporter.put(ADD.span(known))
    assert len(exporter.backlog) == 1 + 3 * exporter_module.TOGETHER
    exporter.shutdown(0)


@compiled
def test_one_that_a_handler_interrupts_and_shuts_down_is_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporter_module, "TOGETHER", 1)
    exporter, known = one_that_has_written(monkeypatch)
    exporter.backlog.forget()

    def interrupted(self: HttpOrigin, revision: str | None) -> str | None:
        exporter.shutdown(0)
        raise SystemExit

    monkeypatch.setattr(HttpOrigin, "session_id", interrupted)
    with pytest.raises(SystemExit):
        exporter.put(ADD.span(known))
    assert exporter.dropped == 1


@compiled
def test_what_finds_no_room_is_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporter_module, "TOGETHER", 1)
    exporter, known = one_that_has_written(monkeypatch)
    monkeypatch.setattr(backlog_module, "MOST_BYTES", 1)
    exporter.put(ADD.span(known))
    assert exporter.dropped == 1
    exporter.shutdown(0)


@compiled
def test_one_that_ends_while_its_exporter_does_is_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    exporter, known = one_that_has_written(monkeypatch)
    exporter.backlog.forget()
    writer = exporter._at_once  # pyright: ignore[reportPrivateUsage]
    assert writer is not None

    class Meanwhile:
        def keep(self, span: LightSpan, together: deque[LightSpan]) -> int:
            exporter.shutdown(0)
            return writer.keep(span, together)

        def write_together(self, *given: Any) -> None:
            writer.write_together(*given)

    monkeypatch.setattr(exporter, "_at_once", Meanwhile())
    exporter.put(ADD.span(known))
    figures = {str(dict(each.attributes).get("error.type")): each.value for each in exporter.counts.figures()}
    assert figures["timeout"] == 1


def test_without_compiled_code_python_writes_everything(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "mcp_obs._lean.compiled", None)
    encoder = SpanEncoder()
    assert encoder.at_once is None
    exporter = exporting("http://127.0.0.1:9")
    monkeypatch.setattr(exporter, "_start", lambda: None)
    for _ in range(2):
        exporter.put(ADD.span(details()))
    assert len(exporter.backlog) == 0
    exporter.encode_ended()
    assert len(exporter.backlog) == 2
    exporter.shutdown(0)
