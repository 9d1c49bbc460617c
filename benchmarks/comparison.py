"""mcp-obs beside its peers: 512-span exports over 4 connections.

Rounds of mcp-obs and rotel alternate with upb's parsing on one core, because a shared machine's speed drifts: ratios
are of neighbouring rounds. A round ends when what it left is worked off, so that no one pays for another's. Phoenix and
MLflow, hundreds of times slower, get one round each in the middle.
"""

import dataclasses
import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from benchmarks.figures import Figures, figures_of, print_figures
from benchmarks.load import send
from benchmarks.parsing import UpbParse
from benchmarks.processes import settle
from benchmarks.receivers.mcp_obs import on_disk, running_mcp_obs
from benchmarks.receivers.mlflow import running_mlflow
from benchmarks.receivers.phoenix import running_phoenix
from benchmarks.receivers.receiver import Peer, Receiver
from benchmarks.receivers.rotel import running_rotel
from benchmarks.rounds import Measured
from benchmarks.table import Requirement, verdict

REQUIRED_SPANS_PER_SECOND = 120_000
ROUND_SECONDS = 4.0
SLOW_ROUND_SECONDS = 10.0
SLOW_DRAIN_SECONDS = 20.0
PARSE_SECONDS = 1.0
WARM_SECONDS = 1.0

SLOW_PEERS: tuple[Callable[[Path], AbstractContextManager[Peer]], ...] = (running_phoenix, running_mlflow)


def compare(folder: Path, rounds: int, with_peers: bool) -> int:
    """Print the figures; 1 when one falls short."""
    parse, slow = UpbParse(), list[Figures]()
    with ExitStack() as stack:
        receiver = stack.enter_context(running_mcp_obs(_made(folder / "mcp-obs")))
        rotel = [stack.enter_context(running_rotel(_made(folder / "rotel")))] if with_peers else []
        fast = [_warmed(each) for each in (receiver, *rotel)]
        for number in range(rounds):
            if number == rounds // 2 and with_peers:
                slow = [_slow(start, _made(folder / start.__name__)) for start in SLOW_PEERS]
            parse.run(PARSE_SECONDS)
            for measured in fast:
                measured.run(measured.receiver.load(ROUND_SECONDS))
        mine, *others = map(figures_of, fast)
        stored = receiver.stored()
    kept = on_disk(folder / "mcp-obs")
    mine = dataclasses.replace(mine, bytes_per_span=kept.bytes_per_span)
    upb = Figures("upb's parse alone", parse.rates, parse.cpu_per_100k)
    print_figures([mine, *others, *slow, upb])
    print(f"mcp-obs / upb's parse alone: {_ratio(mine, upb):.3f}")
    complete = Requirement("spans on disk of those that were queryable", kept.spans, stored, is_least=True)
    return verdict([*_requirements(mine), *(_beside(mine, other) for other in others), complete])


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _warmed(receiver: Receiver) -> Measured:
    # The first exports pay for bcrypt, imports, first parts and the page cache.
    send(receiver.load(WARM_SECONDS))
    settle(receiver.pid)
    return Measured(receiver)


def _slow(start: Callable[[Path], AbstractContextManager[Peer]], folder: Path) -> Figures:
    with start(folder) as peer:
        send(peer.load(WARM_SECONDS))
        rows, size = peer.stored() or 0, peer.disk_bytes()
        measured = Measured(peer, SLOW_DRAIN_SECONDS)
        measured.run(peer.load(SLOW_ROUND_SECONDS))
        figures = figures_of(measured)
    # A journal is worked into the database when its owner stops.
    rows, size = (peer.stored() or 0) - rows, peer.disk_bytes() - size
    return dataclasses.replace(figures, bytes_per_span=size / rows if rows else None)


def _ratio(mine: Figures, other: Figures) -> float:
    return statistics.median(one / two for one, two in zip(mine.rates, other.rates, strict=True))


def _beside(mine: Figures, other: Figures) -> Requirement:
    return Requirement(f"mcp-obs / {other.name}", _ratio(mine, other), 0.45, is_least=True, digits=2)


def _requirements(mine: Figures) -> list[Requirement]:
    return [
        Requirement("spans/s acknowledged, durable", mine.rate, REQUIRED_SPANS_PER_SECOND, is_least=True),
        Requirement("CPU seconds per 100k spans", mine.cpu_per_100k, 1.2, is_least=False, digits=2),
        Requirement("bytes per span after merges", mine.bytes_per_span or 0.0, 65, is_least=False, digits=1),
    ]
