"""Serves the server that `module:attribute` names on the standard streams: run as a program."""

import sys
from importlib import import_module
from inspect import signature
from typing import Any

import anyio


def serve(server: Any) -> None:
    """Until its client leaves."""
    if hasattr(server, "create_initialization_options"):
        anyio.run(_serve_low_level, server)
    else:
        # A banner looks for newer versions in the network.
        options = {"show_banner": False} if "show_banner" in signature(server.run).parameters else {}
        server.run(transport="stdio", **options)


async def _serve_low_level(server: Any) -> None:
    streams: Any = import_module("mcp.server.stdio").stdio_server
    async with streams() as (reads, writes):
        await server.run(reads, writes, server.create_initialization_options())


def named(place: str) -> Any:
    """The server, or what the function of that name makes."""
    module, _, attribute = place.partition(":")
    found: Any = import_module(module)
    for name in attribute.split("."):
        found = getattr(found, name)
    return found() if not hasattr(found, "run") else found


if __name__ == "__main__":
    sys.path.insert(0, "")
    serve(named(sys.argv[1]))
