"""The server: mcp 2.x, `MCPServer`."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from mcp.server import MCPServer

from claude_code_mcp.manager import SessionManager, new_uuid
from claude_code_mcp.settings import Settings
from claude_code_mcp.tools import AgentTools


def create_server(settings: Settings, new_id: Callable[[], str] = new_uuid) -> MCPServer:
    """Build the server; the sessions that run when it ends, end with it."""
    manager = SessionManager(settings, new_id)

    @asynccontextmanager
    async def lifespan(_: MCPServer) -> AsyncGenerator[dict[str, Any]]:
        try:
            yield {}
        finally:
            await manager.end_all()

    server = MCPServer("claude-code-mcp", version="1.0.0", log_level="WARNING", lifespan=lifespan)
    for tool in AgentTools(manager).all():
        server.add_tool(tool)
    return server
