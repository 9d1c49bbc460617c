"""One HTTP request that may bring an MCP message."""

from collections.abc import Mapping
from typing import Any

EXCHANGE = "mcp_obs.exchange"
"""Where it lies in the request's ASGI scope: its outermost application and the MCP server see it there."""


class Exchange:
    """A request that is watched."""

    has_arrived = False
    """Whether its MCP message has been handled, which an operation shows then."""


def arrived(scope: Mapping[str, Any]) -> None:
    """The MCP message of a request with this ASGI scope has come to the server."""
    exchange = scope.get(EXCHANGE)
    if exchange is not None:
        exchange.has_arrived = True
