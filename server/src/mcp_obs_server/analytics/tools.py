"""Which tools are called, how fast are they and which fail?"""

import asyncio
from dataclasses import asdict

from mcp_obs_server.analytics.latency import NOTHING_TIMED, Latency, latencies
from mcp_obs_server.analytics.schemas import Tool, ToolTable
from mcp_obs_server.analytics.scope import OF_EACH_TOOL, Question, in_hours
from mcp_obs_server.store import Row, TelemetryStore

# A sparkline in a table cell shows no more than this.
_TREND_PARTS = 24

_SQL = f"""
SELECT
    target AS name,
    toUInt64(round(sum(rollup.calls))) AS calls,
    toUInt64(round(sum(rollup.errors))) AS errors,
    uniqCombinedMerge(12)(users) AS active_users,
    max(last_time) AS last_call_at,
    sumMap(map(
        toUInt8(intDiv((toUnixTimestamp(start) - toUnixTimestamp({{start:DateTime('UTC')}})) * {_TREND_PARTS},
            toUnixTimestamp({{end:DateTime('UTC')}}) - toUnixTimestamp({{start:DateTime('UTC')}}))),
        rollup.calls)) AS trend
FROM {{operations:Identifier}} AS rollup
WHERE {OF_EACH_TOOL}
GROUP BY name
ORDER BY calls DESC, name
LIMIT 500
"""


async def tools(store: TelemetryStore, question: Question) -> ToolTable:
    """A row a tool, most called first."""
    parameters = question.parameters(question.range.start)
    rows, timed = await asyncio.gather(
        store.rows(_SQL, parameters),
        latencies(store, "target", in_hours("durations", OF_EACH_TOOL), parameters),
    )
    tools = [_tool(row, timed.get(row["name"], NOTHING_TIMED)) for row in rows]
    return ToolTable(range=question.range_out(), tools=tools)


def _tool(row: Row, latency: Latency) -> Tool:
    return Tool(
        name=row["name"],
        calls=row["calls"],
        errors=row["errors"],
        error_rate=row["errors"] / max(row["calls"], 1),
        active_users=row["active_users"],
        last_call_at=row["last_call_at"],
        **asdict(latency),
        trend=[round(row["trend"].get(part, 0)) for part in range(_TREND_PARTS)],
    )
