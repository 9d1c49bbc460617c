"""What an organisation no longer keeps leaves the tables and the disk."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from control_plane import ControlPlane
from mcp_obs_server.deletions.expiry import Expiry
from mcp_obs_server.kit.database import open_database
from mcp_obs_server.kit.transaction_lock import Locked, TransactionLock
from mcp_obs_server.store import TelemetryStore
from mcp_obs_server.store.retention import KEPT_AS_ROLLUPS, KEPT_AS_SENT, TABLES
from waiting import until

NOW = datetime(2026, 11, 25, 13, 30, tzinfo=UTC)
AGES = (timedelta(hours=1), timedelta(days=6), timedelta(days=7), timedelta(days=8), timedelta(days=20))


@pytest.fixture
async def filled(store: TelemetryStore, org_id: int) -> list[int]:
    """Two organisations with one row of each age in every table."""
    org_ids = [org_id, org_id + 500_000]
    for table, column in TABLES.items():
        values = ", ".join(
            f"({each}, 1, '{NOW - age:%Y-%m-%d %H:%M:%S}')" for each in org_ids for age in AGES
        )
        await store.command(f"INSERT INTO {table} (org_id, server_id, {column}) VALUES {values}", {})
    return org_ids


async def kept(store: TelemetryStore, org_id: int) -> dict[str, list[int]]:
    """The age in days of every row, by table."""
    return {
        table: [
            (NOW - row["time"]).days
            for row in await store.rows(
                f"SELECT {column} AS time FROM {table} WHERE org_id = {org_id} ORDER BY time DESC", {}
            )
        ]
        for table, column in TABLES.items()
    }


# With SQLite nothing is held and nothing opened.
ALONE = TransactionLock(open_database("sqlite+aiosqlite://"), Locked.DELETIONS)


def expiry(store: TelemetryStore, deletions: TransactionLock = ALONE, **days_of: list[int]) -> Expiry:
    async def shorter() -> dict[int, list[int]]:
        return {int(name.removeprefix("days_")): org_ids for name, org_ids in days_of.items()}

    return Expiry(shorter, lambda: NOW, store, deletions)


async def test_whole_days_older_than_the_organisation_keeps_leave_and_hours_stay_also_when_two_processes_look(
    store: TelemetryStore, filled: list[int]
) -> None:
    ours, theirs = filled
    await asyncio.gather(*(expiry(store, days_7=[ours]).expire() for _ in range(2)))
    everything = [age.days for age in AGES]
    assert await kept(store, ours) == {
        **{table: [0, 6, 7] for table in KEPT_AS_SENT},
        **dict.fromkeys(KEPT_AS_ROLLUPS, everything),
    }
    assert await kept(store, theirs) == dict.fromkeys(TABLES, everything)


async def test_with_nothing_left_to_delete_no_table_is_touched(
    store: TelemetryStore, filled: list[int]
) -> None:
    once = expiry(store, days_7=[filled[0]])
    await once.expire()
    mutations = "SELECT table, mutation_id FROM system.mutations ORDER BY ALL"
    before = await store.rows(mutations, {})
    await once.expire()
    assert await store.rows(mutations, {}) == before


async def test_a_running_server_looks_by_itself(store: TelemetryStore, filled: list[int]) -> None:
    ours = filled[0]

    async def is_done() -> bool:
        return (await kept(store, ours))["spans"] == [0]

    async with expiry(store, days_1=[ours]):
        await until(is_done)


@pytest.mark.parametrize("control_url", ["postgresql"], indirect=True)
async def test_while_another_process_deletes_nothing_is_asked_of_the_store(
    control: ControlPlane, store: TelemetryStore, filled: list[int]
) -> None:
    deletions = TransactionLock(control.engine, Locked.DELETIONS)
    async with deletions.exclusive():
        assert not await expiry(store, deletions, days_7=[filled[0]]).expire()
    assert (await kept(store, filled[0]))["spans"] == [age.days for age in AGES]
    assert await expiry(store, deletions, days_7=[filled[0]]).expire()
    assert (await kept(store, filled[0]))["spans"] == [0, 6, 7]
