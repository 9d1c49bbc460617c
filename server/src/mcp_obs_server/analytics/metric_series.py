"""How did one metric go over time?"""

from collections.abc import Callable
from datetime import datetime

from mcp_obs_server.analytics.metric_increases import (
    LOOK_BACK,
    distribution_point,
    increase_point,
    increases,
)
from mcp_obs_server.analytics.metric_levels import level_point, levels
from mcp_obs_server.analytics.metric_rows import MOST_GROUPS, OTHER, labels, parameters
from mcp_obs_server.analytics.metric_schemas import (
    Metric,
    MetricGroup,
    MetricPoint,
    MetricQuery,
    MetricSeries,
)
from mcp_obs_server.analytics.metrics import seen
from mcp_obs_server.analytics.scope import Question
from mcp_obs_server.store import Row, TelemetryStore

_Point = Callable[[datetime, Row | None], MetricPoint]


async def metric_series(store: TelemetryStore, question: Question, query: MetricQuery) -> MetricSeries:
    """A point a bucket, for each value of the attribute that splits the metric."""
    found = await seen(store, question, query.name, query.kind or "")
    if not found:
        return MetricSeries(range=question.range_out(), metric=None, by=query.by, groups=[])
    metric = max(found, key=lambda each: each.last_at)
    bound = parameters(question, metric, query.by)
    values = await labels(store, bound) if query.by else [""]
    shown = values[:MOST_GROUPS]
    others = [OTHER] if len(values) > MOST_GROUPS and OTHER not in shown else []
    sql, point = _query(metric, query.by)
    rows = await store.rows(sql, {**bound, "labels": shown, "since": question.range.start - LOOK_BACK})
    return MetricSeries(
        range=question.range_out(),
        metric=metric,
        by=query.by,
        groups=_groups(question, [*shown, *others], rows, point),
    )


def _query(metric: Metric, by: str | None) -> tuple[str, _Point]:
    if metric.kind in ("histogram", "exponential_histogram", "summary"):
        return increases(by), distribution_point
    if metric.kind == "sum" and (metric.temporality == "delta" or metric.is_monotonic):
        return increases(by), increase_point
    return levels(by), level_point


def _groups(question: Question, labels: list[str], rows: list[Row], point: _Point) -> list[MetricGroup]:
    found = {(row["label"], row["bucket_start"]): row for row in rows}
    return [
        MetricGroup(
            value=label or None,
            points=[point(start, found.get((label, start))) for start in question.range.starts()],
        )
        for label in labels
    ]
