"""Proof of the demo: what the read API shows equals, exactly, what the clients counted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.lowlevel
from rich.console import Console
from rich.table import Table

from mcp_obs_server.commands.demo.catalogue import ServerName
from mcp_obs_server.commands.demo.clients import Tally, make_visit
from mcp_obs_server.commands.demo.deployment import Deployment, Registered, step
from mcp_obs_server.commands.demo.traffic import Visit, check_plan

AT_ONCE = 6
SHOWN_ATTEMPTS, SHOWN_PAUSE_SECONDS = 80, 0.25
SETTLE_SECONDS = 1.5
TIME_RANGE = "24h"
EVERYTHING = "everything"


@dataclass(frozen=True)
class Count:
    """Calls and how many of them failed."""

    calls: int = 0
    errors: int = 0


Row = tuple[ServerName, str]
Counts = Mapping[Row, Count]


async def check(deployment: Deployment, console: Console) -> bool:
    """Make the planned visits and compare; print the table. True when every row is equal."""
    plan = check_plan()
    step(console, f"{sum(len(visit.calls) for visit in plan)} calls by {len(plan)} clients")
    tally = Tally()
    await make_visits(deployment, plan, tally)
    counted = count(tally)
    step(console, "waiting until the dashboard's API shows them")
    shown = await shown_counts(deployment, counted)
    console.print(comparison(counted, shown))
    equal = counted == shown
    total = sum(tally.calls.values())
    console.print(
        f"{'✓' if equal else '✗'} {total} calls, {sum(tally.errors.values())} errors on the clients' side"
    )
    return equal


async def make_visits(deployment: Deployment, plan: Iterable[Visit], tally: Tally) -> None:
    """Make every visit, a few at once."""
    seats = anyio.CapacityLimiter(AT_ONCE)

    async def take_seat(visit: Visit) -> None:
        async with seats:
            await make_visit(deployment.addresses[visit.server], visit, tally, anyio.lowlevel.checkpoint)

    async with anyio.create_task_group() as tasks:
        for visit in plan:
            tasks.start_soon(take_seat, visit)


def count(tally: Tally) -> Counts:
    """The tally in the rows of the comparison: each tool, and each server's whole."""
    rows: dict[Row, Count] = {}
    for operated in tally.calls:
        tool = (operated.server, operated.target)
        if operated.method == "tools/call":
            rows[tool] = Count(tally.calls[operated], tally.errors[operated])
        whole = rows.get((operated.server, EVERYTHING), Count())
        rows[operated.server, EVERYTHING] = Count(
            whole.calls + tally.calls[operated], whole.errors + tally.errors[operated]
        )
    return rows


async def shown_counts(deployment: Deployment, expected: Counts) -> Counts:
    """What the read API shows, as soon as it equals the expected, or after a bounded wait."""
    for _ in range(SHOWN_ATTEMPTS):
        if await read_counts(deployment) == expected:
            break
        await anyio.sleep(SHOWN_PAUSE_SECONDS)
    # Once more after every exporter has had its turn: nothing may be shown twice.
    await anyio.sleep(SETTLE_SECONDS)
    return await read_counts(deployment)


async def read_counts(deployment: Deployment) -> Counts:
    """Ask the read API for every row of the comparison."""
    rows: dict[Row, Count] = {}
    for name, server in deployment.registered.items():
        rows.update(await read_server(deployment, name, server))
    return rows


async def read_server(deployment: Deployment, name: ServerName, server: Registered) -> Counts:
    """Ask the read API for one server's rows."""
    overview = await deployment.api.overview(server.id, TIME_RANGE)
    rows: dict[Row, Count] = {
        (name, tool["name"]): Count(tool["calls"], tool["errors"])
        for tool in await deployment.api.tools(server.id, TIME_RANGE)
    }
    return {
        **rows,
        (name, EVERYTHING): Count(figure(overview, "calls"), figure(overview, "errors")),
    }


def figure(overview: Mapping[str, Any], name: str) -> int:
    """One figure of the overview; none is shown as null."""
    return int(overview[name]["value"] or 0)


def comparison(counted: Counts, shown: Counts) -> Table:
    """Both sides of every row, and whether they are equal."""
    table = Table(
        "", "server", "tool", title="calls and errors: counted by the clients, shown by the dashboard's API"
    )
    for column in ("calls", "shown", "errors", "shown"):
        table.add_column(column, justify="right")
    previous = ""
    for row in sorted(counted.keys() | shown.keys(), key=lambda row: (row[0], row[1] == EVERYTHING, row[1])):
        here, there = counted.get(row, Count()), shown.get(row, Count())
        if previous not in ("", row[0]):
            table.add_section()
        previous = row[0]
        numbers = (here.calls, there.calls, here.errors, there.errors)
        mark = "[green]✓[/green]" if here == there else "[red]✗[/red]"
        name = "(all calls)" if row[1] == EVERYTHING else row[1]
        table.add_row(mark, row[0], name, *map(str, numbers))
    return table
