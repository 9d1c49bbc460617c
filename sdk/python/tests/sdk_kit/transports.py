"""Every transport of this process, as a connected client."""

import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio

from .lines import Line, Peer
from .serving import serving
from .tools import BEGUN

TRANSPORTS = ("in-memory", "sse", "http", "stateless-http")


@asynccontextmanager
async def connected(
    line: Line, transport: str, server: Any, token: str | None = None
) -> AsyncGenerator[Peer]:
    """A client of `server` over a transport of behaviours.yaml."""
    if transport == "in-memory":
        async with line.in_memory(server) as peer:
            yield peer
        return
    app, connect = {
        "sse": (line.sse_app, line.over_sse),
        "http": (line.app, line.over_http),
        "stateless-http": (line.stateless_app, line.over_stateless_http),
    }[transport]
    with serving(app(server)) as url:
        async with connect(url, token) as peer:
            yield peer


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
