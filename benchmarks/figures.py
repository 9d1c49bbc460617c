"""What one receiver's rounds come to, as a line of the table."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.processes import usage
from benchmarks.rounds import Measured
from benchmarks.table import number, table

_HEADER = (
    "",
    "acknowledged/s",
    "min",
    "max",
    "stored/s",
    "p50 ms",
    "p99 ms",
    "CPU s/100k",
    "peak MB",
    "bytes/span",
)


@dataclass(frozen=True)
class Figures:
    """Rates are spans per second, one a round; None is what can't be measured."""

    name: str
    rates: Sequence[float]
    cpu_per_100k: float
    stored_rate: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    peak_bytes: int | None = None
    bytes_per_span: float | None = None

    @property
    def rate(self) -> float:
        """The median round's."""
        return statistics.median(self.rates)

    def cells(self) -> list[str]:
        """One for each column."""
        return [
            self.name,
            *map(number, (self.rate, min(self.rates), max(self.rates), self.stored_rate)),
            number(self.p50_ms, 1),
            number(self.p99_ms, 1),
            number(self.cpu_per_100k, 2),
            number(None if self.peak_bytes is None else self.peak_bytes / 1e6),
            number(self.bytes_per_span, 1),
        ]


def figures_of(measured: Measured, bytes_per_span: float | None = None) -> Figures:
    """Ask while the receiver still runs: its CPU and memory end with it."""
    rounds = measured.rounds
    keeps = measured.receiver.stored() is not None
    return Figures(
        name=measured.receiver.name,
        rates=[each.report.spans_per_second for each in rounds],
        cpu_per_100k=measured.cpu_per_100k,
        stored_rate=measured.median(lambda each: each.stored_per_second) if keeps else None,
        p50_ms=measured.median(lambda each: each.report.p50_ms or 0.0),
        p99_ms=measured.median(lambda each: each.report.p99_ms or 0.0),
        peak_bytes=usage(measured.receiver.pid).peak_bytes,
        bytes_per_span=bytes_per_span,
    )


def print_figures(lines: Sequence[Figures]) -> None:
    """The table."""
    print(table(_HEADER, [line.cells() for line in lines]))
