"""An application on a real socket, for tests that need another process to reach it."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from mcp_obs_server.http_protocol import BoundedProtocol


@asynccontextmanager
async def serving(app: ASGIApp, protocol: type[BoundedProtocol] = BoundedProtocol) -> AsyncGenerator[str]:
    """The application on a free port of the loopback; gives its address."""
    async with running_server(app, protocol) as (url, _):
        yield url


@asynccontextmanager
async def running_server(
    app: ASGIApp, protocol: type[BoundedProtocol]
) -> AsyncGenerator[tuple[str, uvicorn.Server]]:
    """The same; gives the server too, which ends in order when its `should_exit` is set."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(app, http=protocol, ws="none", log_level="error", lifespan="off")
        )
        running = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", server
        finally:
            server.should_exit = True
            await running
