"""All contenders beside each other while their collector takes everything, on every transport.

Two processes of the very same program differ by 10 to 50 µs a call for as long as they live, by where their memory lies
and how their strings hash: only more starts average that out, not more calls. So the servers of all transports share
one start and its pauses, and the peers, whose figures are far from the noise, have few starts of their own.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

from benchmarks.receivers.null import running_null_receiver
from benchmarks.sdk.added import added, bare_cpu_us, uncertainty
from benchmarks.sdk.blocks import Blocks, Extent, run_blocks, together, warm
from benchmarks.sdk.contenders import BARE, CORE, FASTMCP_BARE, MCP_OBS, NATIVE, TWIN, Contender, named
from benchmarks.sdk.exports import endpoint, exports_required
from benchmarks.sdk.running import TRANSPORTS, Transport, all_running
from benchmarks.table import Requirement, number, table

_HEADER = ("", "starts", "CPU µs/call", "of native", "of a bare call", "thread µs/call", "p50 µs", "p99 µs")
# A start takes half a minute until it is warm: calls of the second tool, six times as long, are fewer.
_EXTENTS = {
    "empty": Extent(blocks=1, cycles=20, calls=50),
    "five_milliseconds": Extent(blocks=1, cycles=4, calls=50),
}
_STARTS_OF_CORE_BEFORE_ONE_OF_PEERS = 6
_MOST_OF_NATIVE = 0.15
_MOST_OF_AN_EMPTY_CALL = 0.01

Start = dict[tuple[Transport, str], Blocks]
"""By transport and tool."""


def measure_healthy(peers: Sequence[Contender], starts: int, folder: Path) -> list[Requirement]:
    """Print a table for each transport and tool; what is required of mcp_obs. `starts` are the core's."""
    of_core: list[Start] = []
    of_peers: list[Start] = []
    for count in range(1, starts + 1):
        of_core.append(blocks_of_a_start(CORE, _EXTENTS, folder))
        if peers and count % _STARTS_OF_CORE_BEFORE_ONE_OF_PEERS == 0:
            of_peers.append(blocks_of_a_start((BARE, TWIN, *peers), _EXTENTS, folder))
    for transport, tool in product(TRANSPORTS, _EXTENTS):
        core = together([each[transport, tool] for each in of_core])
        beside = together([each[transport, tool] for each in of_peers])
        bare = f"a bare call takes {bare_cpu_us(core):,.0f} µs of CPU"
        print(f"\nadded to a call of the tool {tool!r}, {transport}; {bare}")
        print(table(_HEADER, rows(core, beside)), flush=True)
    required = together([each["http", "empty"] for each in of_core])
    print(f"\n{told_apart(required)}", flush=True)
    return _requirements(required)


def blocks_of_a_start(contenders: Sequence[Contender], extents: Mapping[str, Extent], folder: Path) -> Start:
    """Of servers on every transport, started for them. Raises SystemExit when one exports nothing."""
    found: Start = {}
    with (
        running_null_receiver() as port,
        all_running(contenders, lambda each, transport: endpoint(each, transport, port), folder) as servers,
    ):
        with exports_required(contenders, port):
            warm([each for beside in servers.values() for each in beside], extents)
        for tool, extent in extents.items():
            with exports_required(contenders, port):
                blocks = run_blocks(servers, tool, extent)
            found |= {(transport, tool): each for transport, each in blocks.items()}
    return found


def rows(core: Blocks, peers: Blocks) -> list[list[str]]:
    """A contender each, against the bare servers of its own starts; the noise is of the core's."""
    native, apart = added(core, NATIVE).cpu, uncertainty(core)
    count = len(core[BARE.name])
    return [
        *(_row(each, core, native) for each in CORE if each is not BARE),
        *(
            _row(named(each), peers, native)
            for each in peers
            if named(each) not in (BARE, TWIN, FASTMCP_BARE)
        ),
        [
            "noise of the twins ±",
            str(count),
            number(apart.cpu, 1),
            "-",
            "-",
            *map(number, (apart.thread, apart.p50, apart.p99)),
        ],
    ]


def told_apart(blocks: Blocks) -> str:
    """Whether mcp_obs adds more than twice the noise to what the blocks are of, an empty call over HTTP."""
    mine, apart = added(blocks, MCP_OBS).cpu, uncertainty(blocks).cpu
    verdict = "to be told apart" if abs(mine) > 2 * apart else "not to be told apart"
    return (
        f"mcp_obs adds {mine:.1f} µs ± {apart:.1f} to an empty call over HTTP: {verdict} from a bare server"
    )


def _row(contender: Contender, blocks: Blocks, native: float) -> list[str]:
    more = added(blocks, contender)
    base = bare_cpu_us(blocks)
    shares = ("-", "-") if contender is TWIN else (f"{more.cpu / native:.2f}", f"{more.cpu / base:.1%}")
    starts = str(len(blocks[contender.name]))
    figures = map(number, (more.thread, more.p50, more.p99))
    return [contender.name, starts, number(more.cpu, 1), *shares, *figures]


def _requirements(blocks: Blocks) -> list[Requirement]:
    mine, native = added(blocks, MCP_OBS).cpu, added(blocks, NATIVE).cpu
    share = mine / bare_cpu_us(blocks)
    return [
        Requirement(
            "added CPU / native OTel's, empty call over HTTP", mine / native, _MOST_OF_NATIVE, False, 2
        ),
        Requirement("added CPU / an empty call over HTTP", share, _MOST_OF_AN_EMPTY_CALL, False, 3),
    ]
