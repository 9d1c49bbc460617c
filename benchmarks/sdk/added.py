"""What a contender adds to a call, against the bare servers of the same blocks."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.load_report import percentile_ms
from benchmarks.sdk.blocks import Block, Blocks
from benchmarks.sdk.contenders import BARE, TWIN, Contender, baselines

# Of a normal distribution: its deviation by the median absolute one, and the deviation of a median by that of a mean.
_OF_ABSOLUTE_DEVIATION = 1.4826
_OF_MEAN = 1.2533


@dataclass(frozen=True)
class Added:
    """Microseconds a call, medians of the blocks."""

    cpu: float
    thread: float
    p50: float
    p99: float


def added(blocks: Blocks, contender: Contender) -> Added:
    """What it has more than its baselines; the twin is measured against the first bare one alone."""
    below = [BARE] if contender is TWIN else baselines(contender)
    bare = [blocks[each.name] for each in below]
    mine = blocks[contender.name]

    def more(figure: Callable[[Block], float]) -> float:
        return statistics.median(
            figure(block) - statistics.mean(figure(each[place]) for each in bare)
            for place, block in enumerate(mine)
        )

    p99 = _p99_us(mine) - statistics.mean(map(_p99_us, bare))
    return Added(more(_cpu), more(_thread), more(_p50), p99)


def noise(blocks: Blocks) -> Added:
    """How far the two bare twins are apart: the median block's distance, as nothing sets them apart."""
    bare, twin = blocks[BARE.name], blocks[TWIN.name]

    def apart(figure: Callable[[Block], float]) -> float:
        return statistics.median(abs(figure(one) - figure(two)) for one, two in zip(bare, twin, strict=True))

    return Added(apart(_cpu), apart(_thread), apart(_p50), abs(_p99_us(bare) - _p99_us(twin)))


def uncertainty(blocks: Blocks) -> Added:
    """The standard error of a median of so many blocks, from the median absolute deviation of the twins' distances.

    The 99th percentile is no median of blocks, but of all calls: the twins' distance itself.
    """
    apart = noise(blocks)
    factor = _OF_MEAN * _OF_ABSOLUTE_DEVIATION / math.sqrt(len(blocks[BARE.name]))
    return Added(apart.cpu * factor, apart.thread * factor, apart.p50 * factor, apart.p99)


def bare_cpu_us(blocks: Blocks) -> float:
    """Of a call to a bare server."""
    return statistics.median(_cpu(block) for name in (BARE.name, TWIN.name) for block in blocks[name])


def _cpu(block: Block) -> float:
    return block.cpu_us


def _thread(block: Block) -> float:
    return block.thread_us


def _p50(block: Block) -> float:
    return block.p50_us


def _p99_us(blocks: Sequence[Block]) -> float:
    return (percentile_ms([each for block in blocks for each in block.latencies], 99) or 0.0) * 1e3
