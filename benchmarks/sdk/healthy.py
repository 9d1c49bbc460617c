"""All contenders beside each other while their collector takes everything, on one transport after the other."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.receivers.null import running_null_receiver
from benchmarks.sdk.added import added, bare_cpu_us, noise
from benchmarks.sdk.blocks import Blocks, Extent, run_blocks
from benchmarks.sdk.contenders import BARE, FASTMCP_BARE, MCP_OBS, NATIVE, TWIN, Contender
from benchmarks.sdk.running import TRANSPORTS, Transport, running
from benchmarks.sdk.server import TOOLS
from benchmarks.table import Requirement, number, table

_HEADER = ("", "CPU µs/call", "of native", "of a bare call", "thread µs/call", "p50 µs", "p99 µs")
_MOST_OF_NATIVE = 0.15
_MOST_OF_AN_EMPTY_CALL = 0.01


def measure_healthy(contenders: Sequence[Contender], extent: Extent, folder: Path) -> list[Requirement]:
    """Print a table for each transport and tool; what is required of mcp_obs."""
    found: list[Requirement] = []
    for transport in TRANSPORTS:
        with running_null_receiver() as port, ExitStack() as stack:
            endpoint = f"http://127.0.0.1:{port}"
            servers = [stack.enter_context(running(each, endpoint, transport, folder)) for each in contenders]
            for tool in TOOLS:
                blocks = run_blocks(servers, tool, extent)
                _print(blocks, contenders, transport, tool)
                if (transport, tool) == ("http", "empty"):
                    found = _requirements(blocks)
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
