"""The thread that sends operations: what it sends again, and how it ends."""

import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import StatusCode
from sdk_kit.calls import compiled
from sdk_kit.collector import collecting
from sdk_kit.lean import ended_span, exporting, first_span, lean_span

from mcp_obs._configuration import Configuration
from mcp_obs._lean import exporter as exporter_module
from mcp_obs._lean.backlog import Backlog
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.exporter import OperationExporter
from mcp_obs._lean.operation_span import LightSpan, OperationSpan
from mcp_obs._lean.pipeline import LeanPipeline
from mcp_obs._lean.sender import Sender, Sent
from mcp_obs._metrics.categories import ALL
from mcp_obs._metrics.exporter import MetricExporter

if TYPE_CHECKING:
    from mcp_obs._lean.compiled import TemplateWriter


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
        exporter.put(ended_span("ping"))
        exporter.export()
        now[0] += 0.5
    assert asked == [0, 1, 3, 7, 15, 31, 63, 123, 183]


@pytest.mark.behaviour("export.bounded-queue")
def test_an_operation_that_ends_while_its_exporter_does_is_counted(monkeypatch: pytest.MonkeyPatch):
    exporter = exporting("http://127.0.0.1:9")
    # Compiled code has a test of its own.
    monkeypatch.setattr(exporter, "_at_once", None)
    monkeypatch.setattr(exporter, "_start", lambda: None)
    span = ended_span("ping")

    def meanwhile(span: OperationSpan) -> bool:
        exporter.shutdown(0)
        return False

    monkeypatch.setattr(OperationSpan, "is_large", meanwhile)
    exporter.put(span)
    assert exporter.dropped == 1


class Watched:
    """A writer of compiled code, with a look at what is handed to it."""

    def __init__(self, writer: "TemplateWriter", look_at: Callable[[LightSpan], bool]) -> None:
        self._look_at = look_at
        self._keep, self.write_together = writer.keep, writer.write_together

    def keep(self, span: LightSpan, together: deque[LightSpan]) -> int:
        self._look_at(span)
        return self._keep(span, together)


@pytest.mark.behaviour("exit.flush")
@pytest.mark.parametrize("is_compiled", [False, pytest.param(True, marks=compiled)])
def test_an_operation_that_ends_while_the_last_ones_are_sent_is_sent_too(
    is_compiled: bool, monkeypatch: pytest.MonkeyPatch
):
    late: list[LightSpan] = [ended_span("tools/list"), ended_span("prompts/list")]
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

    def look_at(span: LightSpan) -> bool:
        if span in late:
            are_looked_at.wait(60)
            may_go_on[late.index(span)].wait(60)
        return False

    monkeypatch.setattr(exporter_module, "EXPORT_SECONDS", 3600.0)
    envelope = Envelope(Resource({}), "s", "1")
    exporter = OperationExporter(
        SpanEncoder(), envelope, Sending("http://collector.test", {}), CircuitBreaker()
    )
    writer = SpanEncoder().at_once
    if is_compiled and writer is not None:
        monkeypatch.setattr(exporter, "_at_once", Watched(writer, look_at))
    else:
        monkeypatch.setattr(exporter, "_at_once", None)
        monkeypatch.setattr(OperationSpan, "is_large", look_at)
    handing_over = [threading.Thread(target=exporter.put, args=(span,)) for span in late]
    for thread in handing_over:
        thread.start()
    are_looked_at.wait(60)
    exporter.put(ended_span("ping"))
    exporter.shutdown(60)
    assert [first_span(body).name for body in bodies] == ["ping", "tools/list", "prompts/list"]
    assert exporter.dropped == 0


def _pauses_of(exporter: OperationExporter, most: int, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long its thread rests, each time nobody wakes it; after so many times it is shut down."""
    now, pauses = [0.0], list[float]()

    class Wake(SimpleQueue[None]):
        def get(self, block: bool = True, timeout: float | None = None) -> None:
            assert timeout is not None
            pauses.append(timeout)
            now[0] += timeout
            if len(pauses) == most:
                exporter.shutdown(0)
            raise Empty

    monkeypatch.setattr("mcp_obs._lean.exporter.time.monotonic", lambda: now[0])
    monkeypatch.setattr(exporter, "_wake", Wake())
    return pauses


@pytest.mark.behaviour("host.own-failure-swallowed")
@pytest.mark.parametrize(
    ("of", "failing"),
    [(OperationExporter, "encode_ended"), (Backlog, "send_soon")],
    ids=["encoding", "sending"],
)
def test_an_exporter_that_fails_each_time_pauses_each_time(
    of: type, failing: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MCP_OBS_STRICT")
    exporter = exporting("http://127.0.0.1:9")

    def fail(_: object) -> None:
        raise RuntimeError("always")

    pauses = _pauses_of(exporter, 5, monkeypatch)
    monkeypatch.setattr(of, failing, fail)
    # What a thread hides from instrumentation stays hidden in it.
    copy_context().run(exporter.run)
    assert pauses == [1.0] * 5


@pytest.mark.parametrize(
    ("spans", "is_well", "seconds"),
    [(31, True, 1.0), (32, True, 5.0), (32, False, 1.0)],
    ids=["few", "many", "many for a collector that is not well"],
)
def test_many_operations_are_sent_less_often_where_the_collector_is_well(
    spans: int, is_well: bool, seconds: float, monkeypatch: pytest.MonkeyPatch
):
    breaker = CircuitBreaker()
    breaker.note(is_well=is_well)
    exporter = OperationExporter(
        SpanEncoder(), Envelope(Resource({}), "s", "1"), Sender("http://127.0.0.1:9", {}), breaker
    )

    pauses = _pauses_of(exporter, 2, monkeypatch)
    monkeypatch.setattr(exporter, "_start", lambda: None)
    monkeypatch.setattr(exporter.backlog, "send_soon", lambda: None)
    for _ in range(spans):
        exporter.put(ended_span("ping"))
    # What a thread hides from instrumentation stays hidden in it.
    copy_context().run(exporter.run)
    assert pauses == [1.0, seconds]


def test_threads_of_the_host_are_let_in_between_the_spans_of_a_batch(monkeypatch: pytest.MonkeyPatch):
    exporter, breaths = exporting("http://127.0.0.1:9"), list[float]()
    monkeypatch.setattr(exporter, "_start", lambda: None)
    monkeypatch.setattr("mcp_obs._lean.exporter.time.sleep", breaths.append)
    for _ in range(40):
        exporter.put(ended_span("ping"))
    exporter.encode_ended()
    assert breaths == [50e-6] * 2


@pytest.mark.behaviour("host.undescribable-message")
def test_a_result_that_is_none_of_mcp_s_costs_no_span():
    exporter = exporting("http://127.0.0.1:9")
    span = lean_span(exporter.put)
    span.result = {"content": ["no block", {"text": 7}, None]}
    span.end()
    exporter.encode_ended()
    assert exporter.dropped == 0
    exporter.shutdown(0)


class ExitingText(str):
    """A host's own, which ends who looks at it as `sys.exit()` does."""

    __slots__ = ()

    def isascii(self) -> bool:
        raise SystemExit


@pytest.mark.behaviour("export.unencodable-costs-itself")
def test_a_span_that_exits_when_it_is_written_costs_itself_and_not_the_exporter(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv("MCP_OBS_STRICT")
    with collecting() as collector:
        exporter = exporting(collector.url)
        exiting = lean_span(exporter.put)
        exiting.set_status(StatusCode.ERROR, ExitingText("no"))
        exiting.end()
        lean_span(exporter.put, "tools/list").end()
        collector.wait_for("tools/list")
        exporter.shutdown(10)
    assert collector.spans == ["tools/list"]


@pytest.mark.behaviour("export.repeated-when-retryable")
def test_a_collector_that_is_well_again_gets_at_exit_what_it_could_not_take():
    with collecting(503) as collector:
        exporter = OperationExporter(
            SpanEncoder(), Envelope(Resource({}), "s", "1"), Sender(collector.url, {}), CircuitBreaker()
        )
        exporter.put(ended_span("ping"))
        collector.wait_for_request()
        collector.status = 200
        exporter.put(ended_span("tools/list"))
        exporter.shutdown(10)
        assert len(collector.requests) == 2
    assert exporter.dropped == 0


@pytest.mark.behaviour("export.survives-full-machine")
def test_a_thread_that_can_t_start_is_tried_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MCP_OBS_STRICT")
    with collecting() as collector:
        exporter = exporting(collector.url)
        with monkeypatch.context() as full:
            full.setattr(threading.Thread, "start", _no_more_threads)
            exporter.put(ended_span("ping"))
        exporter.put(ended_span("tools/list"))
        collector.wait_for("ping", "tools/list")
        exporter.shutdown(10)


def _no_more_threads(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


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
