"""One HTTP request that may bring an MCP message."""

from collections.abc import Mapping, MutableMapping
from typing import Any

from mcp_obs._http import scope_of

_KEY = "mcp_obs.exchange"


class Exchange:
    """Lies in the request's ASGI scope, where both its outermost application and the MCP server see it."""

    def __init__(self) -> None:
        self.has_arrived = False
        """Whether its MCP message has been handled, which an operation shows then."""


def begin_exchange(scope: MutableMapping[str, Any]) -> Exchange:
    """Mark a request as watched."""
    exchange = scope[_KEY] = Exchange()
    return exchange


def is_watched(scope: Mapping[str, Any]) -> bool:
    """Whether something further out watches the request."""
    return _KEY in scope


def arrived(request: Any) -> None:
    """The MCP message of a Starlette request has come to the server."""
    exchange = scope_of(request).get(_KEY)
    if exchange is not None:
        exchange.has_arrived = True
