"""fastmcp 2.x and 3.x, which stand on mcp 1.x."""
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false, reportCallIssue=false

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import fastmcp
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from fastmcp.server.auth.providers.jwt import StaticTokenVerifier

from . import tools
from .lines import FASTMCP, Line, Peer, stdio_command
from .lines_v1 import CLIENT, cancel_by_notification

NAME = f"fastmcp {FASTMCP}.x"


def build(*, auth: bool = False) -> Any:
    """A FastMCP with the kit's tools."""
    known = {"ada": {"client_id": "app", "scopes": ["read", "write"], "sub": "ada"}}
    server: Any = fastmcp.FastMCP("kit", auth=StaticTokenVerifier(known) if auth else None)
    for name in tools.OFFERED:
        server.tool(getattr(tools, name))
    server.resource("memo://today")(tools.today)
    server.prompt(tools.ask)
    return server


@asynccontextmanager
async def connect(transport: Any) -> AsyncGenerator[Peer]:
    """A client of fastmcp's own."""
    async with fastmcp.Client(transport, client_info=CLIENT) as client:
        yield Peer(client.session)


def over_http(url: str, token: str | None) -> Any:
    """Connect by streamable HTTP."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return connect(StreamableHttpTransport(f"{url}/mcp", headers=headers))


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
    over_stdio,
    app=lambda server: server.http_app(),
    run_stdio=lambda server: server.run(show_banner=False),
    cancel=cancel_by_notification,
)
