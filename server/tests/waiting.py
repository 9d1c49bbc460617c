"""Waiting for what happens in the background, with a bound."""

import asyncio
from collections.abc import Awaitable, Callable

_SECONDS = 120
_LOOK_EVERY_SECONDS = 0.05


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return as soon as the condition holds; raises TimeoutError after two minutes."""
    async with asyncio.timeout(_SECONDS):
        while not await condition():  # noqa: ASYNC110  what is waited for may be another process's work
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
