"""Rows that leave before their time, from every table that holds telemetry.

A mutation rewrites the parts in which it finds such rows, so they leave the disk and not only the answers. The engine
removes the old files some minutes after the new ones are there. On a cluster each shard has mutations of its own, and
each of its replicas carries them out by itself: they are done when all replicas say so.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime

from mcp_obs_server.store.retention import KEPT_AS_SENT, TABLES
from mcp_obs_server.store.telemetry_store import TelemetryStore

log = logging.getLogger(__name__)

_FIRST_LOOK_SECONDS = 0.05
_LAST_LOOK_SECONDS = 2.0

_UNFINISHED = """
SELECT table, latest_fail_reason
FROM {mutations}
WHERE database = {database} AND NOT is_done
"""


async def delete_server_rows(store: TelemetryStore, org_id: int, server_id: int) -> int:
    """Delete everything a server sent; how many rows that was. Raises StoreUnavailableError.

    Returns when every replica of every table counts none and every mutation is finished.
    """
    condition = f"org_id = {org_id:d} AND server_id = {server_id:d}"
    removed = 0
    for seconds in _pauses():
        tables = await _tables_with_rows(store, condition)
        if not tables:
            break
        for table in tables:
            removed += await _count(store, table, condition)
            await store.define(f"ALTER TABLE {table} DELETE WHERE {condition}", {})
        await mutations_finished(store)
        # A replica that hasn't heard of the mutation yet still has the rows.
        await asyncio.sleep(seconds)
    return removed


async def delete_older_rows(store: TelemetryStore, org_ids: Sequence[int], oldest: datetime) -> None:
    """Delete what these organisations sent before `oldest`, the start of a day. Raises StoreUnavailableError.

    Limited to the days that have such rows, so a second time costs nothing.
    """
    parameters = {"org_ids": org_ids, "oldest": oldest}
    for table, column in KEPT_AS_SENT.items():
        rows = store.layout.on_every_replica(table)
        condition = f"org_id IN {{org_ids:Array(UInt32)}} AND {column} < {{oldest:DateTime('UTC')}}"
        sql = f"SELECT DISTINCT _partition_id AS partition FROM {rows} WHERE {condition}"
        for row in await store.rows(sql, parameters):
            partition = f"IN PARTITION ID '{row['partition']}'"
            await store.define(f"ALTER TABLE {table} DELETE {partition} WHERE {condition}", parameters)
    await mutations_finished(store)


async def mutations_finished(store: TelemetryStore) -> None:
    """Return when no table of any replica has a mutation left to do. Raises StoreUnavailableError."""
    layout = store.layout
    sql = _UNFINISHED.format(mutations=layout.on_every_replica("system.mutations"), database=layout.database)
    for seconds in _pauses():
        unfinished = await store.rows(sql, {})
        if not unfinished:
            return
        for row in unfinished:
            if row["latest_fail_reason"]:
                log.error("Rows can't be deleted from %s yet: %s", row["table"], row["latest_fail_reason"])
        await asyncio.sleep(seconds)


async def _tables_with_rows(store: TelemetryStore, condition: str) -> list[str]:
    """The tables of which any replica has a row that meets the condition."""
    every = {table: store.layout.on_every_replica(table) for table in TABLES}
    found = [
        (table, await store.rows(f"SELECT 1 FROM {rows} WHERE {condition} LIMIT 1", {}))
        for table, rows in every.items()
    ]
    return [table for table, rows in found if rows]


async def _count(store: TelemetryStore, table: str, condition: str) -> int:
    """How many rows meet the condition, each counted once."""
    (row,) = await store.rows(f"SELECT count() AS rows FROM {table} WHERE {condition}", {})
    return row["rows"]


def _pauses() -> Iterator[float]:
    """How long to wait before each next look, in seconds."""
    seconds = _FIRST_LOOK_SECONDS
    while True:
        yield seconds
        seconds = min(seconds * 2, _LAST_LOOK_SECONDS)
