"""Calls to many servers in turns, and what they took of each.

A block is some cycles, in each of which every server gets a few calls in a new order, and then a pause in which all
exports become due: the CPU of a block is of its calls and their export together. A shared machine's speed drifts, so
only servers of one block are compared. The blocks of several transports come one after the other, and share the pause.
"""

import random
import statistics
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from benchmarks.sdk.contenders import LONGEST_EXPORT_PAUSE_SECONDS, METRIC_EXPORT_PAUSE_SECONDS
from benchmarks.sdk.running import Running, Transport

# What a call takes falls no further after them.
_WARM_CALLS = 50
_shuffled = random.Random(1)


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    blocks: int
    cycles: int
    calls: int
    """Of one server in a cycle."""


@dataclass
class Block:
    """What one server's calls took, in seconds."""

    cpu: float = 0.0
    thread: float = 0.0
    latencies: list[float] = field(default_factory=list[float])

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU for one call, its export included."""
        return self.cpu / len(self.latencies) * 1e6

    @property
    def thread_us(self) -> float:
        """The same of the thread that answers alone."""
        return self.thread / len(self.latencies) * 1e6

    @property
    def p50_us(self) -> float:
        """Half of the calls were answered sooner."""
        return statistics.median(self.latencies) * 1e6


Blocks = dict[str, list[Block]]
"""By the contender's name."""


def warm(servers: Sequence[Running], tools: Collection[str]) -> None:
    """Have everything done once: imports, connections, caches, and the first export of spans and of metrics."""

    def call(server: Running) -> None:
        for tool in tools:
            server.calls.call(tool, _WARM_CALLS)

    with ThreadPoolExecutor(len(servers)) as pool:
        list(pool.map(call, servers))
    time.sleep(METRIC_EXPORT_PAUSE_SECONDS + 1)


def run_blocks(
    servers: Mapping[Transport, Sequence[Running]], tool: str, extent: Extent
) -> dict[Transport, Blocks]:
    """Measure all of them, which are warm: those of one transport beside each other."""
    found = [_run_block(servers, tool, extent) for _ in range(extent.blocks)]
    return {transport: together([each[transport] for each in found]) for transport in servers}


def together(parts: Sequence[Blocks]) -> Blocks:
    """The blocks of all parts."""
    found: Blocks = {}
    for part in parts:
        for name, blocks in part.items():
            found.setdefault(name, []).extend(blocks)
    return found


def _run_block(
    servers: Mapping[Transport, Sequence[Running]], tool: str, extent: Extent
) -> dict[Transport, Blocks]:
    # The clocks as they are now are taken off, and added as they are in the end.
    pairs: dict[Transport, list[tuple[Running, Block]]] = {
        transport: [(each, Block(-each.cpu_seconds(), -each.thread_seconds())) for each in beside]
        for transport, beside in servers.items()
    }
    for beside in pairs.values():
        _call_in_turns(beside, tool, extent)
    time.sleep(LONGEST_EXPORT_PAUSE_SECONDS + 1)
    for beside in pairs.values():
        for server, block in beside:
            # Its thread's time lies within its process's, as it may be busy between two readings.
            block.thread += server.thread_seconds()
            block.cpu += server.cpu_seconds()
    return {
        transport: {server.contender.name: [block] for server, block in beside}
        for transport, beside in pairs.items()
    }


def _call_in_turns(beside: Sequence[tuple[Running, Block]], tool: str, extent: Extent) -> None:
    order = list(beside)
    for _ in range(extent.cycles):
        _shuffled.shuffle(order)
        for server, block in order:
            block.latencies += server.calls.call(tool, extent.calls)
