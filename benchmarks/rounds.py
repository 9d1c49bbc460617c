"""Rounds of load on one receiver, and the figures of all of them together."""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.load import Load, send
from benchmarks.load_report import Report
from benchmarks.processes import settle, usage
from benchmarks.receivers.receiver import Receiver
from benchmarks.table import number

# To ask takes 15 ms of the receiver's CPU; five times a second that was a twentieth of all it used.
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Round:
    """One stretch of load, and how long it took until all of it could be queried, or was given up."""

    report: Report
    stored: int
    drain_seconds: float

    @property
    def stored_per_second(self) -> float:
        """Spans that can be queried, over the time from the first byte until they could."""
        return self.stored / (self.report.seconds + self.drain_seconds)

    def __str__(self) -> str:
        report = self.report
        parts = [
            f"{report.spans_per_second:>10,.0f} spans/s",
            f"{report.exports_per_second:>7,.0f} exports/s",
            f"p50 {number(report.p50_ms, 1)} ms, p99 {number(report.p99_ms, 1)} ms",
            f"load's own CPU {report.cpu_share:.0%}",
            f"{self.stored:,} of {report.spans:,} through after {self.drain_seconds:.1f} s more",
        ]
        if set(report.statuses) - {"200"} or report.unanswered or report.rejected_spans:
            parts.append(
                f"answers {report.statuses}, {report.unanswered} unanswered, {report.rejected_spans} spans rejected"
            )
        return "; ".join(parts)


class Measured:
    """A receiver's rounds and what they took of it, background work included."""

    def __init__(self, receiver: Receiver, drain_seconds: float = 60.0) -> None:
        """`drain_seconds` are how long to wait after a round for its spans to show up."""
        self.receiver = receiver
        self.rounds: list[Round] = []
        self._drain_seconds = drain_seconds
        self._cpu_before = usage(receiver.pid).cpu_seconds

    def run(self, load: Load) -> Round:
        """One round, until what it left is worked off."""
        before = self.receiver.stored()
        report = send(load)
        drained = Round(report, report.spans, 0.0) if before is None else self._drain(report, before)
        if drained.stored >= report.spans:
            settle(self.receiver.pid)
        self.rounds.append(drained)
        print(f"  {self.receiver.name:<8} {drained}", flush=True)
        return drained

    def _drain(self, report: Report, before: int) -> Round:
        started = time.perf_counter()
        while True:
            stored = (self.receiver.stored() or 0) - before
            waited = time.perf_counter() - started
            if stored >= report.spans or waited > self._drain_seconds:
                return Round(report, stored, waited)
            time.sleep(_POLL_SECONDS)

    def median(self, figure: Callable[[Round], float]) -> float:
        """The median round's."""
        return statistics.median(map(figure, self.rounds))

    @property
    def cpu_per_100k(self) -> float:
        """Seconds of CPU for 100,000 spans stored, or forwarded; ask while the receiver still runs."""
        spans = sum(each.stored for each in self.rounds)
        return (usage(self.receiver.pid).cpu_seconds - self._cpu_before) / spans * 1e5 if spans else math.inf
