"""The thread that sends what has been added up."""

import threading
import time
from collections.abc import Mapping

from mcp_obs import _clock
from mcp_obs._forked_child import call_in_children
from mcp_obs._guard import Guard
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.encoder import Envelope
from mcp_obs._lean.export_counts import METRIC_EXPORTER, ExportCounts
from mcp_obs._lean.sender import Sender, hide_requests
from mcp_obs._metrics.lean_metrics import LeanMetrics

EXPORT_SECONDS = 10.0
ANSWER_SECONDS = 10.0

_exporting = Guard("exporting metrics")
_starting = Guard("starting the thread that exports metrics")


def metric_interval(environ: Mapping[str, str]) -> float:
    """Seconds between exports: OTEL_METRIC_EXPORT_INTERVAL's milliseconds, or ten."""
    milliseconds = environ.get("OTEL_METRIC_EXPORT_INTERVAL", "").strip()
    return int(milliseconds) / 1000 if milliseconds.isdecimal() and int(milliseconds) else EXPORT_SECONDS


class MetricExporter:
    """Sends all series every `interval` seconds, from its first value on.

    Values are cumulative, so that an export which is lost costs nothing but its moment.
    """

    def __init__(
        self,
        metrics: LeanMetrics,
        envelope: Envelope,
        sender: Sender,
        breaker: CircuitBreaker,
        interval: float = EXPORT_SECONDS,
    ) -> None:
        self._metrics = metrics
        self._envelope = envelope
        self._sender = sender
        self._breaker = breaker
        self.counts = ExportCounts(METRIC_EXPORTER, breaker, metrics)
        self._interval = interval
        self._wake = threading.Event()
        self._deadline: float | None = None
        self._thread: threading.Thread | None = None
        metrics.on_first_value = self._start
        call_in_children(self._forget)

    def shutdown(self, seconds: float) -> None:
        """Send the last values, for at most about `seconds`."""
        if self._deadline is None:
            self._deadline = time.monotonic() + seconds
        self._wake.set()
        if self._thread is not None:
            self._thread.join(max(self._deadline - time.monotonic(), 0))

    def _forget(self) -> None:
        """A forked child counts from nothing, with a thread of its own."""
        self._thread = None
        self._wake = threading.Event()
        self._sender.forget()
        self.counts.clear()
        self._metrics.clear()
        self._metrics.on_first_value = self._start

    def _start(self) -> None:
        if self._deadline is None:
            with _starting:
                # A daemon: a collector that hangs must not keep the process.
                self._thread = threading.Thread(target=self._run, name="mcp-obs-metrics", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        hide_requests()
        while not self._wake.wait(self._interval):
            with _exporting:
                self._export()
        # What was recorded during the last export, too.
        with _exporting:
            self._export()
        with _exporting:
            self._sender.close()

    def _export(self) -> None:
        seconds = ANSWER_SECONDS
        if self._deadline is not None:
            seconds = min(seconds, self._deadline - time.monotonic())
            if seconds <= 0:
                return
        # At the end there is no later.
        elif self._breaker.state == "open":
            return
        body = self._envelope.around(self._metrics.encode(_clock.time_ns()))
        started = time.perf_counter()
        sent = self._sender.send(body, seconds)
        self.counts.took(time.perf_counter() - started, sent.error)
        self._breaker.note(is_well=not sent.is_unwell, asked_seconds=sent.retry_seconds)
