"""mcp 2.x in both protocol eras, and fastmcp 4.x."""

from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import fastmcp
import httpx2
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp_types import Implementation
from pydantic import AnyHttpUrl

from . import fastmcp_server, tools
from .lines import SCOPES, Line, Peer, bearer, mail_of, stdio_command

CLIENT = Implementation(name="kit", version="1.2.3")


class Tokens:
    """Every token is its bearer's name."""

    async def verify_token(self, token: str) -> AccessToken | None:
        claims = {"email": mail_of(token)}
        return AccessToken(token=token, client_id="app", scopes=SCOPES, subject=token, claims=claims)


def build_mcpserver(*, auth: bool = False, required_scopes: Sequence[str] = ()) -> MCPServer:
    """An MCPServer with the kit's tools."""
    settings = AuthSettings(
        issuer_url=AnyHttpUrl("https://issuer.example"),
        resource_server_url=None,
        required_scopes=list(required_scopes),
    )
    server = MCPServer("kit", token_verifier=Tokens() if auth else None, auth=settings if auth else None)
    for name in tools.OFFERED:
        server.add_tool(getattr(tools, name))
    server.resource("memo://today")(tools.today)
    server.prompt()(tools.ask)
    return server


def mcp_line(name: str, mode: Any, protocol_version: str) -> Line:
    """A line of mcp 2.x whose clients negotiate as `mode` says."""

    @asynccontextmanager
    async def connect(transport: Any) -> AsyncGenerator[Peer]:
        async with Client(transport, mode=mode, client_info=CLIENT) as client:
            yield Peer(client.session)

    @asynccontextmanager
    async def over_http(url: str, token: str | None) -> AsyncGenerator[Peer]:
        async with (
            httpx2.AsyncClient(headers=bearer(token)) as http,
            connect(streamable_http_client(f"{url}/mcp", http_client=http)) as peer,
        ):
            yield peer

    def over_sse(url: str, token: str | None) -> Any:
        return connect(sse_client(f"{url}/sse", bearer(token)))

    def over_stdio(environment: dict[str, str]) -> Any:
        command, *arguments = stdio_command(name)
        parameters = StdioServerParameters(command=command, args=arguments, env=environment)
        return connect(stdio_client(parameters))

    return Line(
        name,
        protocol_version,
        build_mcpserver,
        connect,
        over_http,
        over_sse,
        over_http,
        over_stdio,
        app=lambda server: server.streamable_http_app(),
        sse_app=lambda server: server.sse_app(),
        stateless_app=lambda server: server.streamable_http_app(stateless_http=True),
        run_stdio=lambda server: server.run(),
        cancel=cancel_by_scope,
    )


async def cancel_by_scope(peer: Peer, begun: Awaitable[Any]) -> None:
    """Call the tool that waits, and give up; the library tells the server."""
    async with anyio.create_task_group() as group:
        group.start_soon(peer.call, "wait")
        await begun
        group.cancel_scope.cancel()


def fastmcp_line(name: str, mode: str, protocol_version: str) -> Line:
    """A line of fastmcp 4.x whose clients negotiate as `mode` says."""

    @asynccontextmanager
    async def connect(transport: Any) -> AsyncGenerator[Peer]:
        async with fastmcp.Client(transport, client_info=CLIENT, mode=mode) as client:
            yield Peer(client.session)

    def over_http(url: str, token: str | None) -> Any:
        return connect(StreamableHttpTransport(f"{url}/mcp", headers=bearer(token)))

    def over_sse(url: str, token: str | None) -> Any:
        return connect(SSETransport(f"{url}/sse", headers=bearer(token)))

    def over_stdio(environment: dict[str, str]) -> Any:
        command, *arguments = stdio_command(name)
        return connect(StdioTransport(command, arguments, env=environment, keep_alive=False))

    return Line(
        name,
        protocol_version,
        fastmcp_server.build,
        connect,
        over_http,
        over_sse if mode == "legacy" else None,
        over_http,
        over_stdio,
        app=lambda server: server.http_app(),
        sse_app=lambda server: server.http_app(transport="sse"),
        stateless_app=lambda server: server.http_app(stateless_http=True),
        run_stdio=lambda server: server.run(show_banner=False),
        cancel=cancel_by_scope,
    )


LINES = [
    mcp_line("mcp 2.x", "2026-07-28", "2026-07-28"),
    mcp_line("mcp 2.x, protocol of 2025", "legacy", "2025-11-25"),
    fastmcp_line("fastmcp 4.x", "auto", "2026-07-28"),
    fastmcp_line("fastmcp 4.x, protocol of 2025", "legacy", "2025-11-25"),
]
