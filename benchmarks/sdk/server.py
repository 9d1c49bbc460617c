"""The small MCP server that is measured, as a process of its own, with one contender switched on.

    python -m benchmarks.sdk.server CONTENDER ENDPOINT stdio
    python -m benchmarks.sdk.server CONTENDER ENDPOINT http PORT
    python -m benchmarks.sdk.server CONTENDER ENDPOINT memory        calls itself as lines of standard input say
    python -m benchmarks.sdk.server CONTENDER ENDPOINT middleware N  its middleware N times, on one real message

Needs nothing but its contender's packages.
"""

import asyncio
import gc
import os
import sys
import time
from importlib import import_module
from typing import Any

from benchmarks.sdk.contenders import Contender, named

TOOLS = {"empty": 0.0, "five_milliseconds": 0.005}
"""Each with the seconds that it takes."""
WITHOUT_GARBAGE_COLLECTION = "BENCH_WITHOUT_GARBAGE_COLLECTION"
"""The environment variable that switches it off, whatever its value."""


def build(contender: Contender, endpoint: str) -> Any:
    """The server, recorded as the contender does it."""
    return contender.switch_on(lambda: _make(contender.library), endpoint)


def _make(library: str) -> Any:
    if library == "fastmcp":
        server = import_module("fastmcp").FastMCP("bench")
    else:
        server = import_module("mcp.server").MCPServer("bench", log_level="WARNING")

    async def empty() -> str:
        return ""

    async def five_milliseconds() -> str:
        await asyncio.sleep(TOOLS["five_milliseconds"])
        return ""

    for tool in (empty, five_milliseconds):
        server.tool()(tool)
    return server


def serve_http(server: Any, port: int) -> None:
    """On the loopback, without a log of each request."""
    is_fastmcp = hasattr(server, "http_app")
    app = server.http_app() if is_fastmcp else server.streamable_http_app()
    # The client's connection outlasts the pauses of the benchmark, which are longer than the usual 5 s.
    import_module("uvicorn").run(
        app, host="127.0.0.1", port=port, log_level="warning", timeout_keep_alive=600
    )


async def serve_memory(server: Any) -> None:
    """Each line of standard input is a tool and how often to call it; answered with the seconds of each call."""
    client_of = import_module("fastmcp" if hasattr(server, "http_app") else "mcp").Client
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin.buffer
    )
    async with client_of(server) as client:
        print("ready", flush=True)
        while line := await lines.readline():
            tool, times = line.decode().split()
            seconds: list[str] = []
            for _ in range(int(times)):
                started = time.perf_counter()
                await client.call_tool(tool, {})
                seconds.append(f"{time.perf_counter() - started:.7f}")
            print(" ".join(seconds), flush=True)


def main() -> None:
    """Serve until standard input closes, or SIGTERM."""
    if WITHOUT_GARBAGE_COLLECTION in os.environ:
        gc.disable()
    name, endpoint, transport, *rest = sys.argv[1:]
    server = build(named(name), endpoint)
    if transport == "stdio":
        server.run(transport="stdio", **({"show_banner": False} if hasattr(server, "http_app") else {}))
    elif transport == "http":
        serve_http(server, int(rest[0]))
    elif transport == "memory":
        asyncio.run(serve_memory(server))
    else:
        from benchmarks.sdk.middleware import repeat  # noqa: PLC0415  mcp's, which fastmcp's servers lack

        asyncio.run(repeat(server, int(rest[0])))


if __name__ == "__main__":
    main()
