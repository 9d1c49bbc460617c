"""One real message through a server's first middleware, many times: what recording costs where the request waits."""

import time
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

_STRETCHES = 10
# Long enough for what a stretch has left to be exported before the next.
_PAUSE_SECONDS = 0.3


async def repeat(server: Any, times: int) -> None:
    """Print µs of the thread for each, µs of the process for each with its export, and MB resident on the way."""
    middleware = server.middleware[0]

    async def measured(ctx: Any, call_next: Any) -> Any:
        result = await call_next(ctx)
        if ctx.method == "tools/call":
            await _repeat(middleware, ctx, result, times)
        return result

    server.middleware.insert(0, measured)
    async with Client(server) as client:
        await client.call_tool("empty", {})


async def _repeat(middleware: Any, ctx: Any, result: Any, times: int) -> None:
    async def answered(_: Any) -> Any:
        return result

    stretch = times // _STRETCHES
    threads: list[float] = []
    resident: list[float] = []
    before = time.process_time()
    for _ in range(_STRETCHES):
        started = time.thread_time()
        for _ in range(stretch):
            await middleware(ctx, answered)
        threads.append((time.thread_time() - started) / stretch * 1e6)
        await anyio.sleep(_PAUSE_SECONDS)
        resident.append(_resident_mb())
    # Whatever batches is due by then.
    await anyio.sleep(6)
    everything = (time.process_time() - before) / (stretch * _STRETCHES) * 1e6
    print(min(threads), everything, *resident, flush=True)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6
