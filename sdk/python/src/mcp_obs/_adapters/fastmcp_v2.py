"""fastmcp 2.x: the low-level server of mcp 1.x below it has all the hooks, and fastmcp makes no spans."""

from typing import Any

from mcp_obs._adapters import mcp_v1


def instrument(server: Any) -> None:
    """Observe every connection of the low-level server, which fastmcp has subclassed."""
    mcp_v1.instrument(server)
