"""Half of what must be acknowledged for minutes, on millions of spans: memory stays flat, the dashboard quick."""

import dataclasses
import math
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.comparison import REQUIRED_SPANS_PER_SECOND
from benchmarks.dashboard_queries import QUESTIONS, QueryLatencies
from benchmarks.load import Load, send, sending
from benchmarks.load_report import Report
from benchmarks.processes import settle, usage
from benchmarks.receivers.mcp_obs import McpObs, running_mcp_obs
from benchmarks.table import Requirement, number, table, verdict

PREFILL_SPANS = 20_000_000
_PREFILL_STEP = 2_000_000
# The dashboard's own range: a day of minutes and tools in the rollup, as it would be in real life.
_HISTORY_SECONDS = 23 * 3600.0
_DRAIN_SECONDS = 300.0
_PROGRESS_SECONDS = 30.0
_POLL_SECONDS = 0.5
_QUESTIONS_SECONDS = 0.1


@dataclass
class Memory:
    """Resident bytes over time, sampled between questions."""

    samples: list[int] = field(default_factory=list[int])

    def flatness(self) -> float:
        """The last tenth's median over that of the tenth after the first: 1 is flat."""
        tenth = max(len(self.samples) // 10, 1)
        early, late = self.samples[tenth : 2 * tenth] or self.samples, self.samples[-tenth:]
        return statistics.median(late) / statistics.median(early)


def soak(folder: Path, minutes: float, prefill: int) -> int:
    """Print the figures; 1 when one falls short."""
    with running_mcp_obs(folder) as receiver:
        _prefill(receiver, prefill)
        load = dataclasses.replace(receiver.load(minutes * 60), rate=REQUIRED_SPANS_PER_SECOND / 2)
        before, memory, queries = receiver.stored(), Memory(), QueryLatencies()
        report = _soak(receiver, load, memory, queries)
        seconds, stored = _drain(receiver, before, report.spans)
    _print(queries)
    print(
        f"{report.spans:,} spans at {report.spans_per_second:,.0f}/s; queryable {seconds:.1f} s after the last"
    )
    print(f"memory at the end / at the start: {memory.flatness():.3f}")
    return verdict(_requirements(load, report, stored, memory, queries))


def _prefill(receiver: McpObs, spans: int) -> None:
    """Until so many are stored, in steps that let merges keep up."""
    while (missing := spans - receiver.stored()) > 0:
        load = receiver.load(_DRAIN_SECONDS)
        step = dataclasses.replace(
            load, history=_HISTORY_SECONDS, exports=math.ceil(min(missing, _PREFILL_STEP) / load.spans)
        )
        before = receiver.stored()
        report = send(step)
        _drain(receiver, before, report.spans)
        print(f"  {receiver.stored():>12,} spans stored", flush=True)
    settle(receiver.pid, _DRAIN_SECONDS)


def _drain(receiver: McpObs, before: int, spans: int) -> tuple[float, int]:
    """Wait for `spans` more than `before`; how long that took, and how many there are at the end."""
    started = time.perf_counter()
    while True:
        stored, waited = receiver.stored() - before, time.perf_counter() - started
        if stored >= spans or waited > _DRAIN_SECONDS:
            return waited, stored
        time.sleep(_POLL_SECONDS)


def _soak(receiver: McpObs, load: Load, memory: Memory, queries: QueryLatencies) -> Report:
    started = reported = time.perf_counter()
    with sending(load) as process:
        while process.poll() is None:
            queries.ask_once(receiver)
            memory.samples.append(usage(receiver.pid).resident_bytes)
            if (now := time.perf_counter()) - reported > _PROGRESS_SECONDS:
                reported = now
                print(f"  {now - started:>5.0f} s, {memory.samples[-1] / 1e6:,.0f} MB", flush=True)
            time.sleep(_QUESTIONS_SECONDS)
        out, _ = process.communicate()
    return Report.from_json(out)


def _print(queries: QueryLatencies) -> None:
    rows = [
        (
            question,
            str(len(latencies)),
            *(number(queries.percentile(question, percent), 1) for percent in (50, 95, 99, 100)),
        )
        for question, latencies in queries.seconds.items()
    ]
    print(table(("a day of the dashboard", "asked", "p50 ms", "p95 ms", "p99 ms", "max ms"), rows))


def _requirements(
    load: Load, report: Report, stored: int, memory: Memory, queries: QueryLatencies
) -> list[Requirement]:
    assert load.rate
    slowest = max(queries.percentile(question, 99) for question in QUESTIONS)
    peak = max(memory.samples)
    return [
        Requirement(
            "spans/s, of half of what must be acknowledged",
            report.spans_per_second / load.rate,
            0.99,
            is_least=True,
            digits=3,
        ),
        Requirement("spans queryable of those acknowledged", stored, report.spans, is_least=True),
        Requirement("spans queryable twice", stored - report.spans, 0, is_least=False),
        Requirement("p99 ms of the slowest dashboard query", slowest, 100, is_least=False, digits=1),
        Requirement("resident MiB at most", peak / 2**20, 1024, is_least=False),
        Requirement("memory at the end / at the start", memory.flatness(), 1.1, is_least=False, digits=3),
    ]
