"""The thread that turns ended operations into OTLP and sends it."""

import os
import threading
import time
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from weakref import WeakSet

from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage]  the SDK's own processors use it
    attach,
    set_value,
)

from mcp_obs._guard import Guard, logger
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.end_decision import EndDecision
from mcp_obs._lean.export_counts import (
    ALREADY_SHUTDOWN,
    NOT_ENCODABLE,
    QUEUE_FULL,
    SPAN_EXPORTER,
    TIMEOUT,
    ExportCounts,
)
from mcp_obs._lean.operation_span import LightSpan
from mcp_obs._lean.sender import Sender, Sent
from mcp_obs._locks import new_lock
from mcp_obs._metrics.metrics import Metrics

# A dashboard should show a call about when it happened.
EXPORT_SECONDS = 1.0
# Where there are many calls, OpenTelemetry's own pause (BatchSpanProcessor, scheduledDelayMillis) is often enough.
_MANY_SPANS, _MANY_EXPORT_SECONDS = 32, 5.0
MOST_WAITING = 8192
# An operation holds some twenty objects, which Python's garbage collector looks through again while they are held.
_WAKE_AT = 32
# Meanwhile the host's threads wait for the interpreter, up to a millisecond for all that woke the thread.
_IN_A_ROW = 8
_BREATH_SECONDS = 50e-6
# A collector that is well answers in less. One that is not may hang, and what is held would hang with it.
HELD_UP_SECONDS = 0.2
BATCH_SPANS = 512
# What waits for a collector that is away.
MOST_BACKLOG_BYTES = 8 * 2**20
ANSWER_SECONDS = 10.0

_exporting = Guard("exporting operations")
_putting = Guard("handing an operation to its exporter")
_exporters = WeakSet["OperationExporter"]()


class OperationExporter:
    """Takes ended operations from any thread; never makes one wait."""

    def __init__(
        self,
        encoder: SpanEncoder,
        envelope: Envelope,
        sender: Sender,
        breaker: CircuitBreaker,
        decision: EndDecision | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._envelope = envelope
        self._sender = sender
        self._breaker = breaker
        self._encoder = encoder
        self._decision = decision
        self._ended: deque[LightSpan | bytes] = deque()
        self._backlog: deque[bytes] = deque()
        self._encoded_bytes = 0
        """In the backlog, and on the way there."""
        self._weighing = new_lock()
        self.counts = ExportCounts(SPAN_EXPORTER, breaker, metrics)
        # An Event's wait is made of some twenty functions, this one of none.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._deadline: float | None = None
        self._is_closed = False
        self._batch_spans = BATCH_SPANS
        self._sending_since: float | None = None
        self._thread: threading.Thread | None = None
        self._starting = new_lock()
        _exporters.add(self)

    def put(self, span: LightSpan) -> None:
        """Take an ended operation."""
        waiting = len(self._ended)
        if waiting >= MOST_WAITING or self._deadline is not None:
            self.counts.processed(1, QUEUE_FULL if self._deadline is None else ALREADY_SHUTDOWN)
            return
        try:
            is_urgent = waiting >= _WAKE_AT or span.is_large()
            is_held_up = self._sending_since is not None and self._is_held_up(is_urgent)
            light = self._without_message(span) if is_held_up else span
            if light is None:
                return
            self._ended.append(light)
            if self._is_closed:
                # It has been since this began.
                self._count_left()
                return
            if self._thread is None:
                self._start()
            if is_urgent and self._wake.empty():
                self._wake.put(None)
        except Exception as error:  # noqa: BLE001  whatever it is, the host goes on
            _putting.swallow(error)

    def shutdown(self, seconds: float) -> None:
        """Send what waits, for at most about `seconds`; nothing is taken afterwards."""
        if self._deadline is None:
            self._deadline = time.monotonic() + seconds
        self._wake.put(None)
        thread = self._thread
        if thread is not None:
            thread.join(max(self._deadline - time.monotonic(), 0))
        if self._is_closed:
            return
        self._is_closed = True
        self._count_left()
        left = len(self._backlog)
        self.counts.exported(left, TIMEOUT)
        if self.dropped + left:
            logger.warning("mcp-obs could not send %d operations", self.dropped + left)

    @property
    def dropped(self) -> int:
        """Operations that were not sent because too many waited, or too late."""
        return self.counts.dropped

    def _count_left(self) -> None:
        while self._next() is not None:
            self.counts.processed(1, ALREADY_SHUTDOWN)

    def _is_held_up(self, is_urgent: bool) -> bool:
        """Whether the thread may be so for long: what messages and results hold must not pile up."""
        since = self._sending_since
        return since is not None and (is_urgent or time.perf_counter() - since > HELD_UP_SECONDS)

    def _without_message(self, span: LightSpan) -> LightSpan | bytes | None:
        """None for what will not be sent: its operation has been counted, and would be again."""
        if self._decision is None:
            return self._encoded(span)
        with _exporting:
            span.let_go()
            return span
        self.counts.processed(1, NOT_ENCODABLE)
        return None

    def _next(self) -> LightSpan | bytes | None:
        try:
            return self._ended.popleft()
        except IndexError:
            return None

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                # A daemon: a collector that hangs must not keep the process.
                thread = threading.Thread(target=self.run, name="mcp-obs", daemon=True)
                thread.start()
                self._thread = thread

    def forget(self) -> None:
        """A forked child has neither the thread nor a use for what its parent sends."""
        self._ended.clear()
        self._backlog.clear()
        self._encoded_bytes = 0
        self.counts.clear()
        self._encoder.forget()
        self._sending_since = None
        self._thread = None
        self._wake = SimpleQueue()
        self._sender.forget()

    def run(self) -> None:
        """Export until it is shut down; in the thread."""
        # The host's own instrumentation of HTTP need not see the exports.
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        due = time.monotonic() + EXPORT_SECONDS
        while self._deadline is None:
            self._rest(due - time.monotonic())
            is_due = time.monotonic() >= due
            if is_due:
                # Before anything can fail: what does so each time must not do it without a pause.
                due = time.monotonic() + EXPORT_SECONDS
            with _exporting:
                self.encode_ended()
                if is_due or len(self._backlog) >= BATCH_SPANS:
                    due = time.monotonic() + self._send_and_pause()
        self.export()
        # What was handed over while the last were sent, too.
        while self._ended and time.monotonic() < self._deadline:
            self.export()

    def _rest(self, seconds: float) -> None:
        """Until so much time is over, or somebody wakes the thread."""
        with suppress(Empty):
            self._wake.get(timeout=max(seconds, 0))

    def _send_and_pause(self) -> float:
        """The seconds until the next export. What could not be sent is tried again soon, if the breaker lets it."""
        before = len(self._backlog)
        self._send()
        return _MANY_EXPORT_SECONDS if before - len(self._backlog) >= _MANY_SPANS else EXPORT_SECONDS

    def export(self) -> None:
        """Encode what has ended, and send what there is unless the collector is left alone; in the thread."""
        with _exporting:
            self.encode_ended()
            self._send()

    def encode_ended(self) -> None:
        """Turn what has ended into bytes, which are bounded; in the thread."""
        before = len(self._backlog)
        for number in range(1, len(self._ended) + 1):
            if number % _IN_A_ROW == 0 and self._deadline is None:
                time.sleep(_BREATH_SECONDS)
            span = self._next()
            if span is None:
                break
            if isinstance(span, bytes):
                self._backlog.append(span)
                continue
            for each in self._decision.decided(span) if self._decision is not None else (span,):
                encoded = self._encoded(each)
                if encoded is not None:
                    self._backlog.append(encoded)
        self.counts.processed(len(self._backlog) - before)
        if self._decision is not None:
            self.counts.processed(self._decision.dropped, QUEUE_FULL)
            self._decision.dropped = 0

    def _encoded(self, span: LightSpan) -> bytes | None:
        """The bytes of a span, which there is room for; None for what will not be sent. What is lost is counted."""
        encoded = None
        try:
            encoded = self._encoder.encode(span)
        except Exception as error:  # noqa: BLE001  one span must not cost the others
            _exporting.swallow(error)
        if encoded is None:
            self.counts.processed(1, NOT_ENCODABLE)
        elif self._weigh(len(encoded)):
            return encoded or None
        else:
            self.counts.processed(1, QUEUE_FULL)
        return None

    def _weigh(self, more: int) -> bool:
        """Count bytes in, or out where they are negative; False where there is no room for them."""
        with self._weighing:
            if more > 0 and self._encoded_bytes + more > MOST_BACKLOG_BYTES:
                return False
            self._encoded_bytes += more
            return True

    def _send(self) -> None:
        # At the end there is no later.
        while self._backlog and (self._deadline is not None or self._breaker.state != "open"):
            seconds = ANSWER_SECONDS
            if self._deadline is not None:
                seconds = min(seconds, self._deadline - time.monotonic())
                if seconds <= 0:
                    return
            count = min(len(self._backlog), self._batch_spans)
            batch = [self._backlog[place] for place in range(count)]
            sent = self._sent(self._envelope.around(batch), seconds, is_divisible=count > 1)
            if not sent.is_over:
                return
            if sent.is_too_large:
                self._batch_spans = count // 2
                continue
            # Slowly back: one span of unusual size must not make small requests of all that follow.
            self._batch_spans = min(self._batch_spans + self._batch_spans // 8 + 1, BATCH_SPANS)
            for _ in batch:
                self._backlog.popleft()
            self._weigh(-sum(map(len, batch)))
            self.counts.exported(count, sent.error)

    def _sent(self, body: bytes, seconds: float, *, is_divisible: bool) -> Sent:
        self._sending_since = started = time.perf_counter()
        try:
            sent = self._sender.send(body, seconds, is_divisible=is_divisible)
        finally:
            self._sending_since = None
        self.counts.took(time.perf_counter() - started, sent.error)
        # A key that is refused is refused again, so refusals for good are waited out too.
        self._breaker.note(is_well=not sent.is_unwell, asked_seconds=sent.retry_seconds)
        return sent


def _forget_all() -> None:
    for exporter in _exporters:
        exporter.forget()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_all)
