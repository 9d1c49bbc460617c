"""Processes that share a control plane keep out of each other's way."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from advisory_locks import advisory_locks
from mcp_obs_server.kit.database import open_database
from mcp_obs_server.kit.database_url import parse_control_url
from mcp_obs_server.kit.transaction_lock import Locked, TransactionLock
from postgresql import PostgreSQL
from waiting import until

_END_WHO_HOLDS_IT = """
SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE locktype = 'advisory' AND datname = current_database() AND granted
"""


@pytest.fixture
async def database(postgresql: PostgreSQL) -> AsyncIterator[AsyncEngine]:
    """An empty one."""
    engine = open_database(parse_control_url(postgresql.new_database()))
    yield engine
    await engine.dispose()


async def hold_alone(lock: TransactionLock, held: asyncio.Event) -> None:
    async with lock.exclusive():
        held.set()


async def hold_beside_others(lock: TransactionLock) -> None:
    async with lock.shared():
        pass


async def test_who_wants_to_be_alone_waits_for_those_who_share(database: AsyncEngine) -> None:
    lock, alone = TransactionLock(database, Locked.INSERTS), asyncio.Event()
    async with lock.shared(), lock.shared():
        waiting = asyncio.create_task(hold_alone(lock, alone))

        async def it_waits() -> bool:
            return await advisory_locks(database, granted=False) == 1

        await until(it_waits)
        assert not alone.is_set()
    await waiting
    assert alone.is_set()


async def test_a_lock_is_waited_for_longer_than_a_statement_may_take(
    postgresql: PostgreSQL,
) -> None:
    url = parse_control_url(postgresql.new_database())
    patient, hurried = open_database(url), create_async_engine(url, connect_args={"command_timeout": 2})
    lock, alone = TransactionLock(hurried, Locked.INSERTS), asyncio.Event()

    async def both_wait() -> bool:
        return await advisory_locks(patient, granted=False) == 2

    async with TransactionLock(patient, Locked.INSERTS).exclusive():
        waiting = [
            asyncio.create_task(hold_alone(lock, alone)),
            asyncio.create_task(hold_beside_others(lock)),
        ]
        await until(both_wait)
        with pytest.raises(TimeoutError):
            async with hurried.connect() as connection:
                await connection.execute(text("SELECT pg_sleep(60)"))
        assert await both_wait()
    await asyncio.gather(*waiting)
    assert alone.is_set()
    await hurried.dispose()
    await patient.dispose()


async def test_whose_connection_is_lost_while_it_waits_is_told(database: AsyncEngine) -> None:
    lock = TransactionLock(database, Locked.INSERTS)

    async def it_waits() -> bool:
        return await advisory_locks(database, granted=False) == 1

    async with lock.exclusive() as still_held:
        waiting = asyncio.create_task(hold_beside_others(lock))
        await until(it_waits)
        async with database.connect() as connection:
            await connection.execute(text(_END_WHO_HOLDS_IT.replace("granted", "NOT granted")))
        with pytest.raises(DBAPIError):
            await waiting
        await still_held()


async def test_a_lock_that_is_held_is_not_waited_for_and_another_is_free(database: AsyncEngine) -> None:
    lock = TransactionLock(database, Locked.DELETIONS)
    async with lock.if_free() as free, lock.if_free() as again:
        assert (free, again) == (True, False)
        async with TransactionLock(database, Locked.INSERTS).if_free() as other:
            assert other
    async with lock.if_free() as free:
        assert free


async def test_whose_connection_is_lost_holds_nobody_up_and_is_told(database: AsyncEngine) -> None:
    lock = TransactionLock(database, Locked.INSERTS)
    with pytest.raises(DBAPIError):
        async with lock.shared():
            async with database.connect() as connection:
                await connection.execute(text(_END_WHO_HOLDS_IT))
            await hold_alone(lock, asyncio.Event())


async def test_postgresql_ends_the_connection_of_a_machine_that_lost_its_power(database: AsyncEngine) -> None:
    # What a socket of this machine has in force is always 0.
    asked = "SELECT name, reset_val FROM pg_settings WHERE name LIKE 'tcp_keepalives%' AND source = 'client'"
    async with database.connect() as connection:
        settings = {each.name: each.reset_val for each in await connection.execute(text(asked))}
    assert settings == {
        "tcp_keepalives_idle": "30",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
    }


async def test_on_sqlite_nobody_waits(tmp_path_factory: pytest.TempPathFactory) -> None:
    engine = open_database(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('control') / 'control.db'}")
    lock = TransactionLock(engine, Locked.INSERTS)
    async with lock.shared(), lock.exclusive(), lock.if_free() as free:
        assert free
    await engine.dispose()
