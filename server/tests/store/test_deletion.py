"""Deleting reaches every table, whoever added it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from clickhouse_front import Front
from mcp_obs_server.store import TelemetryStore, delete_server_rows
from mcp_obs_server.store.retention import TABLES

# What holds nothing that anybody sent.
OUR_OWN = {"schema_history"}


@pytest.fixture(scope="module", params=[None, "main"], ids=["server", "cluster"])
def store(front: Front, request: pytest.FixtureRequest) -> Iterator[TelemetryStore]:
    """One of its own: the engine looks into every part of a table, and the store of all tests has hundreds."""
    cluster: str | None = request.param
    store = TelemetryStore.open(front.location(f"deletion_{cluster}", cluster), timedelta(days=3_650))
    yield store
    store.close()


async def stored_tables(store: TelemetryStore) -> set[str]:
    sql = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    return {row["name"] for row in await store.rows(sql, {})}


async def insert_row(store: TelemetryStore, table: str, org_id: int, server_id: int) -> None:
    """A row of now, whatever the table calls its time."""
    stored = store.layout.stored(table)
    sql = (
        "SELECT name FROM system.columns"
        " WHERE database = currentDatabase() AND table = {table:String} AND is_in_partition_key"
    )
    ((time,),) = [row.values() for row in await store.rows(sql, {"table": stored})]
    values = f"(org_id, server_id, {time}) VALUES ({org_id}, {server_id}, now())"
    await store.command(f"INSERT INTO {stored} {values}", {})


async def test_every_table_that_keeps_rows_is_reached(store: TelemetryStore) -> None:
    assert {store.layout.stored(table) for table in TABLES} == await stored_tables(store) - OUR_OWN


async def test_a_server_s_rows_leave_every_table_and_the_rows_of_others_stay(
    store: TelemetryStore, org_id: int
) -> None:
    others = [(org_id, 2), (org_id + 500_000, 1)]
    for table in TABLES:
        for of in [(org_id, 1), *others]:
            await insert_row(store, table, *of)
    assert await delete_server_rows(store, org_id, 1) == len(TABLES)
    assert await delete_server_rows(store, org_id, 1) == 0
    for table in TABLES:
        sql = f"SELECT org_id, server_id FROM {table} WHERE org_id IN ({org_id}, {org_id + 500_000}) ORDER BY ALL"
        rows = await store.rows(sql, {})
        assert [(row["org_id"], row["server_id"]) for row in rows] == others
    for other in others:
        await delete_server_rows(store, *other)


async def test_deleted_rows_leave_the_disk_and_not_only_the_answers(
    store: TelemetryStore, org_id: int
) -> None:
    await store.command(
        f"INSERT INTO {store.layout.stored('spans')} (org_id, server_id, time, name)"
        f" SELECT {org_id}, number % 2, now(), randomPrintableASCII(100) FROM numbers(20000)",
        {},
    )
    sql = (
        "SELECT sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts"
        f" WHERE active AND database = currentDatabase() AND table = '{store.layout.stored('spans')}'"
    )
    (before,) = await store.rows(sql, {})
    await delete_server_rows(store, org_id, 1)
    (after,) = await store.rows(sql, {})
    assert before["rows"] - after["rows"] == 10_000
    assert before["bytes"] - after["bytes"] > 900_000
    await delete_server_rows(store, org_id, 0)
