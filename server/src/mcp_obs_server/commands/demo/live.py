"""The demo that goes on: people with their clients call the example servers until somebody stops it."""

from random import Random

import anyio
from rich.console import Console

from mcp_obs_server.commands.demo.catalogue import CATALOGUE, ServerName
from mcp_obs_server.commands.demo.clients import Tally, make_visit
from mcp_obs_server.commands.demo.deployment import Deployment
from mcp_obs_server.commands.demo.people import PEOPLE
from mcp_obs_server.commands.demo.traffic import draw_visit

# Clients at once; a visit over stdio is a process of its own.
AT_ONCE: dict[ServerName, int] = {"weather": 3, "notes": 2, "shop": 3, "claude-code-mcp": 1}
VISIT_CALLS: dict[ServerName, tuple[int, int]] = {
    "weather": (3, 10),
    "notes": (12, 30),
    "shop": (4, 12),
    "claude-code-mcp": (6, 20),
}
# About as busy as the generated past, which a faster pace would flatten on every chart.
THINKING_SECONDS = (2.0, 14.0)
ARRIVING_SECONDS = 2.0
QUIET_SECONDS = 30


async def live(deployment: Deployment, console: Console) -> None:
    """Let clients come and go until cancelled."""
    tally = Tally()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(report, console, tally)
        for server, clients in AT_ONCE.items():
            for seat in range(clients):
                tasks.start_soon(come_and_go, deployment, server, Random(f"{server} {seat}"), tally)  # noqa: S311


async def come_and_go(deployment: Deployment, server: ServerName, draw: Random, tally: Tally) -> None:
    """Make one visit after another, each as somebody else."""

    async def think() -> None:
        await anyio.sleep(draw.uniform(*THINKING_SECONDS))

    await anyio.sleep(draw.uniform(0, ARRIVING_SECONDS))
    while True:
        visit = draw_visit(server, draw.choice(PEOPLE), draw.randint(*VISIT_CALLS[server]), draw)
        await make_visit(deployment.addresses[server], visit, tally, think)


async def report(console: Console, tally: Tally) -> None:
    """Keep one line current in a terminal; elsewhere print one now and then."""
    if not console.is_terminal:
        while True:
            await anyio.sleep(QUIET_SECONDS)
            console.print(calls_so_far(tally))
    with console.status(calls_so_far(tally)) as status:
        while True:
            await anyio.sleep(1)
            status.update(calls_so_far(tally))


def calls_so_far(tally: Tally) -> str:
    """How often each server was called."""
    counts = " · ".join(f"{server} {tally.of(server)}" for server in CATALOGUE)
    return f"calls so far: {counts}   (Ctrl-C stops the demo)"
