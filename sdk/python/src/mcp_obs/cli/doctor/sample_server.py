"""A server of the library that is named, to see whether mcp-obs records it: run as a program, over stdio."""

import sys
from importlib import import_module
from typing import Any

NAME = "mcp-obs-doctor"
TOOL = "ship_parcel"
ARGUMENTS = {"city": "Zurich", "email": "ada@example.com", "weight_kg": 2.5}
_CLASSES = {
    "fastmcp": ("fastmcp", "FastMCP"),
    "mcp": ("mcp.server", "MCPServer"),
    "mcp 1.x": ("mcp.server.fastmcp", "FastMCP"),
}


def ship_parcel(city: str, email: str, weight_kg: float) -> str:
    """Ship a parcel, or rather say so."""
    return f"{weight_kg} kg to {city}; {email} will hear of it."


def build(library: str) -> Any:
    """A server with one tool, of `mcp` or `fastmcp`."""
    module, name = _CLASSES[library]
    try:
        kind: Any = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        if library != "mcp":
            raise
        return build("mcp 1.x")
    server = kind(NAME)
    server.tool()(ship_parcel)
    return server


if __name__ == "__main__":
    from mcp_obs.cli.doctor.serve import serve

    serve(build(sys.argv[1]))
