"""What a running server takes in, and what that takes of the machine.

    make bench-ingest                          mcp-obs beside its peers, in rounds that alternate
    make bench-ingest BENCH=--quick            mcp-obs and upb's bare parsing, three rounds
    make bench-ingest BENCH=--small            exports of 1, 16 and 64 spans over 200 connections
    make bench-ingest BENCH="--soak 10"        60,000 spans/s for 10 minutes, with 20 million stored

Ends with status 1 and says SHORT when a figure that is required is missed.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.comparison import compare
from benchmarks.small_exports import measure_small_exports
from benchmarks.soak import PREFILL_SPANS, soak


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--quick", action="store_true", help="without the peers")
    modes.add_argument("--small", action="store_true", help="small exports over many connections")
    modes.add_argument(
        "--soak", type=float, metavar="MINUTES", help="at half of the spans/s that must be acknowledged"
    )
    parser.add_argument("--stored", type=int, default=PREFILL_SPANS, help="spans to store before a soak")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mcp-obs-bench-") as folder:
        return _chosen(given)(Path(folder))


def _chosen(given: argparse.Namespace) -> Callable[[Path], int]:
    if given.small:
        return measure_small_exports
    if given.soak:
        return partial(soak, minutes=given.soak, prefill=given.stored)
    return partial(compare, rounds=3 if given.quick else 6, with_peers=not given.quick)


if __name__ == "__main__":
    sys.exit(main())
