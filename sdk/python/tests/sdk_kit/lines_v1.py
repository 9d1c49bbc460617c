"""mcp 1.x."""
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false, reportCallIssue=false

from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import asynccontextmanager
from inspect import signature
from typing import Any

import anyio
import httpx
from mcp import ClientSession, StdioServerParameters
from mcp.client import streamable_http
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.fastmcp import FastMCP
from mcp.shared.memory import create_connected_server_and_client_session
from mcp.types import (
    LATEST_PROTOCOL_VERSION,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    CancelledNotification,
    CancelledNotificationParams,
    ClientNotification,
    ClientRequest,
    Implementation,
)
from pydantic import AnyHttpUrl

from . import tools
from .lines import IS_BEFORE_1_23, IS_MCP_1_9, SCOPES, Answer, Line, Peer, bearer, mail_of, stdio_command

NAME = "mcp 1.x"
CLIENT = Implementation(name="kit", version="1.2.3")
# 1.9 redirects from the path without the slash, and not every host leads the redirected request back.
PATH = "/mcp/" if IS_MCP_1_9 else "/mcp"


class TokenWithClaims(AccessToken):
    """What a host made itself when the library's had no claims yet."""

    claims: dict[str, Any] | None = None


class Tokens:
    """Every token is its bearer's name."""

    async def verify_token(self, token: str) -> AccessToken | None:
        claims = {"email": mail_of(token)}
        return TokenWithClaims(token=token, client_id="app", scopes=SCOPES, subject=token, claims=claims)

    load_access_token = verify_token


class PeerWithoutMeta(Peer):
    """A client of 1.18 and before, whose call_tool takes no meta."""

    async def call(self, tool: str, meta: Any = None, **arguments: Any) -> Answer:
        params = CallToolRequestParams(name=tool, arguments=arguments, _meta=meta)
        request = ClientRequest(CallToolRequest(method="tools/call", params=params))
        result = await self.session.send_request(request, CallToolResult)
        return Answer(result.content[0].text, result.isError)


PEER = Peer if "meta" in signature(ClientSession.call_tool).parameters else PeerWithoutMeta


def build(*, auth: bool = False, required_scopes: Sequence[str] = ()) -> Any:
    """A FastMCP with the kit's tools."""
    settings = dict[str, Any]()
    if auth:
        settings["auth"] = AuthSettings(
            issuer_url=AnyHttpUrl("https://issuer.example"),
            resource_server_url=None,
            required_scopes=list(required_scopes),
        )
        has_verifiers = "token_verifier" in signature(FastMCP).parameters  # since 1.10
        settings["token_verifier" if has_verifiers else "auth_server_provider"] = Tokens()
    server = FastMCP("kit", **settings)
    for name in tools.OFFERED:
        server.add_tool(getattr(tools, name))
    server.resource("memo://today")(tools.today)
    server.prompt()(tools.ask)
    return server


@asynccontextmanager
async def in_memory(server: Any) -> AsyncGenerator[Peer]:
    """Connect without a transport."""
    lowlevel = getattr(server, "_mcp_server", server)
    async with create_connected_server_and_client_session(lowlevel, client_info=CLIENT) as session:
        yield PEER(session)


@asynccontextmanager
async def over_http(url: str, token: str | None) -> AsyncGenerator[Peer]:
    """Connect by streamable HTTP."""
    is_leaving = False
    try:
        async with (
            http_streams(f"{url}{PATH}", bearer(token)) as streams,
            ClientSession(*streams[:2], client_info=CLIENT) as session,
        ):
            await session.initialize()
            yield PEER(session)
            is_leaving = True
    except BaseExceptionGroup as errors:
        # Clients before 1.23 fail when the answer to a call that was given up comes while they leave: one end or the
        # other of the stream that they put it in is closed by then.
        others = errors.split((anyio.BrokenResourceError, anyio.ClosedResourceError))[1]
        if others is not None or not (IS_BEFORE_1_23 and is_leaving):
            raise


@asynccontextmanager
async def over_sse(url: str, token: str | None) -> AsyncGenerator[Peer]:
    """Connect by HTTP+SSE."""
    async with (
        sse_client(f"{url}/sse", bearer(token)) as streams,
        ClientSession(*streams, client_info=CLIENT) as session,
    ):
        await session.initialize()
        yield PEER(session)


@asynccontextmanager
async def http_streams(url: str, headers: dict[str, str]) -> AsyncGenerator[Any]:
    """The streams of a connection by streamable HTTP."""
    if hasattr(streamable_http, "streamable_http_client"):
        async with (
            httpx.AsyncClient(headers=headers) as http,
            streamable_http.streamable_http_client(url, http_client=http) as streams,
        ):
            yield streams
    else:  # before 1.24
        async with streamable_http.streamablehttp_client(url, headers) as streams:
            yield streams


@asynccontextmanager
async def over_stdio(environment: dict[str, str]) -> AsyncGenerator[Peer]:
    """Start the server and connect to its standard streams."""
    command, *arguments = stdio_command(NAME)
    parameters = StdioServerParameters(command=command, args=arguments, env=environment)
    async with stdio_client(parameters) as streams, ClientSession(*streams, client_info=CLIENT) as session:
        await session.initialize()
        yield PEER(session)


def stateless_app(server: Any) -> Any:
    """Streamable HTTP without sessions, which is a setting of the server."""
    server.settings.stateless_http = True
    return server.streamable_http_app()


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


LINE = Line(
    NAME,
    LATEST_PROTOCOL_VERSION,
    build,
    in_memory,
    over_http,
    over_sse,
    over_http,
    over_stdio,
    app=lambda server: server.streamable_http_app(),
    sse_app=lambda server: server.sse_app(),
    stateless_app=stateless_app,
    run_stdio=lambda server: server.run(),
    cancel=cancel_by_notification,
    user="ada" if "subject" in AccessToken.model_fields else "app",
)
