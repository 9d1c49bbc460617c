"""What small exports cost: 1, 16 and 64 spans each, over 200 connections."""

import statistics
from pathlib import Path

from benchmarks.load import send
from benchmarks.receivers.mcp_obs import running_mcp_obs
from benchmarks.rounds import Measured
from benchmarks.table import Requirement, number, table, verdict

SIZES = (1, 16, 64)
CONNECTIONS = 200
ROUNDS = 3
ROUND_SECONDS = 4.0
REQUIRED_EXPORTS_PER_SECOND = 3_000

_HEADER = ("spans an export", "exports/s", "min", "max", "spans/s", "p50 ms", "p99 ms", "CPU ms/export")


def measure_small_exports(folder: Path) -> int:
    """Print the figures; 1 when one falls short."""
    rows: list[list[str]] = []
    requirements: list[Requirement] = []
    with running_mcp_obs(folder) as receiver:
        send(receiver.load(1.0))  # warm: bcrypt, the first parts
        for size in SIZES:
            measured = Measured(receiver)
            for _ in range(ROUNDS):
                measured.run(receiver.load(ROUND_SECONDS, CONNECTIONS, size))
            rows.append(_row(size, measured))
            rate = measured.median(lambda each: each.report.exports_per_second)
            requirements.append(
                Requirement(f"exports/s of {size} spans", rate, REQUIRED_EXPORTS_PER_SECOND, is_least=True)
            )
    print(table(_HEADER, rows))
    return verdict(requirements)


def _row(size: int, measured: Measured) -> list[str]:
    rates = [each.report.exports_per_second for each in measured.rounds]
    return [
        str(size),
        *map(number, (statistics.median(rates), min(rates), max(rates))),
        number(measured.median(lambda each: each.report.spans_per_second)),
        number(measured.median(lambda each: each.report.p50_ms or 0.0), 1),
        number(measured.median(lambda each: each.report.p99_ms or 0.0), 1),
        # Seconds for 100,000 spans; an export has `size` of them.
        number(measured.cpu_per_100k * size / 100, 2),
    ]
