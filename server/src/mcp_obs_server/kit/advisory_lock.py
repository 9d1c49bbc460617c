"""What one process on a shared control plane does at a time."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import IntEnum

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

log = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 0.2


class Turn(IntEnum):
    """The numbers of the locks in PostgreSQL; its `pg_locks` shows them."""

    START = 0x6D63_7001
    """Migrations of both databases and the first organisation."""


@asynccontextmanager
async def advisory_lock(engine: AsyncEngine, turn: Turn) -> AsyncGenerator[None]:
    """Wait for this turn and hold it; it is free again when the block or the process ends.

    With SQLite there is nothing to wait for: its folder takes one process. Raises what `UNAVAILABLE` names.
    """
    if engine.dialect.name == "sqlite":
        yield
        return
    async with engine.connect() as connection:
        # Otherwise a transaction would stay open, and hold VACUUM up, for as long as the lock.
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        # Asking again rather than waiting in the database: a wait has no answer within any time limit.
        tells = True
        while not await connection.scalar(select(func.pg_try_advisory_lock(turn.value))):
            if tells:
                log.warning("Waiting for another mcp-obs on the same control plane (%s)", turn.name)
                tells = False
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
        try:
            yield
        finally:
            await connection.scalar(select(func.pg_advisory_unlock(turn.value)))
