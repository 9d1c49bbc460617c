"""Which tools are called, how fast are they and which fail?"""

from dataclasses import asdict

from mcp_obs_server.analytics.latency import QUANTILES, TIMED, latency_of
from mcp_obs_server.analytics.schemas import Tool, ToolTable
from mcp_obs_server.analytics.scope import OF_EACH_TOOL, Question, in_hours
from mcp_obs_server.store import Row, TelemetryStore

# A sparkline in a table cell shows no more than this.
_TREND_PARTS = 24

_SQL = f"""
WITH {TIMED}
SELECT
    target AS name,
    toUInt64(round(sum(rollup.calls))) AS calls,
    toUInt64(round(sum(rollup.errors))) AS errors,
    uniqCombinedMerge(12)(users) AS active_users,
    max(last_time) AS last_call_at,
    sumMap(map(
        toUInt8(intDiv((toUnixTimestamp(start) - toUnixTimestamp({{start:DateTime('UTC')}})) * {_TREND_PARTS},
            toUnixTimestamp({{end:DateTime('UTC')}}) - toUnixTimestamp({{start:DateTime('UTC')}}))),
        rollup.calls)) AS trend,
    {QUANTILES}
FROM {{rows}} AS rollup
GROUP BY name
ORDER BY calls DESC, name
LIMIT 500
"""


async def tools(store: TelemetryStore, question: Question) -> ToolTable:
    """A row a tool, most called first."""
    sql = _SQL.replace("{rows}", in_hours(OF_EACH_TOOL, question))
    rows = await store.rows(sql, question.parameters(question.range.start))
    return ToolTable(range=question.range_out(), tools=[_tool(row) for row in rows])


def _tool(row: Row) -> Tool:
    return Tool(
        name=row["name"],
        calls=row["calls"],
        errors=row["errors"],
        error_rate=row["errors"] / max(row["calls"], 1),
        active_users=row["active_users"],
        last_call_at=row["last_call_at"],
        **asdict(latency_of(row)),
        trend=[round(row["trend"].get(part, 0)) for part in range(_TREND_PARTS)],
    )
