"""The rows of the views that session analytics are known by."""

from typing import Any

from mcp_obs_server.analytics.named_view_schemas import (
    FeatureRow,
    FeatureUsage,
    PerformanceMetrics,
    PerformanceRow,
    RowsQuery,
    SessionMetrics,
    SessionRow,
)
from mcp_obs_server.analytics.scope import Question
from mcp_obs_server.store import Row, TelemetryStore

_PARAMETERS = (
    "org_id = {org_id:UInt32}, server_id = {server_id:UInt32},"
    " start = {start:DateTime('UTC')}, end = {end:DateTime('UTC')}"
)


async def session_metrics(store: TelemetryStore, question: Question, query: RowsQuery) -> SessionMetrics:
    """What every session came to."""
    rows = await _rows(store, question, query, "*", "session_metrics", "start_time DESC, session_id")
    return SessionMetrics(
        range=question.range_out(),
        rows=[SessionRow(**row) for row in rows[: query.limit]],
        has_more=len(rows) > query.limit,
    )


async def performance_metrics(
    store: TelemetryStore, question: Question, query: RowsQuery
) -> PerformanceMetrics:
    """Every point of every metric."""
    # JSON has no infinity.
    columns = "timestamp, metric_name, if(isFinite(value), value, NULL) AS value, labels"
    order = "timestamp DESC, metric_name, labels, value"
    rows = await _rows(store, question, query, columns, "performance_metrics", order)
    return PerformanceMetrics(
        range=question.range_out(),
        rows=[PerformanceRow(**row) for row in rows[: query.limit]],
        has_more=len(rows) > query.limit,
    )


async def feature_usage(store: TelemetryStore, question: Question, query: RowsQuery) -> FeatureUsage:
    """How often every tool, prompt and resource was called, day by day."""
    rows = await _rows(store, question, query, "*", "feature_usage", "date DESC, usage_count DESC, feature")
    return FeatureUsage(
        range=question.range_out(),
        rows=[FeatureRow(**row) for row in rows[: query.limit]],
        has_more=len(rows) > query.limit,
    )


async def _rows(
    store: TelemetryStore, question: Question, query: RowsQuery, columns: str, view: str, order: str
) -> list[Row]:
    """A page, and one row more when there is one."""
    sql = f"""
SELECT {columns}
FROM {view}({_PARAMETERS})
ORDER BY {order}
LIMIT {query.limit + 1} OFFSET {query.offset}
"""
    parameters: dict[str, Any] = question.parameters(question.range.start)
    return await store.rows(sql, parameters)
