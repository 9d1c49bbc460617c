"""What is written and waits to be sent, and the thread that sends it."""

import threading
import time
from collections import deque
from queue import SimpleQueue

from mcp_obs._forked_child import new_lock
from mcp_obs._guard import Guard
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope
from mcp_obs._lean.export_counts import REJECTED, TIMEOUT, ExportCounts
from mcp_obs._lean.sender import Sender, Sent, hide_requests

BATCH_SPANS = 512
# What waits for a collector that is away.
MOST_BYTES = 8 * 2**20
ANSWER_SECONDS = 10.0

_sending = Guard("sending operations")


class Backlog:
    """Takes written spans, which no collector can hold up: a thread sends them when it is told to."""

    def __init__(
        self, envelope: Envelope, sender: Sender, breaker: CircuitBreaker, counts: ExportCounts
    ) -> None:
        self._envelope = envelope
        self._sender = sender
        self._breaker = breaker
        self._counts = counts
        self.spans: deque[bytes] = deque()
        # Each has one writer, or one that holds the interpreter's lock meanwhile, so that they need no lock: a host's
        # thread that held one could be interrupted by a signal's handler, or a finalizer, that waits for it.
        self.bytes_put = self.bytes_at_once = self.bytes_gone = 0
        self._taken = self.taken_at_once = 0
        self._batch_spans = BATCH_SPANS
        self._deadline: float | None = None
        self._one_at_a_time = new_lock()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._is_over = False
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        """The spans that wait."""
        return len(self.spans)

    @property
    def is_well(self) -> bool:
        """Whether the last request was taken."""
        return self._breaker.state == "closed"

    @property
    def taken(self) -> int:
        """The spans that were put, ever since."""
        return self._taken + self.taken_at_once

    def put(self, span: bytes) -> bool:
        """Take a written span, from one thread; False where there is no room for it.

        Compiled code does it by itself, in any thread.
        """
        if self.bytes_put + self.bytes_at_once - self.bytes_gone + len(span) > MOST_BYTES:
            return False
        self.bytes_put += len(span)
        self._taken += 1
        self.spans.append(span)
        return True

    def send_soon(self) -> None:
        """Have the thread send what waits."""
        if self.spans:
            if self._thread is None:
                # A daemon: a collector that hangs must not keep the process.
                thread = threading.Thread(target=self._run, name="mcp-obs-spans", daemon=True)
                thread.start()
                self._thread = thread
            if self._wake.empty():
                self._wake.put(None)

    def send(self, deadline: float | None = None) -> None:
        """Send what waits, unless the collector is left alone; in whichever thread.

        By a deadline on the monotonic clock all is tried: there is no later.
        """
        if deadline is not None:
            self._deadline = deadline
        seconds = -1.0 if deadline is None else max(deadline - time.monotonic(), 0.0)
        if self._one_at_a_time.acquire(timeout=seconds):
            try:
                self._send()
                if self._is_over:
                    self._sender.close()
            finally:
                self._one_at_a_time.release()

    def give_up(self) -> int:
        """The spans that were not sent, which are counted and gone; the thread ends, after what it is sending."""
        # One that is sending has them in hand, so they are not emptied. Counted after that: another thread may put one.
        spans, self.spans = self.spans, deque[bytes]()
        left = len(spans)
        self._counts.exported(left, TIMEOUT)
        self._is_over = True
        self._wake.put(None)
        # Who is sending still does it instead.
        if self._one_at_a_time.acquire(blocking=False):
            self._sender.close()
            self._one_at_a_time.release()
        return left

    def forget(self) -> None:
        """A forked child has neither the thread nor a use for what its parent sends."""
        self.spans.clear()
        self.bytes_put = self.bytes_at_once = self.bytes_gone = 0
        self._taken = self.taken_at_once = 0
        self._thread = None
        self._wake = SimpleQueue()
        self._sender.forget()

    def _run(self) -> None:
        hide_requests()
        while not self._is_over:
            self._wake.get()
            with _sending:
                self.send()

    def _send(self) -> None:
        spans = self.spans
        # What is put meanwhile waits: with few calls in the time of a request, each would have a request to itself.
        left = len(spans)
        while self._has_more(spans, left) and (self._deadline is not None or self._breaker.state != "open"):
            seconds = ANSWER_SECONDS
            if self._deadline is not None:
                seconds = min(seconds, self._deadline - time.monotonic())
                if seconds <= 0:
                    return
            count = min(len(spans), self._batch_spans)
            batch = [spans[place] for place in range(count)]
            sent = self._sent(self._envelope.around(batch), seconds, is_divisible=count > 1)
            if not sent.is_over or spans is not self.spans:
                return
            if sent.is_too_large:
                self._batch_spans = count // 2
                continue
            # Slowly back: one span of unusual size must not make small requests of all that follow.
            self._batch_spans = min(self._batch_spans + self._batch_spans // 8 + 1, BATCH_SPANS)
            left -= count
            for span in batch:
                spans.popleft()
                self.bytes_gone += len(span)
            rejected = min(sent.rejected, count)
            self._counts.exported(count - rejected, sent.error)
            self._counts.exported(rejected, REJECTED)

    def _has_more(self, spans: deque[bytes], left: int) -> bool:
        """Whether there is more to send now; by a deadline there is no later."""
        return bool(spans) and (left > 0 or self._deadline is not None)

    def _sent(self, body: bytes, seconds: float, *, is_divisible: bool) -> Sent:
        started = time.perf_counter()
        sent = self._sender.send(body, seconds, is_divisible=is_divisible)
        self._counts.took(time.perf_counter() - started, sent.error)
        # A key that is refused is refused again, so refusals for good are waited out too.
        self._breaker.note(is_well=not sent.is_unwell, asked_seconds=sent.retry_seconds)
        return sent
