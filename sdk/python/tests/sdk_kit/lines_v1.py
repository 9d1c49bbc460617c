"""mcp 1.x."""
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false, reportCallIssue=false

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.fastmcp import FastMCP
from mcp.shared.memory import create_connected_server_and_client_session
from mcp.types import CancelledNotification, CancelledNotificationParams, ClientNotification, Implementation
from pydantic import AnyHttpUrl

from . import tools
from .lines import Line, Peer, stdio_command

NAME = "mcp 1.x"
CLIENT = Implementation(name="kit", version="1.2.3")


class Tokens:
    """Every token is its bearer's name."""

    async def verify_token(self, token: str) -> AccessToken | None:
        return AccessToken(token=token, client_id="app", scopes=["read", "write"], subject=token)


def build(*, auth: bool = False) -> Any:
    """A FastMCP with the kit's tools."""
    settings = AuthSettings(issuer_url=AnyHttpUrl("https://issuer.example"), resource_server_url=None)
    server = FastMCP("kit", token_verifier=Tokens() if auth else None, auth=settings if auth else None)
    for name in tools.OFFERED:
        server.add_tool(getattr(tools, name))
    server.resource("memo://today")(tools.today)
    server.prompt()(tools.ask)
    return server


@asynccontextmanager
async def in_memory(server: Any) -> AsyncGenerator[Peer]:
    """Connect without a transport."""
    async with create_connected_server_and_client_session(server, client_info=CLIENT) as session:
        yield Peer(session)


@asynccontextmanager
async def over_http(url: str, token: str | None) -> AsyncGenerator[Peer]:
    """Connect by streamable HTTP."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx.AsyncClient(headers=headers) as http,
        streamable_http_client(f"{url}/mcp", http_client=http) as streams,
        ClientSession(*streams[:2], client_info=CLIENT) as session,
    ):
        await session.initialize()
        yield Peer(session)


@asynccontextmanager
async def over_stdio(environment: dict[str, str]) -> AsyncGenerator[Peer]:
    """Start the server and connect to its standard streams."""
    command, *arguments = stdio_command(NAME)
    parameters = StdioServerParameters(command=command, args=arguments, env=environment)
    async with stdio_client(parameters) as streams, ClientSession(*streams, client_info=CLIENT) as session:
        await session.initialize()
        yield Peer(session)


async def cancel_by_notification(peer: Peer, begun: Awaitable[Any]) -> None:
    """Call the tool that waits, tell the server that it is given up, and give up."""
    async with anyio.create_task_group() as group:
        request_id = peer.session._request_id
        group.start_soon(peer.call, "wait")
        await begun
        params = CancelledNotificationParams(requestId=request_id)
        notification = CancelledNotification(method="notifications/cancelled", params=params)
        group.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await peer.session.send_notification(ClientNotification(notification))


LINES = [
    Line(
        NAME,
        "2025-11-25",
        build,
        in_memory,
        over_http,
        over_stdio,
        app=lambda server: server.streamable_http_app(),
        run_stdio=lambda server: server.run(),
        cancel=cancel_by_notification,
    )
]
