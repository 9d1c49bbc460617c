"""One HTTP request that may bring an MCP message."""

from typing import Any

from mcp_obs._http import scope_of

EXCHANGE = "mcp_obs.exchange"
"""Where it lies in the request's ASGI scope: its outermost application and the MCP server see it there."""


class Exchange:
    """A request that is watched."""

    has_arrived = False
    """Whether its MCP message has been handled, which an operation shows then."""


def arrived(request: Any) -> None:
    """The MCP message of a Starlette request has come to the server."""
    exchange = scope_of(request).get(EXCHANGE)
    if exchange is not None:
        exchange.has_arrived = True
