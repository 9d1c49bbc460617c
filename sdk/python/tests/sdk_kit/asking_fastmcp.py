"""fastmcp of every version, in its protocol eras."""
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false, reportCallIssue=false

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import fastmcp
from fastmcp.client.transports import StdioTransport

from .asking import ASKING, AskingLine, Asks, Hesitation, keep_traceparent, tools_of
from .lines import FASTMCP, MCP, stdio_command

if MCP == 1:
    from .asking_v1 import ASKS, MODERN_ASKS, TELLS
else:
    from .asking_v2 import ASKS, MODERN_ASKS, TELLS


def build(asks: Asks = ASKS) -> Any:
    """A FastMCP."""
    server: Any = fastmcp.FastMCP("kit")
    add_tools(server, asks)
    return server


def add_tools(server: Any, asks: Asks) -> None:
    """Give a FastMCP the tools."""
    for tool in tools_of(asks, fastmcp.Context):
        server.tool(tool)


@asynccontextmanager
async def connect(
    server: Any, *, dumb: bool = False, hesitation: Hesitation | None = None
) -> AsyncGenerator[Any]:
    """A client in memory, or of a server at a URL."""

    async def roots(context: Any) -> list[str]:
        keep_traceparent(context)
        if hesitation is not None:
            hesitation.asked.set()
            await hesitation.released.wait()
        return []

    async def sample(*_: Any) -> str:
        return "Hello"

    async def elicit(*_: Any) -> Any:
        return {"sure": True}

    answers: dict[str, Any] = {"mode": "legacy"} if FASTMCP > 3 else {}
    if not dumb:
        answers |= {"roots": roots, "sampling_handler": sample, "elicitation_handler": elicit}
    async with fastmcp.Client(server, **answers) as client:
        yield client.session


@asynccontextmanager
async def connect_modern(server: Any) -> AsyncGenerator[Any]:
    """A client of the newest protocol; fastmcp's hears of everything."""
    async with fastmcp.Client(server, mode="auto") as client:
        yield client.session


def asking_line(name: str, version: str, asks: Asks, tells: dict[str, Any], connect_to: Any) -> AskingLine:
    """A line that speaks that revision of the protocol."""

    def over_stdio(environment: dict[str, str]) -> Any:
        command, *arguments = stdio_command(name, ASKING)
        return connect_to(StdioTransport(command, arguments, env=environment, keep_alive=False))

    return AskingLine(
        name,
        version,
        partial(build, asks),
        connect_to,
        asks,
        tells,
        app=lambda server: server.http_app(),
        over_http=lambda url: connect_to(f"{url}/mcp"),
        run_stdio=lambda server: server.run(show_banner=False),
        over_stdio=over_stdio,
    )


NAME = f"fastmcp {FASTMCP}.x"
LINES = [asking_line(NAME, "2025-11-25", ASKS, TELLS, connect)]
if FASTMCP > 3:
    LINES.append(asking_line(f"{NAME}, protocol of 2026", "2026-07-28", MODERN_ASKS, {}, connect_modern))
