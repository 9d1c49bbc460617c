"""The same servers while their collector hangs, refuses connections or answers 503: latency, memory and exit."""

import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.processes import usage
from benchmarks.receivers.null import running_null_receiver
from benchmarks.receivers.receiver import free_port
from benchmarks.sdk.added import added, uncertainty
from benchmarks.sdk.blocks import Blocks, Extent, run_blocks, together, warm
from benchmarks.sdk.contenders import BARE, MCP_OBS, TWIN, WELL, Contender
from benchmarks.sdk.in_thread import repeat
from benchmarks.sdk.running import Running, running
from benchmarks.table import Requirement, number, table

Failure = Literal["hangs", "refuses", "503"]
FAILURES: tuple[Failure, ...] = ("hangs", "refuses", "503")

_HEADER = ("", "starts", "p50 µs", "p99 µs", "exit s", "MB")
_LONGEST_EXIT_SECONDS = 60.0
_MOST_EXIT_SECONDS = 1.0
# Above a bare process's: 8,192 operations with their messages, 8 MiB of encoded ones, and the libraries of the export.
_MOST_GROWTH_MB = 8.0


@contextmanager
def failing_collector(failure: Failure) -> Generator[str]:
    """Gives its endpoint."""
    if failure == "refuses":
        yield f"http://127.0.0.1:{free_port()}"
    else:
        with running_null_receiver(failure) as port:
            yield f"http://127.0.0.1:{port}"


@dataclass(frozen=True)
class Start:
    """What servers did that were started for it, by contender."""

    blocks: Blocks
    exits: dict[Contender, float]
    """Seconds."""
    resident: dict[Contender, float]
    """Megabytes."""


def measure_failing(
    contenders: Sequence[Contender], starts: int, extent: Extent, flood: int, folder: Path
) -> list[Requirement]:
    """Print a table for each failure; what is required of mcp_obs. `flood` operations are to show the memory.

    Two processes of one program differ by more than is asked for here, so those that are compared start more often.
    """
    found: list[Requirement] = []
    for failure in FAILURES:
        first = run_start(failure, contenders, extent, folder)
        more = [run_start(failure, (BARE, TWIN, MCP_OBS), extent, folder) for _ in range(starts - 1)]
        blocks = together([each.blocks for each in (first, *more)])
        with failing_collector(failure) as endpoint:
            resting = repeat(MCP_OBS, endpoint, flood, folder).resident
        half, end = resting[len(resting) // 2], resting[-1]
        print(
            f"\nthe collector {'answers 503' if failure == '503' else failure}: added to an empty call, stdio"
        )
        print(table(_HEADER, _rows(contenders, first, blocks)))
        print(
            f"mcp_obs, {flood:,} operations without a pause: {half:.0f} MB halfway, {end:.0f} MB at the end",
            flush=True,
        )
        what = f"({failure})"
        slower = added(blocks, MCP_OBS).p50 - added(blocks, WELL).p50
        exit_seconds = max(each.exits[MCP_OBS] for each in (first, *more))
        found += [
            Requirement(
                f"p50 µs more than with a well collector {what}, twice the twins' noise",
                slower,
                2 * uncertainty(blocks).p50,
                False,
                1,
            ),
            Requirement(f"seconds to exit {what}", exit_seconds, _MOST_EXIT_SECONDS, False, 2),
            Requirement(f"MB grown in the second half {what}", end - half, _MOST_GROWTH_MB, False, 1),
        ]
    return found


def run_start(failure: Failure, contenders: Sequence[Contender], extent: Extent, folder: Path) -> Start:
    """Of these, and of mcp_obs whose collector is well."""
    with failing_collector(failure) as endpoint, running_null_receiver() as port, ExitStack() as stack:
        servers = [stack.enter_context(running(each, endpoint, "stdio", folder)) for each in contenders]
        servers.append(stack.enter_context(running(WELL, f"http://127.0.0.1:{port}", "stdio", folder)))
        warm(servers, ("empty",))
        blocks = run_blocks({"stdio": servers}, "empty", extent)["stdio"]
        resident = {each.contender: usage(each.process.pid).resident_bytes / 1e6 for each in servers}
        return Start(blocks, seconds_to_exit(servers), resident)


def _rows(contenders: Sequence[Contender], first: Start, blocks: Blocks) -> list[list[str]]:
    rows: list[list[str]] = []
    for each in (*contenders, WELL):
        figures = (0.0, 0.0) if each is BARE else (added(blocks, each).p50, added(blocks, each).p99)
        count = str(len(blocks[each.name]))
        rows.append(
            [
                each.name,
                count,
                *map(number, figures),
                number(first.exits[each], 1),
                number(first.resident[each]),
            ]
        )
    apart, count = uncertainty(blocks), str(len(blocks[BARE.name]))
    return [*rows, ["noise of the twins ±", count, number(apart.p50), number(apart.p99), "-", "-"]]


def seconds_to_exit(servers: Sequence[Running]) -> dict[Contender, float]:
    """Each alone, from its standard input's end."""
    return {each.contender: _seconds_to_exit(each.process) for each in servers}


def _seconds_to_exit(process: "subprocess.Popen[bytes]") -> float:
    assert process.stdin
    started = time.perf_counter()
    process.stdin.close()
    try:
        process.wait(_LONGEST_EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
    return time.perf_counter() - started
