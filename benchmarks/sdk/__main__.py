"""What recording costs an MCP server, in one run: mcp_obs, OpenTelemetry's own ways, and the peers that install.

    make bench-sdk                    everything: about 40 minutes
    make bench-sdk BENCH=--quick      shorter, without the peers: about 10 minutes

Servers are called in turns, so that a machine's drift meets all of them, and started anew for each block while the
collector is well, so that one process's luck is not everybody's figure: those on every transport together, and the
peers less often, beside bare servers of their own. A contender that exports nothing then ends the run. CPU is the
server process's own, hot path and export together, minus that of bare servers in the same blocks. Ends with status 1
and says SHORT when a figure that is required is missed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.sdk.arrivals import measure_arrivals
from benchmarks.sdk.blocks import Extent
from benchmarks.sdk.contenders import CORE, FASTMCP, FASTMCP_BARE, PEERS, installed
from benchmarks.sdk.failing import measure_failing
from benchmarks.sdk.healthy import measure_healthy
from benchmarks.sdk.in_thread import measure_in_thread
from benchmarks.sdk.instructions import measure_instructions
from benchmarks.table import verdict


def main() -> int:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer starts and calls, without the peers")
    quick = parser.parse_args().quick
    peers = [] if quick else installed((FASTMCP_BARE, FASTMCP, *PEERS))
    contenders = [*CORE, *peers]
    with tempfile.TemporaryDirectory(prefix="mcp-obs-bench-") as name:
        folder = Path(name)
        measure_in_thread(10_000 if quick else 50_000, folder)
        measure_instructions(CORE, folder)
        required = measure_healthy(peers, 4 if quick else 12, folder)
        on_mcp = [each for each in contenders if each.library == "mcp"]
        required += measure_failing(
            on_mcp, 2 if quick else 8, Extent(blocks=1, cycles=10, calls=50), 60_000, folder
        )
        required += measure_arrivals(contenders, 500 if quick else 2_000, folder)
    print()
    return verdict(required)


if __name__ == "__main__":
    sys.exit(main())
