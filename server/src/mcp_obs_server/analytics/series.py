"""How did it go over time?"""

from datetime import datetime

from mcp_obs_server.analytics.schemas import Point, Series
from mcp_obs_server.analytics.scope import CALLS, DURATIONS, ERRORS, IN_SCOPE, Question, milliseconds, rate
from mcp_obs_server.store import Row, TelemetryStore

_SQL = f"""
SELECT
    toDateTime(intDiv(toUnixTimestamp(start), {{bucket:UInt32}}) * {{bucket:UInt32}}, 'UTC') AS bucket_start,
    {CALLS} AS calls,
    {ERRORS} AS errors,
    {DURATIONS} AS quantiles,
    uniqMerge(users) AS active_users,
    uniqMerge(sessions) AS sessions,
    uniqExactIf(client_name, client_name != '') AS clients
FROM {{rollup:Identifier}}
WHERE {IN_SCOPE}
GROUP BY bucket_start
"""


async def series(store: TelemetryStore, question: Question) -> Series:
    """One point a bucket."""
    parameters = question.parameters(question.range.start)
    rows = {row["bucket_start"]: row for row in await store.rows(_SQL, parameters)}
    points = [_point(start, rows.get(start)) for start in question.range.starts()]
    return Series(range=question.range_out(), points=points)


def _point(start: datetime, row: Row | None) -> Point:
    if row is None:
        return Point(
            start=start, calls=0, errors=0, error_rate=None, p50_ms=None, p95_ms=None, p99_ms=None,
            active_users=0, sessions=0, clients=0,
        )  # fmt: skip
    p50, p95, p99 = milliseconds(row["quantiles"])
    return Point(
        start=start,
        calls=row["calls"],
        errors=row["errors"],
        error_rate=rate(row["errors"], row["calls"]),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        active_users=row["active_users"],
        sessions=row["sessions"],
        clients=row["clients"],
    )
