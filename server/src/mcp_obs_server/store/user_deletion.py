"""A user's rows leave every table, and what was added up from them is added up again without them (decision 0013)."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date

from mcp_obs_server.store.attributes import quoted
from mcp_obs_server.store.deletion import mutations_finished
from mcp_obs_server.store.retention import KEPT_AS_ROLLUPS
from mcp_obs_server.store.roll_up_operations import ROLLUPS, rows_of_spans
from mcp_obs_server.store.telemetry_store import TelemetryStore

StillPaused = Callable[[], Awaitable[None]]
Paused = Callable[[], AbstractAsyncContextManager[StillPaused]]

# The attributes whose value says who a user is (OpenTelemetry's registries `enduser` and `user`, and Claude Code's).
USER_ATTRIBUTES = (
    "enduser.id",
    "enduser.pseudo.id",
    "user.account_id",
    "user.account_uuid",
    "user.email",
    "user.full_name",
    "user.hash",
    "user.id",
    "user.name",
)
# Where each table has attributes: in maps, and in maps inside of arrays. A test holds every new one to this.
MAPS = {
    "spans": ("attributes", "scope_attributes", "resource_attributes"),
    "logs": ("attributes", "scope_attributes", "resource_attributes"),
    "metric_points": ("attributes", "scope_attributes", "resource_attributes", "metadata"),
    "metric_series": ("attributes",),
}
MAPS_IN_ARRAYS = {
    "spans": ("events.attributes", "links.attributes"),
    "metric_points": ("exemplars.filtered_attributes",),
}
_WITH_USER_COLUMN = ("spans", "logs")
# These have no attributes: what a row is about is told by its series.
_OF_SERIES = ("metrics_15m", "metrics_1h")
# A statement has 256 KiB (max_query_size), and a series' number up to 21 characters.
_SERIES_A_STATEMENT = 5_000

_OF_THE_SERVER = "org_id = {org_id:UInt32} AND server_id = {server_id:UInt32}"
# The same rows put back are no repetition.
_AGAIN = "SETTINGS insert_deduplicate = 0, max_partitions_per_insert_block = 0"


async def delete_user_rows(
    store: TelemetryStore, org_id: int, server_id: int, user_id: str, paused: Paused
) -> int:
    """Delete what a server sent of a user until now; how many rows that was. Raises StoreUnavailableError.

    `paused` keeps new rows away while a day is gone through; what it gives raises when it no longer does. Returns when
    every mutation is finished; the same call again goes on where one was cut short.
    """
    deletion = _UserDeletion(store, {"org_id": org_id, "server_id": server_id, "user_id": user_id})
    # What a call that was cut short began must not be counted twice.
    await mutations_finished(store)
    rows = 0
    for day in await deletion.days():
        async with paused() as still_paused:
            rows += await deletion.delete_calls(day, still_paused)
    async with paused():
        rows += await deletion.delete_metrics()
        rows += await deletion.delete("logs", of_user("logs"))
    await mutations_finished(store)
    return rows


def of_user(table: str, *, and_in_arrays: bool = True) -> str:
    """The condition that a row is of the user."""
    conditions = ["user_id = {user_id:String}"] if table in _WITH_USER_COLUMN else []
    conditions += [_names_user(column) for column in MAPS[table]]
    if and_in_arrays:
        arrays = MAPS_IN_ARRAYS.get(table, ())
        conditions += [f"arrayExists(each -> {_names_user('each')}, {column})" for column in arrays]
    return f"{_OF_THE_SERVER} AND ({' OR '.join(conditions)})"


def _names_user(attributes: str) -> str:
    is_user = f"k IN ({quoted(USER_ATTRIBUTES)}) AND v = {{user_id:String}}"
    return f"arrayExists((k, v) -> {is_user}, mapKeys({attributes}), mapValues({attributes}))"


class _UserDeletion:
    """One user of one server."""

    def __init__(self, store: TelemetryStore, parameters: dict[str, object]) -> None:
        self._store = store
        self._parameters = parameters

    async def days(self) -> list[date]:
        """The days on which the user called."""
        sql = f"SELECT DISTINCT toDate(time) AS day FROM spans WHERE {of_user('spans')} ORDER BY day"
        return [row["day"] for row in await self._store.rows(sql, self._parameters)]

    async def delete_calls(self, day: date, still_paused: StillPaused) -> int:
        """Put a day's rollups together without the user, and then delete the spans: these say what is left to do."""
        is_whole = await self._is_whole(day)
        others = f"{_OF_THE_SERVER} AND toDate(time) = {{day:Date}} AND NOT ({of_user('spans')})"
        tables = [table for table in ROLLUPS if is_whole or table not in KEPT_AS_ROLLUPS]
        for table in tables:
            await self._delete_rollups(table, day)
            await self._command(f"INSERT INTO {table} {rows_of_spans(table, others)} {_AGAIN}", day=day)
        try:
            await still_paused()
        except Exception:
            # What came in between may be in them twice, and a day that holds more than its spans is not done again.
            for table in tables:
                await self._delete_rollups(table, day)
            raise
        return await self.delete("spans", f"toDate(time) = {{day:Date}} AND {of_user('spans')}", day=day)

    async def _delete_rollups(self, table: str, day: date) -> None:
        await self._delete(table, f"{_OF_THE_SERVER} AND toDate(start) = {{day:Date}}", day=day)

    async def _is_whole(self, day: date) -> bool:
        """Whether the spans of a day come to what its hours hold; not so on the day on which the first ones expire."""
        of_day = rows_of_spans("operations_1h", f"{_OF_THE_SERVER} AND toDate(time) = {{day:Date}}")
        sql = (
            f"SELECT (SELECT sum(calls) FROM ({of_day})) AS spans, (SELECT sum(calls) FROM operations_1h"
            f" WHERE {_OF_THE_SERVER} AND toDate(start) = {{day:Date}}) AS hours"
        )
        (row,) = await self._store.rows(sql, {**self._parameters, "day": day})
        # Sums of fractions in another order.
        return row["spans"] >= row["hours"] * (1 - 1e-9)

    async def delete_metrics(self) -> int:
        """Delete the user's series from what was added up, and then the points and names by which they are known."""
        rows = 0
        series = await self._series()
        for first in range(0, len(series), _SERIES_A_STATEMENT):
            condition = f"{_OF_THE_SERVER} AND series_id IN {{series:Array(UInt64)}}"
            for table in _OF_SERIES:
                rows += await self.delete(
                    table, condition, series=series[first : first + _SERIES_A_STATEMENT]
                )
        for table in ("metric_points", "metric_series"):
            rows += await self.delete(table, of_user(table))
        return rows

    async def _series(self) -> Sequence[int]:
        """Those whose own attributes name the user; an example in a series of all users makes it nobody's."""
        found = " UNION DISTINCT ".join(
            f"SELECT DISTINCT series_id FROM {table} WHERE {of_user(table, and_in_arrays=False)}"
            for table in ("metric_points", "metric_series")
        )
        return [row["series_id"] for row in await self._store.rows(found, self._parameters)]

    async def delete(self, table: str, condition: str, **parameters: object) -> int:
        """Begin to delete the rows that are there now; how many they are. Costs nothing when there are none."""
        (row,) = await self._store.rows(
            f"SELECT count() AS rows FROM {table} WHERE {condition}", {**self._parameters, **parameters}
        )
        if row["rows"]:
            await self._delete(table, condition, **parameters)
        return row["rows"]

    async def _delete(self, table: str, condition: str, **parameters: object) -> None:
        statement = f"ALTER TABLE {table} DELETE WHERE {condition}"
        await self._store.define(statement, {**self._parameters, **parameters})

    async def _command(self, sql: str, **parameters: object) -> None:
        await self._store.command(sql, {**self._parameters, **parameters})
