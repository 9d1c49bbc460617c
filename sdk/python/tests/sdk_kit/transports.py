"""Every transport of every library, as a connected client."""
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false, reportCallIssue=false

import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio

from .lines import MCP, Line, Peer
from .serving import serving
from .tools import BEGUN

TRANSPORTS = ("in memory", "SSE", "HTTP", "HTTP without sessions")


@asynccontextmanager
async def connected(line: Line, transport: str, server: Any) -> AsyncGenerator[Peer]:
    """A client of `server` over a transport of this process."""
    if transport == "in memory":
        async with line.in_memory(server) as peer:
            yield peer
        return
    with serving(_app(line, transport, server)) as url:
        over = _over_sse(line, url) if transport == "SSE" else line.over_http(url, None)
        async with over as peer:
            yield peer


def _app(line: Line, transport: str, server: Any) -> Any:
    if transport == "SSE":
        return server.http_app(transport="sse") if _is_fastmcp(line) else server.sse_app()
    if transport == "HTTP":
        return line.app(server)
    if _is_fastmcp(line):
        return server.http_app(stateless_http=True)
    if MCP > 1:
        return server.streamable_http_app(stateless_http=True)
    server.settings.stateless_http = True
    return server.streamable_http_app()


def _is_fastmcp(line: Line) -> bool:
    return line.name.startswith("fastmcp")


@asynccontextmanager
async def _over_sse(line: Line, url: str) -> AsyncGenerator[Peer]:
    if _is_fastmcp(line):
        import fastmcp
        from fastmcp.client.transports import SSETransport

        async with fastmcp.Client(SSETransport(f"{url}/sse")) as client:
            yield Peer(client.session)
        return
    from mcp.client.sse import sse_client

    if MCP > 1:
        from mcp import Client

        mode = "legacy" if line.protocol_version < "2026" else line.protocol_version
        async with Client(sse_client(f"{url}/sse"), mode=mode) as client:
            yield Peer(client.session)
        return
    from mcp import ClientSession

    from .lines_v1 import PEER

    async with sse_client(f"{url}/sse") as streams, ClientSession(*streams) as session:
        await session.initialize()
        yield PEER(session)


@contextmanager
def told_when_begun() -> Generator[tuple[dict[str, str], Callable[[], Awaitable[None]]]]:
    """What the environment of a server must have for its tool `wait`, and the wait until that has begun."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        environment = {BEGUN: str(listener.getsockname()[1])}

        async def begun() -> None:
            connection, _ = await anyio.to_thread.run_sync(listener.accept)
            connection.close()

        os.environ.update(environment)
        try:
            yield environment, begun
        finally:
            del os.environ[BEGUN]
