"""Locks between the processes that share a control plane on PostgreSQL. Whoever crashes lets go of them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import IntEnum

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

# The first half of each lock's key, "mcpo", apart from what others may lock in the same database.
_OURS = 0x6D63706F


class Locked(IntEnum):
    """What a lock is about: the second half of its key."""

    INSERTS = 1
    DELETIONS = 2


class TransactionLock:
    """Held by a transaction, so that it passes a pooler that hands connections out by transactions.

    On SQLite nothing is held: one process has the file, and locks within it are asyncio's.
    """

    def __init__(self, engine: AsyncEngine, locked: Locked) -> None:
        self._engine = engine
        self._key = {"ours": _OURS, "locked": int(locked)}
        self._is_shared = is_shared(engine)

    @asynccontextmanager
    async def shared(self) -> AsyncGenerator[None]:
        """Beside others that share it. Raises what `UNAVAILABLE` names, also when it was lost meanwhile."""
        async with self._held("SELECT pg_advisory_xact_lock_shared(:ours, :locked)"):
            yield

    @asynccontextmanager
    async def exclusive(self) -> AsyncGenerator[None]:
        """Alone, once all others have let go. Raises what `UNAVAILABLE` names, also when it was lost meanwhile."""
        async with self._held("SELECT pg_advisory_xact_lock(:ours, :locked)"):
            yield

    @asynccontextmanager
    async def if_free(self) -> AsyncGenerator[bool]:
        """Alone, or False at once when another has it. Raises what `UNAVAILABLE` names."""
        async with self._held("SELECT pg_try_advisory_xact_lock(:ours, :locked)") as answer:
            yield answer is not False

    @asynccontextmanager
    async def _held(self, sql: str) -> AsyncGenerator[object]:
        if not self._is_shared:
            yield None
            return
        async with self._engine.begin() as connection:
            yield await connection.scalar(text(sql), self._key)
            # A lock that was lost is no longer known to have kept others away.
            await connection.execute(text("SELECT 1"))


def is_shared(engine: AsyncEngine) -> bool:
    """Whether other processes may use this control plane."""
    return engine.dialect.name == "postgresql"
