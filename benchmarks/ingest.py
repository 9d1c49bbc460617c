"""How fast a running server acknowledges durable exports, and what that takes.

    make bench-ingest BENCH=--quick

512-span exports over 4 connections from a load generator in its own process, in rounds that alternate with upb parsing
the same bodies on one core, because a shared machine's speed drifts. After each round everything acknowledged is waited
for until it can be queried.
"""

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Figures, figures_of, print_figures
from benchmarks.load import send
from benchmarks.parsing import UpbParse
from benchmarks.receivers.mcp_obs import OnDisk, on_disk, running_mcp_obs
from benchmarks.rounds import Measured
from benchmarks.table import Requirement, verdict

ROUND_SECONDS = 4.0
PARSE_SECONDS = 1.0
WARM_SECONDS = 1.0


def main() -> int:
    """Print the figures; 1 when one falls short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="half as many rounds")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mcp-obs-bench-") as folder:
        return _measure(Path(folder), 3 if given.quick else 6)


def _measure(folder: Path, rounds: int) -> int:
    parse = UpbParse()
    with running_mcp_obs(folder) as receiver:
        send(receiver.load(WARM_SECONDS))  # bcrypt, the first parts, the page cache
        measured = Measured(receiver)
        for _ in range(rounds):
            parse.run(PARSE_SECONDS)
            measured.run(receiver.load(ROUND_SECONDS))
        live = figures_of(measured)
        expected = receiver.stored()
    kept = on_disk(folder)
    mine = dataclasses.replace(live, bytes_per_span=kept.bytes_per_span)
    upb = Figures("upb, parsing only", parse.rates, parse.cpu_per_100k)
    print_figures([mine, upb])
    print(f"mcp-obs / upb {mine.rate / upb.rate:.3f}")
    return verdict(_requirements(mine, kept, expected))


def _requirements(mine: Figures, kept: OnDisk, expected: int) -> Sequence[Requirement]:
    return [
        Requirement("spans/s acknowledged, durable", mine.rate, 120_000, is_least=True),
        Requirement("CPU seconds per 100k spans", mine.cpu_per_100k, 1.2, is_least=False, digits=2),
        Requirement("bytes per span after merges", kept.bytes_per_span, 65, is_least=False, digits=1),
        Requirement("spans on disk after the stop", kept.spans, expected, is_least=True),
    ]


if __name__ == "__main__":
    sys.exit(main())
