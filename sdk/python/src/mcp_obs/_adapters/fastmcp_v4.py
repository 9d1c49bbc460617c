"""fastmcp 4.x: the middleware of mcp 2.x below it, with fastmcp's own spans suppressed."""

from typing import Any

from fastmcp.server.middleware import CallNext as ToolCallNext
from fastmcp.server.middleware import Middleware, MiddlewareContext
from fastmcp.telemetry import suppress_fastmcp_telemetry
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from mcp_obs._adapters.http_apps import watch_apps
from mcp_obs._adapters.mcp_v2 import OperationMiddleware
from mcp_obs._operation import note_failure


class FastMCPOperationMiddleware(OperationMiddleware):
    """An operation inside which fastmcp opens no span of its own; it still passes trace context on."""

    async def proceed(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Run the rest of the chain."""
        with suppress_fastmcp_telemetry():
            return await call_next(ctx)


class ExceptionMiddleware(Middleware):
    """Sees a tool's exception before fastmcp turns it into a result."""

    async def on_call_tool(self, context: MiddlewareContext[Any], call_next: ToolCallNext[Any, Any]) -> Any:
        """Note what the tool raises."""
        try:
            return await call_next(context)
        except Exception as error:
            note_failure(error)
            raise


def instrument(server: Any) -> None:
    """Add our middleware to the low-level server, outermost, and to the server, innermost."""
    middleware: list[Any] = server._mcp_server.middleware
    if any(isinstance(one, OperationMiddleware) for one in middleware):
        return
    middleware.insert(0, FastMCPOperationMiddleware())
    server.add_middleware(ExceptionMiddleware())
    watch_apps(server)
