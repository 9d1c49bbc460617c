"""fastmcp 2.x and 3.x, which stand on mcp 1.x."""
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false, reportCallIssue=false

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import fastmcp
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport

from .fastmcp_server import build
from .lines import FASTMCP, Line, Peer, bearer, stdio_command
from .lines_v1 import CLIENT, cancel_by_notification

NAME = f"fastmcp {FASTMCP}.x"


@asynccontextmanager
async def connect(transport: Any) -> AsyncGenerator[Peer]:
    """A client of fastmcp's own."""
    async with fastmcp.Client(transport, client_info=CLIENT) as client:
        yield Peer(client.session)


def over_http(url: str, token: str | None) -> Any:
    """Connect by streamable HTTP."""
    return connect(StreamableHttpTransport(f"{url}/mcp", headers=bearer(token)))


def over_sse(url: str, token: str | None) -> Any:
    """Connect by HTTP+SSE."""
    return connect(SSETransport(f"{url}/sse", headers=bearer(token)))


def over_stdio(environment: dict[str, str]) -> Any:
    """Start the server and connect to its standard streams."""
    command, *arguments = stdio_command(NAME)
    return connect(StdioTransport(command, arguments, env=environment, keep_alive=False))


LINE = Line(
    NAME,
    "2025-11-25",
    build,
    connect,
    over_http,
    over_sse,
    over_http,
    over_stdio,
    app=lambda server: server.http_app(),
    sse_app=lambda server: server.http_app(transport="sse"),
    stateless_app=lambda server: server.http_app(stateless_http=True),
    run_stdio=lambda server: server.run(show_banner=False),
    cancel=cancel_by_notification,
)
