"""Which tools are called, how fast are they and which fail?"""

import math
from dataclasses import asdict
from datetime import timedelta

from mcp_obs_server.analytics.latency import QUANTILES, TIMED, latency_of
from mcp_obs_server.analytics.schemas import Tool, ToolTable
from mcp_obs_server.analytics.scope import OF_EACH_TOOL, Question
from mcp_obs_server.analytics.time_range import TimeRange
from mcp_obs_server.store import Row, TelemetryStore

# A sparkline in a table cell shows no more than this; one more where a day has begun another hour.
_TREND_PARTS = 24
_HOUR = timedelta(hours=1)

_SQL = f"""
WITH {TIMED}
SELECT
    target AS name,
    toUInt64(round(sum(rollup.calls))) AS calls,
    toUInt64(round(sum(rollup.errors))) AS errors,
    uniqCombinedMerge(12)(users) AS active_users,
    max(last_time) AS last_call_at,
    sumMap(map(
        toUInt8(intDiv(toUnixTimestamp(start) - toUnixTimestamp({{start:DateTime('UTC')}}), {{part:UInt32}})),
        rollup.calls)) AS trend,
    {QUANTILES}
FROM operations_1h AS rollup
WHERE {OF_EACH_TOOL}
GROUP BY name
ORDER BY calls DESC, name
LIMIT 500
"""


async def tools(store: TelemetryStore, question: Question) -> ToolTable:
    """A row a tool, most called first."""
    part = _part_of(question.range)
    parameters = question.parameters(question.range.start) | {"part": int(part.total_seconds())}
    parts = math.ceil((question.range.end - question.range.start) / part)
    tools = [_tool(row, parts) for row in await store.rows(_SQL, parameters)]
    return ToolTable(range=question.range_out(), tools=tools)


def _part_of(time_range: TimeRange) -> timedelta:
    """Whole hours, as the rows are."""
    return max((time_range.end - time_range.start) // (_TREND_PARTS * _HOUR), 1) * _HOUR


def _tool(row: Row, parts: int) -> Tool:
    return Tool(
        name=row["name"],
        calls=row["calls"],
        errors=row["errors"],
        error_rate=row["errors"] / max(row["calls"], 1),
        active_users=row["active_users"],
        last_call_at=row["last_call_at"],
        **asdict(latency_of(row)),
        trend=[round(row["trend"].get(part, 0)) for part in range(parts)],
    )
