"""The thread that turns ended operations into OTLP."""

import threading
import time
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue

from mcp_obs._forked_child import call_in_children, new_lock
from mcp_obs._guard import Guard, logger
from mcp_obs._lean.backlog import BATCH_SPANS, Backlog
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.end_decision import EndDecision
from mcp_obs._lean.export_counts import (
    ALREADY_SHUTDOWN,
    NOT_ENCODABLE,
    QUEUE_FULL,
    SPAN_EXPORTER,
    ExportCounts,
)
from mcp_obs._lean.operation_span import LightSpan
from mcp_obs._lean.sender import Sender, hide_requests
from mcp_obs._metrics.metrics import Metrics

# A dashboard should show a call about when it happened.
EXPORT_SECONDS = 1.0
# Where there are many calls, OpenTelemetry's own pause (BatchSpanProcessor, scheduledDelayMillis) is often enough.
_MANY_SPANS, _MANY_EXPORT_SECONDS = 32, 5.0
MOST_WAITING = 8192
# Each holds 64 KiB or many times that, until it is written: in milliseconds, but for what the host is asked about it.
MOST_LARGE_WAITING = 64
# An operation holds some twenty objects, which Python's garbage collector looks through again while they are held.
_WAKE_AT = 128
# Between two requests all is cold: compiled code takes 20 µs for one operation, and 4 for each of these.
TOGETHER = 16
# Meanwhile the host's threads wait for the interpreter: 0.2 ms. The first after a pause takes ten times as long.
_IN_A_ROW = 16
_BREATH_SECONDS = 50e-6

_exporting = Guard("exporting operations")
_putting = Guard("handing an operation to its exporter")


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
        self._encoder = encoder
        self._decision = decision
        # What a decision at its end keeps or not is not written before.
        self._at_once = encoder.at_once if decision is None else None
        self._counted = 0
        self.counts = ExportCounts(SPAN_EXPORTER, breaker, metrics)
        self.backlog = Backlog(envelope, sender, breaker, self.counts)
        self._ended: deque[LightSpan] = deque()
        self._together: deque[LightSpan] = deque()
        self._large_ended: set[LightSpan] = set()
        # An Event's wait is made of some twenty functions, this one of none.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._deadline: float | None = None
        self._is_closed = False
        self._thread: threading.Thread | None = None
        self._starting = new_lock()
        call_in_children(self._forget)

    def put(self, span: LightSpan) -> None:
        """Take an ended operation."""
        waiting = len(self._ended) + len(self._together) + 1
        if waiting > MOST_WAITING or self._deadline is not None:
            self.counts.processed(1, QUEUE_FULL if self._deadline is None else ALREADY_SHUTDOWN)
            return
        try:
            kept = self._at_once.keep(span, self._together) if self._at_once is not None else 0
            if kept:
                # First of all: where no thread can be started, they must not go on to wait.
                if kept >= TOGETHER or self._is_closed:
                    self._write_together()
                if self._thread is None:
                    self._start()
                return
            self._leave_to_python(span, waiting)
        except Exception as error:  # noqa: BLE001  whatever it is, the host goes on
            _putting.swallow(error)

    def _leave_to_python(self, span: LightSpan, waiting: int) -> None:
        """Have it wait for the exporter's thread, which writes it in Python."""
        is_large = span.is_large()
        if is_large:
            if len(self._large_ended) >= MOST_LARGE_WAITING:
                self.counts.processed(1, QUEUE_FULL)
                return
            self._large_ended.add(span)
        self._ended.append(span)
        if self._is_closed:
            # It has been since this began.
            self._count_left()
            return
        if self._thread is None:
            self._start()
        if is_large or waiting >= _WAKE_AT:
            self._wake_up()

    def _write_together(self) -> None:
        """Write what waits for that; in whichever thread."""
        if self._at_once is None:
            return
        before, refused = len(self.backlog) // BATCH_SPANS, list[LightSpan]()
        try:
            self._at_once.write_together(self._together, self.backlog, self._ended, refused)
        finally:
            # A signal's handler may have ended it, and the exporter.
            self.counts.processed(len(refused), QUEUE_FULL)
            self._after_writing(before)

    def _after_writing(self, before: int) -> None:
        if self._is_closed:
            # It has been since this began.
            self._count_left()
            self.backlog.give_up()
            self._count_taken()
        elif len(self._ended) >= _WAKE_AT or len(self.backlog) // BATCH_SPANS > before:
            self._wake_up()

    def _wake_up(self) -> None:
        if self._wake.empty():
            self._wake.put(None)

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
        self._count_taken()
        lost = self.dropped + self.backlog.give_up()
        if lost:
            logger.warning("mcp-obs could not send %d operations", lost)

    @property
    def dropped(self) -> int:
        """Operations that were not sent because too many waited, or too late."""
        return self.counts.dropped

    def _count_left(self) -> None:
        while self._together or self._ended:
            with suppress(IndexError):  # another thread has it
                (self._together or self._ended).popleft()
                self.counts.processed(1, ALREADY_SHUTDOWN)
        self._large_ended.clear()

    def _next(self) -> LightSpan | None:
        try:
            span = self._ended.popleft()
        except IndexError:
            return None
        self._large_ended.discard(span)
        return span

    def _start(self) -> None:
        # Whoever holds it starts the thread: another one, or what a finalizer of Python's has interrupted here.
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                # A daemon: what takes long must not keep the process.
                thread = threading.Thread(target=self.run, name="mcp-obs", daemon=True)
                thread.start()
                self._thread = thread
        finally:
            self._starting.release()

    def _forget(self) -> None:
        """A forked child has neither the thread nor a use for what its parent sends."""
        self._together.clear()
        self._ended.clear()
        self._large_ended.clear()
        self.backlog.forget()
        self._counted = 0
        self.counts.clear()
        self._encoder.forget()
        self._thread = None
        self._wake = SimpleQueue()

    def run(self) -> None:
        """Export until it is shut down; in the thread."""
        hide_requests()
        due = time.monotonic() + EXPORT_SECONDS
        while self._deadline is None:
            self._rest(due - time.monotonic())
            is_due = time.monotonic() >= due
            if is_due:
                # Before anything can fail: what does so each time must not do it without a pause.
                due = time.monotonic() + EXPORT_SECONDS
            with _exporting:
                self.encode_ended()
                self._encoder.count()
                if is_due or len(self.backlog) >= BATCH_SPANS:
                    due = time.monotonic() + self._pause()
                    self.backlog.send_soon()
        self.export(self._deadline)
        # What was handed over while the last were sent, too.
        while self._has_more() and time.monotonic() < self._deadline:
            self.export(self._deadline)

    def _has_more(self) -> bool:
        return bool(self._together or self._ended or (self.backlog.spans and self.backlog.is_well))

    def _rest(self, seconds: float) -> None:
        """Until so much time is over, or somebody wakes the thread."""
        with suppress(Empty):
            self._wake.get(timeout=max(seconds, 0))

    def _pause(self) -> float:
        """The seconds until the next export. What could not be sent is tried again soon, if the breaker lets it."""
        is_busy = len(self.backlog) >= _MANY_SPANS and self.backlog.is_well
        return _MANY_EXPORT_SECONDS if is_busy else EXPORT_SECONDS

    def export(self, deadline: float | None = None) -> None:
        """Encode what has ended and send it, unless the collector is left alone; by the deadline there is no later."""
        with _exporting:
            self.encode_ended()
            self.backlog.send(deadline)

    def encode_ended(self) -> None:
        """Turn what has ended into bytes, which are bounded; in the thread."""
        self._write_together()
        for number in range(1, len(self._ended) + 1):
            if number % _IN_A_ROW == 0 and self._deadline is None:
                time.sleep(_BREATH_SECONDS)
            span = self._next()
            if span is None:
                break
            for each in self._decision.decided(span) if self._decision is not None else (span,):
                self._encode(each)
        self._count_taken()
        if self._decision is not None:
            self.counts.processed(self._decision.dropped, QUEUE_FULL)
            self._decision.dropped = 0

    def _count_taken(self) -> None:
        """What is written by now, by whichever thread."""
        taken = self.backlog.taken
        self.counts.processed(taken - self._counted)
        self._counted = taken

    def _encode(self, span: LightSpan) -> None:
        """Have the bytes of a span wait; not where it is not to be kept, or is lost, which is counted."""
        encoded = None
        try:
            encoded = self._encoder.encode(span)
        except BaseException as error:  # noqa: BLE001  one span must not cost the others, nor end the thread
            _exporting.swallow(error)
        if encoded is None:
            self.counts.processed(1, NOT_ENCODABLE)
        elif encoded and not self.backlog.put(encoded):
            self.counts.processed(1, QUEUE_FULL)
