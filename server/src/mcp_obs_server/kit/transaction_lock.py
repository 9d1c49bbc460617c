"""Locks between the processes that share a control plane on PostgreSQL. Whoever crashes lets go of them."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import IntEnum
from functools import partial

from asyncpg import InterfaceError, PostgresError  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

StillHeld = Callable[[], Awaitable[None]]
"""Raises what `UNAVAILABLE` names when the lock was lost since it was taken."""

# The first half of each lock's key, "mcpo", apart from what others may lock in the same database.
_OURS = 0x6D63706F
# Others rebuild a day or insert meanwhile, longer than a statement may take; a server may be gone without a word.
_WAIT_SECONDS = 600.0


class Locked(IntEnum):
    """What a lock is about: the second half of its key."""

    INSERTS = 1
    DELETIONS = 2


class TransactionLock:
    """Held by a transaction on a connection of its own.

    On SQLite nothing is held: one process has the file, and locks within it are asyncio's.
    """

    def __init__(self, engine: AsyncEngine, locked: Locked) -> None:
        self._engine = engine
        self._key = _OURS, int(locked)
        self._is_shared = is_shared(engine)

    @asynccontextmanager
    async def shared(self) -> AsyncGenerator[None]:
        """Beside others that share it. Raises what `UNAVAILABLE` names, also when it was lost meanwhile."""
        async with self._waited_for("SELECT pg_advisory_xact_lock_shared($1, $2)"):
            yield

    @asynccontextmanager
    async def exclusive(self) -> AsyncGenerator[StillHeld]:
        """Alone, once all others have let go. Raises what `UNAVAILABLE` names, also when it was lost meanwhile."""
        async with self._waited_for("SELECT pg_advisory_xact_lock($1, $2)") as still_held:
            yield still_held

    @asynccontextmanager
    async def if_free(self) -> AsyncGenerator[bool]:
        """Alone, or False at once when another has it. Raises what `UNAVAILABLE` names."""
        if not self._is_shared:
            yield True
            return
        async with self._transaction() as connection:
            sql = text("SELECT pg_try_advisory_xact_lock(:ours, :locked)")
            ours, locked = self._key
            yield await connection.scalar(sql, {"ours": ours, "locked": locked}) is True

    @asynccontextmanager
    async def _waited_for(self, sql: str) -> AsyncGenerator[StillHeld]:
        if not self._is_shared:
            yield _nothing_to_lose
            return
        async with self._transaction() as connection:
            await self._wait(connection, sql)
            yield partial(_answers, connection)

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncConnection]:
        async with self._engine.begin() as connection:
            # SQLAlchemy begins one with the first statement only.
            await _answers(connection)
            yield connection
            # A lock that was lost is no longer known to have kept others away.
            await _answers(connection)

    async def _wait(self, connection: AsyncConnection, sql: str) -> None:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        try:
            await driver.fetchval(sql, *self._key, timeout=_WAIT_SECONDS)
        except (InterfaceError, PostgresError) as error:
            # As SQLAlchemy does, which knows no time limit for a single statement.
            raise OperationalError(sql, None, error) from error


async def _answers(connection: AsyncConnection) -> None:
    await connection.execute(text("SELECT 1"))


async def _nothing_to_lose() -> None:
    pass


def is_shared(engine: AsyncEngine) -> bool:
    """Whether other processes may use this control plane."""
    return engine.dialect.name == "postgresql"
