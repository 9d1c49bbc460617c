"""How is this server doing, and how did it do in the period before?"""

from mcp_obs_server.analytics.figures import figures_of
from mcp_obs_server.analytics.latency import QUANTILES, TIMED
from mcp_obs_server.analytics.schemas import Figure, Overview
from mcp_obs_server.analytics.scope import CALLS, ERRORS, IN_SCOPE, Question
from mcp_obs_server.store import TelemetryStore

# One query: of what one costs, half is its planning, however little it reads.
_SQL = f"""
WITH {TIMED}
SELECT
    start >= {{middle:DateTime('UTC')}} AS is_current,
    {CALLS} AS calls,
    {ERRORS} AS errors,
    uniqCombinedMerge(12)(users) AS active_users,
    uniqCombinedMerge(12)(sessions) AS sessions,
    uniqExactIf(client_name, client_name != '') AS clients,
    toUInt64(round(sumIf(rollup.calls, generated AND is_call))) AS generated_calls,
    maxIf(last_time, is_call) AS last_call_at,
    {QUANTILES}
FROM {{operations:Identifier}} AS rollup
WHERE {IN_SCOPE}
GROUP BY is_current
"""


async def overview(store: TelemetryStore, question: Question) -> Overview:
    """The numbers of the range, each beside the previous one's."""
    rows = await store.rows(_SQL, question.parameters(question.range.previous_start))
    periods = {bool(row["is_current"]): row for row in rows}
    current = periods.get(True)
    now, before = figures_of(current), figures_of(periods.get(False))
    return Overview(
        range=question.range_out(),
        generated_calls=current["generated_calls"] if current else 0,
        last_call_at=current["last_call_at"] if current and current["calls"] else None,
        **{name: Figure(value=now[name], previous=before[name]) for name in now},
    )
