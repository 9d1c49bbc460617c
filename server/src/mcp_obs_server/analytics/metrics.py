"""Which metrics did this server send?"""

from typing import Any, cast

from mcp_obs_server.analytics.metric_schemas import Category, Metric, MetricList
from mcp_obs_server.analytics.scope import Question
from mcp_obs_server.semconv import KNOWN_METRICS
from mcp_obs_server.store import Row, TelemetryStore

# One row a series and a day: the day that the range starts in may have series that ended before it.
SERIES_IN_RANGE = (
    "org_id = {org_id:UInt32} AND server_id = {server_id:UInt32}"
    " AND start >= toStartOfDay({start:DateTime('UTC')}) AND start < {end:DateTime('UTC')}"
    " AND last_time >= {start:DateTime('UTC')}"
)
# More are not looked through in a list; a name is asked for.
_MOST_METRICS = 1000

_SQL = f"""
SELECT
    metric_name AS name,
    kind,
    temporality,
    is_monotonic,
    unit,
    argMax(series.description, last_time) AS newest_description,
    max(last_time) AS last_at,
    uniqExact(series_id) AS number_of_series
FROM metric_series AS series
WHERE {SERIES_IN_RANGE}
    AND ({{name:String}} = '' OR metric_name = {{name:String}}) AND ({{kind:String}} = '' OR kind = {{kind:String}})
GROUP BY name, kind, temporality, is_monotonic, unit
ORDER BY name, last_at DESC, kind, temporality, unit
LIMIT {_MOST_METRICS}
"""


async def metrics(store: TelemetryStore, question: Question) -> MetricList:
    """The metrics of the range, by name."""
    return MetricList(range=question.range_out(), metrics=await seen(store, question))


async def seen(store: TelemetryStore, question: Question, name: str = "", kind: str = "") -> list[Metric]:
    """The metrics of the range, or those of one name, the one seen last first."""
    parameters: dict[str, Any] = {
        **question.parameters(question.range.start),
        "name": name,
        "kind": kind,
    }
    return [_metric(row) for row in await store.rows(_SQL, parameters)]


def _metric(row: Row) -> Metric:
    known = KNOWN_METRICS.get(row["name"])
    return Metric(
        name=row["name"],
        kind=row["kind"],
        temporality=row["temporality"],
        is_monotonic=row["is_monotonic"],
        unit=row["unit"],
        description=row["newest_description"] or (known.brief if known else ""),
        category=cast("Category | None", known.category if known else None),
        last_at=row["last_at"],
        series=row["number_of_series"],
    )
