"""How did it go over time?"""

import asyncio
from dataclasses import asdict
from datetime import datetime

from mcp_obs_server.analytics.latency import NOTHING_TIMED, Latency, latencies
from mcp_obs_server.analytics.schemas import Point, Series
from mcp_obs_server.analytics.scope import CALLS, ERRORS, IN_SCOPE, IS_CALL, Question, rate
from mcp_obs_server.store import Row, TelemetryStore

_BUCKET = "toDateTime(intDiv(toUnixTimestamp(start), {bucket:UInt32}) * {bucket:UInt32}, 'UTC')"
_SQL = f"""
SELECT
    {_BUCKET} AS bucket_start,
    {CALLS} AS calls,
    {ERRORS} AS errors,
    uniqCombinedMerge(12)(users) AS active_users,
    uniqCombinedMerge(12)(sessions) AS sessions,
    uniqExactIf(client_name, client_name != '') AS clients
FROM {{operations:Identifier}}
WHERE {IN_SCOPE}
GROUP BY bucket_start
"""
_TIMED = f"(SELECT * FROM {{durations:Identifier}} WHERE {IN_SCOPE} AND {IS_CALL})"
_COUNTS = ("calls", "errors", "active_users", "sessions", "clients")
_EMPTY: Row = dict.fromkeys(_COUNTS, 0)


async def series(store: TelemetryStore, question: Question) -> Series:
    """One point a bucket."""
    parameters = question.parameters(question.range.start)
    found, timed = await asyncio.gather(
        store.rows(_SQL, parameters),
        latencies(store, _BUCKET, _TIMED, parameters),
    )
    rows = {row["bucket_start"]: row for row in found}
    points = [
        _point(start, rows.get(start, _EMPTY), timed.get(start, NOTHING_TIMED))
        for start in question.range.starts()
    ]
    return Series(range=question.range_out(), points=points)


def _point(start: datetime, row: Row, latency: Latency) -> Point:
    return Point(
        start=start,
        error_rate=rate(row["errors"], row["calls"]),
        **{name: row[name] for name in _COUNTS},
        **asdict(latency),
    )
