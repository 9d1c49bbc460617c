"""One loop over all connections; an answer to one export starts the next on that connection."""

import selectors
import time
from collections import deque
from io import FileIO

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from benchmarks.bodies import ExportBody, ExportTemplate
from benchmarks.connection import Answer, Connection, ConnectionLost
from benchmarks.ids import SpanIds
from benchmarks.load import Load
from benchmarks.load_report import Report, Tally, percentile_ms

_TEMPLATES = 8
_RETRYABLE = {429, 502, 503, 504}
_RETRY_SECONDS = 0.1
_TICK_SECONDS = 0.05
_GOLDEN_RATIO = 0.6180339887498949
_READ, _READ_WRITE = selectors.EVENT_READ, selectors.EVENT_READ | selectors.EVENT_WRITE


class Sender:
    """One connection's body and the export that is under way on it."""

    def __init__(self, load: Load, body: ExportBody) -> None:
        self.body = body
        self.connection: Connection | None = None
        self.export: int | None = None
        self.began = 0.0
        self.not_before = 0.0
        """When an export that was not acknowledged is sent again."""
        self._port = load.port
        self._head = load.head(len(body.wire))

    def connect(self) -> Connection:
        """Raises ConnectionLost."""
        self.connection = Connection(self._port, self._head, self.body.wire)
        return self.connection


class Pace:
    """When the next export is due. Time lost on a slow receiver is made up for one second at most."""

    def __init__(self, load: Load, started: float) -> None:
        self._interval = load.spans / load.rate if load.rate else 0.0
        self._next = started

    def until_due(self, now: float) -> float:
        """Seconds; 0 or less when it is time."""
        return self._next - now if self._interval else 0.0

    def take(self, now: float) -> None:
        """One export is started."""
        self._next = max(self._next, now - 1.0) + self._interval


class LoadGenerator:
    """Keeps every connection busy until the time is over, then waits for the answers still to come."""

    def __init__(self, load: Load, seed: int) -> None:
        self._load = load
        self._seed = seed
        self._tally = Tally()
        self._selector = selectors.DefaultSelector()
        self._record: FileIO | None = None
        self._started_exports = 0
        ids = SpanIds(seed, load.spans)
        templates = [
            ExportTemplate(number, load.spans) for number in range(min(_TEMPLATES, load.connections))
        ]
        bodies = (ExportBody(templates[index % len(templates)], ids) for index in range(load.connections))
        self._senders = [Sender(load, body) for body in bodies]
        self._idle = deque(self._senders)
        self._resting: list[Sender] = []

    def run(self) -> Report:
        """Blocks for `seconds`, and `grace_seconds` at most."""
        cpu, started = time.process_time(), time.perf_counter()
        self._record = FileIO(self._load.record, "a") if self._load.record else None
        try:
            self._send_until(started, started + self._load.seconds)
            self._finish(started + self._load.seconds + self._load.grace_seconds)
        finally:
            self._hang_up()
        return self._report(started, time.process_time() - cpu)

    def _send_until(self, started: float, deadline: float) -> None:
        pace = Pace(self._load, started)
        last = self._load.exports
        while (now := time.perf_counter()) < deadline and self._started_exports != last:
            while self._idle and pace.until_due(now) <= 0 and self._started_exports != last:
                pace.take(now)
                self._begin(self._idle.popleft(), now)
            self._advance(now, pace.until_due(now) if self._idle else _TICK_SECONDS)

    def _finish(self, deadline: float) -> None:
        while len(self._idle) < len(self._senders) and (now := time.perf_counter()) < deadline:
            self._advance(now, _TICK_SECONDS)

    def _begin(self, sender: Sender, now: float) -> None:
        sender.export, sender.began = self._started_exports, now
        self._started_exports += 1
        # Multiples of the golden ratio fill any stretch evenly.
        sender.body.renew(sender.export, sender.export * _GOLDEN_RATIO % 1 * self._load.history)
        self._send(sender)

    def _advance(self, now: float, patience: float) -> None:
        if self._resting:
            woken = [sender for sender in self._resting if sender.not_before <= now]
            self._resting = [sender for sender in self._resting if sender.not_before > now]
            for sender in woken:
                self._send(sender)
        for ready, events in self._selector.select(min(patience, _TICK_SECONDS)):
            if events & selectors.EVENT_READ:
                self._receive(ready.data)
            elif events:
                self._send(ready.data)

    def _send(self, sender: Sender) -> None:
        try:
            if sender.connection is None:
                self._selector.register(sender.connect().socket, _READ, sender)
            connection = sender.connection
            assert connection
            was_sending = connection.is_sending
            connection.send()
        except ConnectionLost:
            self._lose(sender)
            return
        if was_sending != connection.is_sending:
            self._selector.modify(connection.socket, _READ_WRITE if connection.is_sending else _READ, sender)

    def _receive(self, sender: Sender) -> None:
        connection = sender.connection
        assert connection
        try:
            answer = connection.receive()
        except ConnectionLost:
            self._lose(sender)
            return
        if answer is None:
            return
        # An answer before the whole body was sent leaves a connection that can't be used again.
        if answer.is_last or connection.is_sending:
            self._drop(sender)
        self._take(sender, answer)

    def _take(self, sender: Sender, answer: Answer) -> None:
        self._tally.statuses[str(answer.status)] += 1
        if answer.status in _RETRYABLE:
            self._rest(sender, _RETRY_SECONDS if answer.retry_after is None else answer.retry_after)
            return
        if answer.status == 200:
            self._acknowledge(sender, answer)
        sender.export = None
        self._idle.append(sender)

    def _acknowledge(self, sender: Sender, answer: Answer) -> None:
        self._tally.acknowledged(sender.began, time.perf_counter())
        if answer.body and answer.headers.get(b"content-type") == b"application/x-protobuf":
            kept = ExportTraceServiceResponse.FromString(answer.body)
            self._tally.rejected_spans += kept.partial_success.rejected_spans
        if self._record:
            assert sender.export is not None
            self._record.write(sender.export.to_bytes(8, "little"))

    def _rest(self, sender: Sender, seconds: float) -> None:
        sender.not_before = time.perf_counter() + seconds
        self._resting.append(sender)

    def _lose(self, sender: Sender) -> None:
        self._drop(sender)
        # A receiver that ends also closes connections on which it owes no answer.
        if sender.export is not None and sender not in self._resting:
            self._tally.statuses["cut off"] += 1
            self._rest(sender, _RETRY_SECONDS)

    def _drop(self, sender: Sender) -> None:
        if sender.connection:
            if sender.connection.socket in self._selector.get_map():
                self._selector.unregister(sender.connection.socket)
            sender.connection.close()
            sender.connection = None

    def _hang_up(self) -> None:
        for sender in self._senders:
            self._drop(sender)
        self._selector.close()
        if self._record:
            self._record.close()

    def _report(self, started: float, cpu_seconds: float) -> Report:
        latencies = self._tally.latencies
        p50, p95, p99 = (percentile_ms(latencies, percent) for percent in (50, 95, 99))
        return Report(
            exports=len(latencies),
            spans=len(latencies) * self._load.spans - self._tally.rejected_spans,
            rejected_spans=self._tally.rejected_spans,
            seconds=max(self._tally.last_acknowledgement - started, 0.0),
            unanswered=sum(sender.export is not None for sender in self._senders),
            statuses=dict(sorted(self._tally.statuses.items())),
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            cpu_seconds=cpu_seconds,
            seed=self._seed,
            started_exports=self._started_exports,
        )
