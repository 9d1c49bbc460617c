"""The thread that turns ended operations into OTLP and sends it."""

import gzip
import os
import threading
import time
from collections import deque
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
from mcp_obs._lean.operation_span import LightSpan
from mcp_obs._lean.sender import Sender

# A dashboard should show a call about when it happened.
EXPORT_SECONDS = 1.0
MOST_WAITING = 8192
_WAKE_AT = MOST_WAITING // 4
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
    ) -> None:
        self._envelope = envelope
        self._sender = sender
        self._breaker = breaker
        self._encoder = encoder
        self._decision = decision
        self._ended: deque[LightSpan] = deque()
        self._backlog: deque[bytes] = deque()
        self._backlog_bytes = 0
        self.dropped = 0
        """Operations that were not sent because too many waited."""
        self._wake = threading.Event()
        self._deadline: float | None = None
        self._batch_spans = BATCH_SPANS
        self._is_sending = False
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        _exporters.add(self)

    def put(self, span: LightSpan) -> None:
        """Take an ended operation."""
        waiting = len(self._ended)
        if waiting >= MOST_WAITING or self._deadline is not None:
            self.dropped += 1
            return
        with _putting:
            is_urgent = waiting >= _WAKE_AT or span.has_large_result()
            if self._is_sending:
                # The thread may be held up for long: what it can't let go must not pile up.
                span.let_go()
            self._ended.append(span)
            if self._thread is None:
                self._start()
            if is_urgent and not self._wake.is_set():
                self._wake.set()

    def shutdown(self, seconds: float) -> None:
        """Send what waits, for at most about `seconds`; nothing is taken afterwards."""
        if self._deadline is None:
            self._deadline = time.monotonic() + seconds
        self._wake.set()
        thread = self._thread
        if thread is not None:
            thread.join(max(self._deadline - time.monotonic(), 0))
        lost = self.dropped + len(self._ended) + len(self._backlog)
        if lost:
            logger.warning("mcp-obs could not send %d operations", lost)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                # A daemon: a collector that hangs must not keep the process.
                thread = threading.Thread(target=self._run, name="mcp-obs", daemon=True)
                thread.start()
                self._thread = thread

    def forget(self) -> None:
        """A forked child has neither the thread nor a use for what its parent sends."""
        self._ended.clear()
        self._backlog.clear()
        self._backlog_bytes = 0
        self.dropped = 0
        self._is_sending = False
        self._thread = None
        self._wake = threading.Event()
        self._starting = threading.Lock()
        self._sender.forget()

    def _run(self) -> None:
        # The host's own instrumentation of HTTP need not see the exports.
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        while self._deadline is None:
            self._wake.wait(EXPORT_SECONDS)
            self._wake.clear()
            with _exporting:
                self.encode_ended()
                self._send()
        with _exporting:
            self.encode_ended()
            self._send()

    def encode_ended(self) -> None:
        """Turn what has ended into bytes, which are bounded; in the thread."""
        for _ in range(len(self._ended)):
            span = self._ended.popleft()
            for each in self._decision.decided(span) if self._decision is not None else (span,):
                encoded = None
                with _exporting:
                    encoded = self._encoder.encode(each)
                self._keep(encoded)

    def _keep(self, encoded: bytes | None) -> None:
        if encoded is None or self._backlog_bytes + len(encoded) > MOST_BACKLOG_BYTES:
            self.dropped += 1
            return
        if not encoded:
            return
        self._backlog.append(encoded)
        self._backlog_bytes += len(encoded)

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
            body = gzip.compress(self._envelope.around(batch), 1)
            self._is_sending = True
            try:
                sent = self._sender.send(body, seconds, is_divisible=count > 1)
            finally:
                self._is_sending = False
            if not sent.is_over:
                self._breaker.failed(sent.retry_seconds)
                return
            self._breaker.succeeded()
            if sent.is_too_large:
                self._batch_spans = count // 2
                continue
            # Slowly back: one span of unusual size must not make small requests of all that follow.
            self._batch_spans = min(self._batch_spans + self._batch_spans // 8 + 1, BATCH_SPANS)
            for each in batch:
                self._backlog.popleft()
                self._backlog_bytes -= len(each)


def _forget_all() -> None:
    for exporter in _exporters:
        exporter.forget()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_all)
