"""Calls to many servers in turns, and what they took of each.

A block is some cycles, in each of which every server gets a few calls in a new order, and then a pause in which all
exports become due: the CPU of a block is of its calls and their export together. A shared machine's speed drifts, so
only servers of one block are compared.
"""

import random
import statistics
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from benchmarks.sdk.contenders import LONGEST_EXPORT_PAUSE_SECONDS, METRIC_EXPORT_PAUSE_SECONDS
from benchmarks.sdk.running import Running

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


def run_blocks(servers: Sequence[Running], tool: str, extent: Extent) -> Blocks:
    """Measure all of them, which are warm, beside each other."""
    found: Blocks = {each.contender.name: [] for each in servers}
    for _ in range(extent.blocks):
        for name, block in _run_block(servers, tool, extent).items():
            found[name].append(block)
    return found


def together(parts: Sequence[Blocks]) -> Blocks:
    """The blocks of all parts, which are of the same contenders."""
    return {name: [block for part in parts for block in part[name]] for name in parts[0]}


def _run_block(servers: Sequence[Running], tool: str, extent: Extent) -> dict[str, Block]:
    blocks = {each.contender.name: Block() for each in servers}
    before = [(each.cpu_seconds(), each.thread_seconds()) for each in servers]
    order = list(servers)
    for _ in range(extent.cycles):
        _shuffled.shuffle(order)
        for each in order:
            blocks[each.contender.name].latencies += each.calls.call(tool, extent.calls)
    time.sleep(LONGEST_EXPORT_PAUSE_SECONDS + 1)
    for each, (cpu, thread) in zip(servers, before, strict=True):
        block = blocks[each.contender.name]
        block.cpu, block.thread = each.cpu_seconds() - cpu, each.thread_seconds() - thread
    return blocks
