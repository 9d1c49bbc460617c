"""Real MCP clients: they make a visit's calls and count what came back."""

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

import click
import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT, Implementation

from mcp_obs.semconv import CLIENT_FAULT_CODES
from mcp_obs_server.commands.demo.catalogue import Method, ServerName
from mcp_obs_server.commands.demo.children import tail
from mcp_obs_server.commands.demo.traffic import Call, Visit

CALL_SECONDS = 60
# The client's own verdicts: no server sent them.
UNANSWERED = frozenset({CONNECTION_CLOSED, REQUEST_TIMEOUT})


class VisitFailed(click.ClickException):
    """A client could not do what it came for."""


Outcome = Literal["ok", "error", "rejected"]
Pause = Callable[[], Awaitable[None]]
"""Waits as long as a person or a model thinks before the next call."""


@dataclass(frozen=True)
class HttpAddress:
    """A server to reach over streamable HTTP."""

    url: str


@dataclass(frozen=True)
class StdioAddress:
    """A server to start for each client, speaking over its standard streams."""

    command: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    log: Path


Address = HttpAddress | StdioAddress


@dataclass(frozen=True)
class Operated:
    """What a call concerned."""

    server: ServerName
    method: Method
    target: str


@dataclass
class Tally:
    """Counts of calls on the client's side."""

    calls: Counter[Operated] = field(default_factory=Counter[Operated])
    errors: Counter[Operated] = field(default_factory=Counter[Operated])

    def add(self, operated: Operated, outcome: Outcome) -> None:
        """Count one call; a rejected one was the client's own mistake and no error of the server."""
        self.calls[operated] += 1
        if outcome == "error":
            self.errors[operated] += 1

    def of(self, server: ServerName) -> int:
        """Calls of one server."""
        return sum(count for operated, count in self.calls.items() if operated.server == server)


@asynccontextmanager
async def connect(address: Address, visit: Visit) -> AsyncGenerator[Client]:
    """Connect as the visit's person, with their client's name, version and protocol era."""
    person = visit.person
    info = Implementation(name=person.app.name, version=visit.version)
    if isinstance(address, StdioAddress):
        parameters = StdioServerParameters(
            command=address.command, args=list(address.arguments), env=address.environment
        )
        with address.log.open("a") as log:
            # mcp 1.x knows one era; a probe for the other would only fill its log.
            transport = stdio_client(parameters, errlog=log)
            async with Client(
                transport, client_info=info, mode="legacy", read_timeout_seconds=CALL_SECONDS
            ) as client:
                yield client
        return
    mode = "legacy" if person.app.era == "legacy" else "auto"
    headers = {"Authorization": f"Bearer {person.token}"}
    async with httpx2.AsyncClient(trust_env=False, headers=headers, timeout=CALL_SECONDS) as http:
        transport = streamable_http_client(address.url, http_client=http)
        async with Client(
            transport, client_info=info, mode=mode, read_timeout_seconds=CALL_SECONDS
        ) as client:
            yield client


async def make_visit(address: Address, visit: Visit, tally: Tally, pause: Pause) -> None:
    """Connect, look at what the server offers as clients do, and make the visit's calls.

    Raises:
        VisitFailed: the server can't be reached, or does not answer a call.
    """
    try:
        async with connect(address, visit) as client:
            await client.list_tools()
            for call in visit.calls:
                await pause()
                tally.add(Operated(visit.server, call.method, call.target), await make_call(client, call))
    except Exception as error:
        who = f"{visit.person.app.name} {visit.version}"
        log = f"\n{tail(address.log)}" if isinstance(address, StdioAddress) else ""
        raise VisitFailed(f"{visit.server} does not answer {who}: {first_cause(error)!r}{log}") from error


async def make_call(client: Client, call: Call) -> Outcome:
    """Make one call and tell how it ended, by the rules for a server's side."""
    try:
        if call.method == "tools/call":
            result = await client.call_tool(call.target, dict(call.arguments))
            return "error" if result.is_error else "ok"
        if call.method == "resources/read":
            await client.read_resource(call.target)
        else:
            await client.get_prompt(call.target, cast("dict[str, str]", dict(call.arguments)))
    except MCPError as error:
        if error.error.code in UNANSWERED:
            raise
        return "rejected" if error.error.code in CLIENT_FAULT_CODES else "error"
    return "ok"


def first_cause(error: BaseException) -> BaseException:
    """The failure at the bottom of task groups' nested ones."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
