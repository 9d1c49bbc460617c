"""How did it go over time?"""

from dataclasses import asdict
from datetime import datetime

from mcp_obs_server.analytics.latency import QUANTILES, TIMED, latency_of
from mcp_obs_server.analytics.schemas import Point, Series
from mcp_obs_server.analytics.scope import CALLS, ERRORS, IN_SCOPE, Question, rate
from mcp_obs_server.store import Row, TelemetryStore

_SQL = f"""
WITH {TIMED}
SELECT
    toDateTime(intDiv(toUnixTimestamp(start), {{bucket:UInt32}}) * {{bucket:UInt32}}, 'UTC') AS bucket_start,
    {CALLS} AS calls,
    {ERRORS} AS errors,
    uniqCombinedMerge(12)(users) AS active_users,
    uniqCombinedMerge(12)(sessions) AS sessions,
    uniqExactIf(client_name, client_name != '') AS clients,
    {QUANTILES}
FROM {{operations:Identifier}} AS rollup
WHERE {IN_SCOPE}
GROUP BY bucket_start
"""
_COUNTS = ("calls", "errors", "active_users", "sessions", "clients")
_EMPTY: Row = dict.fromkeys(_COUNTS, 0)


async def series(store: TelemetryStore, question: Question) -> Series:
    """One point a bucket."""
    found = await store.rows(_SQL, question.parameters(question.range.start))
    rows = {row["bucket_start"]: row for row in found}
    points = [_point(start, rows.get(start)) for start in question.range.starts()]
    return Series(range=question.range_out(), points=points)


def _point(start: datetime, row: Row | None) -> Point:
    counts = row or _EMPTY
    return Point(
        start=start,
        error_rate=rate(counts["errors"], counts["calls"]),
        **{name: counts[name] for name in _COUNTS},
        **asdict(latency_of(row)),
    )
