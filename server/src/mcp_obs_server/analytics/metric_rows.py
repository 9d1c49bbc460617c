"""The rows of the rollups that one metric has, each with the value of the attribute that splits it."""

from datetime import timedelta
from typing import Any

from mcp_obs_server.analytics.metric_schemas import Metric
from mcp_obs_server.analytics.metrics import SERIES_IN_RANGE
from mcp_obs_server.analytics.scope import Question
from mcp_obs_server.store import TelemetryStore

# More lines than these are no chart; the rest is one line.
MOST_GROUPS = 20
OTHER = "_OTHER"

_OF_THE_METRIC = (
    "metric_name = {name:String} AND kind = {kind:String}"
    " AND temporality = {temporality:String} AND is_monotonic = {is_monotonic:Bool}"
    " AND unit = {unit:String}"
)
BUCKET = "toDateTime(intDiv(toUnixTimestamp(start), {bucket:UInt32}) * {bucket:UInt32}, 'UTC')"

_LABELS = f"""
SELECT attributes[{{by:String}}] AS label
FROM metric_series
WHERE {SERIES_IN_RANGE} AND {_OF_THE_METRIC}
GROUP BY label
ORDER BY count() DESC, label
LIMIT {MOST_GROUPS + 1}
"""


async def labels(store: TelemetryStore, parameters: dict[str, Any]) -> list[str]:
    """The values of the attribute, those with the most series first; one more than MOST_GROUPS when there are more."""
    return [row["label"] for row in await store.rows(_LABELS, parameters)]


def parameters(question: Question, metric: Metric, by: str | None) -> dict[str, Any]:
    """What a query of a metric binds."""
    hour = timedelta(hours=1)
    return {
        **question.parameters(question.range.start),
        "rollup": "metrics_1h" if question.range.bucket >= hour else "metrics_15m",
        "name": metric.name,
        "kind": metric.kind,
        "temporality": metric.temporality,
        "is_monotonic": metric.is_monotonic,
        "unit": metric.unit,
        "by": by or "",
        "accumulates": metric.temporality == "cumulative" or metric.kind == "summary",
        "adds_up": metric.kind == "sum",
    }


def rows(columns: str, start: str, by: str | None) -> str:
    """A query of `columns`, from `start` on; `label` is empty when nothing splits the metric."""
    split = f"""
    INNER JOIN
    (
        SELECT
            series_id,
            any(attributes[{{by:String}}]) AS attribute,
            if(has({{labels:Array(String)}}, attribute), attribute, '{OTHER}') AS label
        FROM metric_series
        WHERE {SERIES_IN_RANGE} AND {_OF_THE_METRIC}
        GROUP BY series_id
    ) AS split USING series_id"""
    return f"""
    SELECT {columns}, {"label" if by else "'' AS label"}
    FROM {{rollup:Identifier}} AS rollup{split if by else ""}
    WHERE org_id = {{org_id:UInt32}} AND server_id = {{server_id:UInt32}} AND {_OF_THE_METRIC}
        AND start >= {start} AND start < {{end:DateTime('UTC')}}
"""
