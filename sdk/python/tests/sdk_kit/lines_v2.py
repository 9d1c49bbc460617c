"""mcp 2.x in both protocol eras, and fastmcp 4.x."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import fastmcp
import httpx2
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from fastmcp.server.auth.providers.jwt import StaticTokenVerifier
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp_types import Implementation
from pydantic import AnyHttpUrl

from . import tools
from .lines import Line, Peer, stdio_command

CLIENT = Implementation(name="kit", version="1.2.3")


class Tokens:
    """Every token is its bearer's name."""

    async def verify_token(self, token: str) -> AccessToken | None:
        return AccessToken(token=token, client_id="app", scopes=["read", "write"], subject=token)


def build_mcpserver(*, auth: bool = False) -> MCPServer:
    """An MCPServer with the kit's tools."""
    settings = AuthSettings(issuer_url=AnyHttpUrl("https://issuer.example"), resource_server_url=None)
    server = MCPServer("kit", token_verifier=Tokens() if auth else None, auth=settings if auth else None)
    for name in tools.OFFERED:
        server.add_tool(getattr(tools, name))
    server.resource("memo://today")(tools.today)
    server.prompt()(tools.ask)
    return server


def build_fastmcp(*, auth: bool = False) -> Any:
    """A FastMCP with the kit's tools."""
    known = {"ada": {"client_id": "app", "scopes": ["read", "write"], "sub": "ada"}}
    server: Any = fastmcp.FastMCP("kit", auth=StaticTokenVerifier(known) if auth else None)
    for name in tools.OFFERED:
        server.tool(getattr(tools, name))
    server.resource("memo://today")(tools.today)
    server.prompt(tools.ask)
    return server


def mcp_line(name: str, mode: Any, protocol_version: str) -> Line:
    """A line of mcp 2.x whose clients negotiate as `mode` says."""

    @asynccontextmanager
    async def in_memory(server: Any) -> AsyncGenerator[Peer]:
        async with Client(server, mode=mode, client_info=CLIENT) as client:
            yield Peer(client.session)

    @asynccontextmanager
    async def over_http(url: str, token: str | None) -> AsyncGenerator[Peer]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx2.AsyncClient(headers=headers) as http:
            transport = streamable_http_client(f"{url}/mcp", http_client=http)
            async with Client(transport, mode=mode, client_info=CLIENT) as client:
                yield Peer(client.session)

    @asynccontextmanager
    async def over_stdio(environment: dict[str, str]) -> AsyncGenerator[Peer]:
        command, *arguments = stdio_command(name)
        parameters = StdioServerParameters(command=command, args=arguments, env=environment)
        async with Client(parameters, mode=mode, client_info=CLIENT) as client:
            yield Peer(client.session)

    return Line(
        name,
        protocol_version,
        build_mcpserver,
        in_memory,
        over_http,
        over_stdio,
        app=lambda server: server.streamable_http_app(),
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
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return connect(StreamableHttpTransport(f"{url}/mcp", headers=headers))

    def over_stdio(environment: dict[str, str]) -> Any:
        command, *arguments = stdio_command(name)
        return connect(StdioTransport(command, arguments, env=environment, keep_alive=False))

    return Line(
        name,
        protocol_version,
        build_fastmcp,
        connect,
        over_http,
        over_stdio,
        app=lambda server: server.http_app(),
        run_stdio=lambda server: server.run(show_banner=False),
        cancel=cancel_by_scope,
    )


LINES = [
    mcp_line("mcp 2.x", "2026-07-28", "2026-07-28"),
    mcp_line("mcp 2.x, protocol of 2025", "legacy", "2025-11-25"),
    fastmcp_line("fastmcp 4.x", "auto", "2026-07-28"),
    fastmcp_line("fastmcp 4.x, protocol of 2025", "legacy", "2025-11-25"),
]
