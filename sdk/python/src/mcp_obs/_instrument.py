"""The one call that instruments a server."""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from mcp_obs import _telemetry
from mcp_obs._adapters import findings
from mcp_obs._configuration import is_enabled
from mcp_obs._guard import Guard, logger
from mcp_obs._metrics.targets import targets

ServerT = TypeVar("ServerT")

_instrumenting = Guard("instrumenting a server, so its operations are not recorded")


def instrument(server: ServerT) -> ServerT:
    """Record every MCP operation of `server`; returns the same server.

    Takes MCPServer and Server of mcp 2.x, FastMCP and Server of mcp 1.x, FastMCP of fastmcp 2.x, 3.x and 4.x.
    Call it before the server runs; a second call changes nothing. Without configure_mcp_telemetry the host's
    global OpenTelemetry providers are used. Nothing is ever raised; a server that cannot be instrumented
    is named in a warning of the logger `mcp_obs`.
    """
    with _instrumenting:
        if _telemetry.is_switched_off() or not (_telemetry.is_decided() or is_enabled(os.environ)):
            return server
        library = findings.library_of(server)
        if library is None:
            logger.warning(
                "mcp-obs cannot instrument %s.%s: it knows the servers of mcp %s, and of fastmcp %s",
                type(server).__module__,
                type(server).__qualname__,
                findings.PROVEN["mcp"],
                findings.PROVEN["fastmcp"],
            )
            return server
        adapter = _adapter(server, library)
        if adapter is not None:
            adapter(server)
            targets.look_into(server)
    return server


def _adapter(server: Any, library: str) -> Callable[[Any], None] | None:
    """The adapter for the library that the server's class comes from; only that library is imported."""
    lowlevel = getattr(server, "_mcp_server", getattr(server, "_lowlevel_server", server))
    if isinstance(getattr(lowlevel, "middleware", None), list):
        name = "fastmcp_v4" if library == "fastmcp" else "mcp_v2"
    elif hasattr(lowlevel, "run") and hasattr(lowlevel, "request_handlers"):
        is_v2 = findings.version_of("fastmcp").startswith("2.")
        name = "mcp_v1" if library == "mcp" else "fastmcp_v2" if is_v2 else "fastmcp_v3"
    else:
        findings.report(
            library, f"{type(server).__qualname__}.middleware", "the server is not recorded at all"
        )
        return None
    try:
        return import_module(f"mcp_obs._adapters.{name}").instrument
    except ImportError as error:
        findings.report(library, f"{error.name} ({error.msg})", "the server is not recorded at all")
        return None
