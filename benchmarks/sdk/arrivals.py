"""How many calls that were answered arrive at a collector that is well, when the server ends right after them."""

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from benchmarks.sdk.collector import collecting
from benchmarks.sdk.contenders import MCP_OBS, Contender
from benchmarks.sdk.running import running
from benchmarks.table import Requirement, number, table

End = Literal["SIGTERM", "closed stdin"]
ENDS: tuple[End, ...] = ("SIGTERM", "closed stdin")
_LONGEST_EXIT_SECONDS = 60.0


def measure_arrivals(contenders: Sequence[Contender], calls: int, folder: Path) -> list[Requirement]:
    """Print what arrived; what is required of mcp_obs."""
    arrived = {each: [arrived_after(end, each, calls, folder) for end in ENDS] for each in contenders}
    print(
        f"\ncalls that arrived of {calls:,} that were answered, stdio, when the server ended right after them"
    )
    print(
        table(("", *ENDS), [[each.name, *map(number, counts)] for each, counts in arrived.items()]),
        flush=True,
    )
    return [
        Requirement(f"calls arrived after {end} of those answered", count, calls, is_least=True)
        for end, count in zip(ENDS, arrived[MCP_OBS], strict=True)
    ]


def arrived_after(end: End, contender: Contender, calls: int, folder: Path) -> int:
    """The calls that a collector has in the end."""
    with collecting() as collector:
        with running(contender, collector.endpoint, "stdio", folder) as server:
            server.calls.call("empty", calls)
            assert server.process.stdin
            if end == "SIGTERM":
                server.process.send_signal(signal.SIGTERM)
            else:
                server.process.stdin.close()
            try:
                server.process.wait(_LONGEST_EXIT_SECONDS)
            except subprocess.TimeoutExpired:
                print(f"{contender.name} has not ended {_LONGEST_EXIT_SECONDS:.0f} s after {end}")
        return collector.calls()
