"""All contenders beside each other while their collector takes everything, on one transport after the other.

Two processes of the very same program differ by 10 to 50 µs a call for as long as they live, by where their memory lies
and how their strings hash: the blocks of a transport are of servers that are started anew again and again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.receivers.null import running_null_receiver
from benchmarks.sdk.added import added, bare_cpu_us, noise
from benchmarks.sdk.blocks import Blocks, Extent, run_blocks, together, warm
from benchmarks.sdk.contenders import BARE, FASTMCP_BARE, MCP_OBS, NATIVE, TWIN, Contender
from benchmarks.sdk.exports import endpoint, exports_required
from benchmarks.sdk.running import TRANSPORTS, Transport, all_running
from benchmarks.table import Requirement, number, table

_HEADER = ("", "CPU µs/call", "of native", "of a bare call", "thread µs/call", "p50 µs", "p99 µs")
# A start takes 20 s until it is warm: a block is long beside that, and a call of the second tool is six times as long.
_EXTENTS = {
    "empty": Extent(blocks=1, cycles=20, calls=50),
    "five_milliseconds": Extent(blocks=1, cycles=6, calls=50),
}
_MOST_OF_NATIVE = 0.15
_MOST_OF_AN_EMPTY_CALL = 0.01


def measure_healthy(contenders: Sequence[Contender], starts: int, folder: Path) -> list[Requirement]:
    """Print a table for each transport and tool; what is required of mcp_obs."""
    found: list[Requirement] = []
    for transport in TRANSPORTS:
        started = [blocks_of_a_start(contenders, transport, _EXTENTS, folder) for _ in range(starts)]
        for tool in _EXTENTS:
            blocks = together([each[tool] for each in started])
            _print(blocks, contenders, transport, tool)
            if (transport, tool) == ("http", "empty"):
                found = _requirements(blocks)
    return found


def blocks_of_a_start(
    contenders: Sequence[Contender],
    transport: Transport,
    extents: Mapping[str, Extent],
    folder: Path,
) -> dict[str, Blocks]:
    """The blocks of each tool, of servers that are started for them. Raises SystemExit when one exports nothing."""
    found: dict[str, Blocks] = {}
    with (
        running_null_receiver() as port,
        all_running(contenders, lambda each: endpoint(each, port), transport, folder) as servers,
    ):
        with exports_required(contenders, port):
            warm(servers, extents)
        for tool, extent in extents.items():
            with exports_required(contenders, port):
                found[tool] = run_blocks(servers, tool, extent)
    return found


def _print(blocks: Blocks, contenders: Sequence[Contender], transport: Transport, tool: str) -> None:
    base, apart = bare_cpu_us(blocks), noise(blocks)
    native = added(blocks, NATIVE).cpu
    print(f"\nadded to a call of the tool {tool!r}, {transport}; a bare call takes {base:,.0f} µs of CPU")
    rows: list[list[str]] = []
    for each in contenders:
        if each in (BARE, FASTMCP_BARE):
            continue
        more = added(blocks, each)
        shares = ("-", "-") if each is TWIN else (f"{more.cpu / native:.2f}", f"{more.cpu / base:.1%}")
        rows.append(
            [each.name, number(more.cpu, 1), *shares, *map(number, (more.thread, more.p50, more.p99))]
        )
    rows.append(
        [
            "noise of the twins ±",
            number(apart.cpu, 1),
            "-",
            "-",
            *map(number, (apart.thread, apart.p50, apart.p99)),
        ]
    )
    print(table(_HEADER, rows), flush=True)


def _requirements(blocks: Blocks) -> list[Requirement]:
    mine, native = added(blocks, MCP_OBS).cpu, added(blocks, NATIVE).cpu
    share = mine / bare_cpu_us(blocks)
    return [
        Requirement(
            "added CPU / native OTel's, empty call over HTTP", mine / native, _MOST_OF_NATIVE, False, 2
        ),
        Requirement("added CPU / an empty call over HTTP", share, _MOST_OF_AN_EMPTY_CALL, False, 3),
    ]
