"""Every transport of this process, as a connected client."""

import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import pytest

from .lines import Line, Peer, installed_lines
from .serving import serving
from .tools import BEGUN


def on_every_line(*transports: str) -> pytest.MarkDecorator:
    """The parameters `line` and `transport`: every line over each of these."""
    pairs = [
        pytest.param(line, transport, id=f"{line}-{transport}")
        for line in installed_lines().values()
        for transport in transports
        if transport != "sse" or line.over_sse is not None
    ]
    return pytest.mark.parametrize(("line", "transport"), pairs)


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
    assert connect is not None
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
