"""Rows that leave before their time, from every table that holds telemetry.

A mutation rewrites the parts in which it finds such rows, so they leave the disk and not only the answers. The engine
removes the old files some minutes after the new ones are there.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from mcp_obs_server.store.retention import KEPT_AS_SENT, TABLES
from mcp_obs_server.store.telemetry_store import TelemetryStore

log = logging.getLogger(__name__)

_FIRST_LOOK_SECONDS = 0.05
_LAST_LOOK_SECONDS = 2.0

_UNFINISHED = """
SELECT table, latest_fail_reason
FROM system.mutations
WHERE database = currentDatabase() AND NOT is_done
"""
_OF_A_SERVER = "org_id = {org_id:UInt32} AND server_id = {server_id:UInt32}"


async def delete_server_rows(store: TelemetryStore, org_id: int, server_id: int) -> int:
    """Delete everything a server sent; how many rows that was. Raises StoreUnavailableError.

    Returns when every table counts none and every mutation is finished.
    """
    parameters = {"org_id": org_id, "server_id": server_id}
    removed = 0
    while found := await _count(store, _OF_A_SERVER, parameters):
        for table, rows in found.items():
            await store.command(f"ALTER TABLE {table} DELETE WHERE {_OF_A_SERVER}", parameters)
            removed += rows
        await mutations_finished(store)
    return removed


async def delete_older_rows(store: TelemetryStore, org_ids: Sequence[int], oldest: datetime) -> None:
    """Delete what these organisations sent before `oldest`, the start of a day. Raises StoreUnavailableError.

    Limited to the days that have such rows, so a second time costs nothing.
    """
    parameters = {"org_ids": org_ids, "oldest": oldest}
    for table, column in KEPT_AS_SENT.items():
        condition = f"org_id IN {{org_ids:Array(UInt32)}} AND {column} < {{oldest:DateTime('UTC')}}"
        sql = f"SELECT DISTINCT _partition_id AS partition FROM {table} WHERE {condition}"
        for row in await store.rows(sql, parameters):
            partition = f"IN PARTITION ID '{row['partition']}'"
            await store.command(f"ALTER TABLE {table} DELETE {partition} WHERE {condition}", parameters)
    await mutations_finished(store)


async def mutations_finished(store: TelemetryStore) -> None:
    """Return when no table has a mutation left to do. Raises StoreUnavailableError."""
    seconds = _FIRST_LOOK_SECONDS
    while unfinished := await store.rows(_UNFINISHED, {}):
        for row in unfinished:
            if row["latest_fail_reason"]:
                log.error("Rows can't be deleted from %s yet: %s", row["table"], row["latest_fail_reason"])
        await asyncio.sleep(seconds)
        seconds = min(seconds * 2, _LAST_LOOK_SECONDS)


async def _count(store: TelemetryStore, condition: str, parameters: Mapping[str, object]) -> dict[str, int]:
    """How many rows meet the condition, by table; only tables that have some."""
    counts = {
        table: (await store.rows(f"SELECT count() AS rows FROM {table} WHERE {condition}", parameters))[0][
            "rows"
        ]
        for table in TABLES
    }
    return {table: rows for table, rows in counts.items() if rows}
