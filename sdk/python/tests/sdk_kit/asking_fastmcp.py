"""fastmcp of every version, with the protocol of 2025."""
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false, reportCallIssue=false

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import fastmcp

from .asking import AskingLine, Hesitation, keep_traceparent, tools_of
from .lines import FASTMCP, MCP

if MCP == 1:
    from .asking_v1 import ASKS, TELLS
else:
    from .asking_v2 import ASKS, TELLS


def build() -> Any:
    """A FastMCP."""
    server: Any = fastmcp.FastMCP("kit")
    for tool in tools_of(ASKS, fastmcp.Context):
        server.tool(tool)
    return server


@asynccontextmanager
async def connect(
    server: Any, *, dumb: bool = False, hesitation: Hesitation | None = None
) -> AsyncGenerator[Any]:
    """A client in memory."""

    async def roots(context: Any) -> list[str]:
        keep_traceparent(context)
        if hesitation is not None:
            hesitation.asked.set()
            await hesitation.released.wait()
        return []

    async def sample(*_: Any) -> str:
        return "Hello"

    async def elicit(*_: Any) -> Any:
        return {"sure": True}

    answers: dict[str, Any] = {"mode": "legacy"} if FASTMCP > 3 else {}
    if not dumb:
        answers |= {"roots": roots, "sampling_handler": sample, "elicitation_handler": elicit}
    async with fastmcp.Client(server, **answers) as client:
        yield client.session


LINE = AskingLine(f"fastmcp {FASTMCP}.x", build, connect, ASKS, TELLS, "-32600")
