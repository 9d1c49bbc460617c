"""Which tools are called, how fast are they and which fail?"""

from mcp_obs_server.analytics.schemas import Tool, ToolTable
from mcp_obs_server.analytics.scope import IN_SCOPE, Question, milliseconds
from mcp_obs_server.store import Row, TelemetryStore

# A sparkline in a table cell shows no more than this.
_TREND_PARTS = 24

_SQL = f"""
SELECT
    target AS name,
    toUInt64(round(sum(rollup.calls))) AS calls,
    toUInt64(round(sum(rollup.errors))) AS errors,
    quantilesTDigestWeightedMerge(0.5, 0.95, 0.99)(durations) AS quantiles,
    uniqMerge(users) AS active_users,
    max(last_time) AS last_call_at,
    sumMap(map(
        toUInt8(intDiv((toUnixTimestamp(start) - toUnixTimestamp({{start:DateTime('UTC')}})) * {_TREND_PARTS},
            toUnixTimestamp({{end:DateTime('UTC')}}) - toUnixTimestamp({{start:DateTime('UTC')}}))),
        rollup.calls)) AS trend
FROM {{rollup:Identifier}} AS rollup
WHERE {IN_SCOPE} AND method = 'tools/call'
GROUP BY name
ORDER BY calls DESC, name
LIMIT 500
"""


async def tools(store: TelemetryStore, question: Question) -> ToolTable:
    """A row a tool, most called first."""
    parameters = question.parameters(question.range.start)
    rows = await store.rows(_SQL, parameters)
    return ToolTable(range=question.range_out(), tools=[_tool(row) for row in rows])


def _tool(row: Row) -> Tool:
    p50, p95, p99 = milliseconds(row["quantiles"])
    return Tool(
        name=row["name"],
        calls=row["calls"],
        errors=row["errors"],
        error_rate=row["errors"] / max(row["calls"], 1),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        active_users=row["active_users"],
        last_call_at=row["last_call_at"],
        trend=[round(row["trend"].get(part, 0)) for part in range(_TREND_PARTS)],
    )
