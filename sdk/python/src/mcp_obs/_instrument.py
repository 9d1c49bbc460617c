"""The one call that instruments a server."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

from mcp_obs import _telemetry
from mcp_obs._configuration import is_enabled
from mcp_obs._guard import Guard, logger

ServerT = TypeVar("ServerT")

_instrumenting = Guard("instrumenting a server, so its operations are not recorded")


def instrument(server: ServerT) -> ServerT:
    """Record every MCP operation of `server`; returns the same server.

    Takes MCPServer and Server of mcp 2.x, FastMCP of fastmcp 4.x, FastMCP and Server of mcp 1.x. Call it
    before the server runs; a second call changes nothing. Without configure_mcp_telemetry the host's
    global OpenTelemetry providers are used. Nothing is ever raised; a server that cannot be instrumented
    is named in a warning of the logger `mcp_obs`.
    """
    with _instrumenting:
        if _telemetry.current() is None or not is_enabled(os.environ):
            return server
        adapter = _adapter(server)
        if adapter is None:
            logger.warning(
                "mcp-obs cannot instrument %s.%s: it knows the servers of mcp 1.x, mcp 2.x and fastmcp 4.x",
                type(server).__module__,
                type(server).__qualname__,
            )
        else:
            adapter(server)
    return server


def _adapter(server: Any) -> Callable[[Any], None] | None:
    """The adapter for the library that the server's class comes from; only that library is imported."""
    libraries = {kind.__module__.partition(".")[0] for kind in type(server).__mro__}
    lowlevel = getattr(server, "_mcp_server", server)
    has_middleware = isinstance(getattr(lowlevel, "middleware", None), list)
    if "fastmcp" in libraries and has_middleware:
        from mcp_obs._adapters import fastmcp_v4  # noqa: PLC0415

        return fastmcp_v4.instrument
    if "mcp" in libraries and isinstance(getattr(server, "middleware", None), list):
        from mcp_obs._adapters import mcp_v2  # noqa: PLC0415

        return mcp_v2.instrument
    if "mcp" in libraries and hasattr(lowlevel, "run"):
        from mcp_obs._adapters import mcp_v1  # noqa: PLC0415

        return mcp_v1.instrument
    return None
