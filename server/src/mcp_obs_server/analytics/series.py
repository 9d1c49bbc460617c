"""How did it go over time?"""

from mcp_obs_server.analytics.figures import figures_of
from mcp_obs_server.analytics.latency import QUANTILES, TIMED
from mcp_obs_server.analytics.schemas import Point, Series
from mcp_obs_server.analytics.scope import CALLS, ERRORS, IN_SCOPE, Question
from mcp_obs_server.store import TelemetryStore

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


async def series(store: TelemetryStore, question: Question) -> Series:
    """One point a bucket."""
    found = await store.rows(_SQL, question.parameters(question.range.start))
    rows = {row["bucket_start"]: row for row in found}
    points = [
        Point.model_validate({"start": start, **figures_of(rows.get(start))})
        for start in question.range.starts()
    ]
    return Series(range=question.range_out(), points=points)
