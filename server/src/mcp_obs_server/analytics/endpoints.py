"""The read API of one server, and the one thing that its senders may ask."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from mcp_obs_server.analytics.log_schemas import LogPage, LogQuery
from mcp_obs_server.analytics.metric_schemas import MetricList, MetricQuery, MetricSeries
from mcp_obs_server.analytics.named_view_schemas import (
    FeatureUsage,
    PerformanceMetrics,
    RowsQuery,
    SessionMetrics,
)
from mcp_obs_server.analytics.schemas import Overview, Series, ToolTable
from mcp_obs_server.analytics.service import AnalyticsService
from mcp_obs_server.analytics.span_schemas import ReceivedTrace, SpanPage, SpanQuery, Trace
from mcp_obs_server.analytics.time_range import RangeName
from mcp_obs_server.kit.http_errors import ERROR_RESPONSES
from mcp_obs_server.kit.services import provided
from mcp_obs_server.servers.dependencies import AuthorisedServer, SendingServer

router = APIRouter(prefix="/api/servers/{server_id}", tags=["analytics"], responses=ERROR_RESPONSES)

senders = APIRouter(prefix="/api/received", tags=["senders"], responses=ERROR_RESPONSES)

Analytics = Annotated[AnalyticsService, Depends(provided(AnalyticsService))]
LookBack = Annotated[RangeName, Query(alias="range", description="How far to look back.")]
Target = Annotated[str | None, Query(max_length=1000, description="Only this tool, prompt or resource.")]
TraceId = Annotated[str, Path(pattern="^[0-9a-fA-F]{32}$")]


@router.get("/overview", operation_id="get_overview")
async def get_overview(
    analytics: Analytics, scope: AuthorisedServer, look_back: LookBack = "24h", target: Target = None
) -> Overview:
    """The server's numbers, each against the period before."""
    return await analytics.overview(scope, look_back, target)


@router.get("/series", operation_id="get_series")
async def get_series(
    analytics: Analytics, scope: AuthorisedServer, look_back: LookBack = "24h", target: Target = None
) -> Series:
    """The numbers over time."""
    return await analytics.series(scope, look_back, target)


@router.get("/tools", operation_id="get_tools")
async def get_tools(analytics: Analytics, scope: AuthorisedServer, look_back: LookBack = "24h") -> ToolTable:
    """The tools that were called, most called first."""
    return await analytics.tools(scope, look_back)


@router.get("/spans", operation_id="list_spans")
async def list_spans(
    analytics: Analytics, scope: AuthorisedServer, query: Annotated[SpanQuery, Query()]
) -> SpanPage:
    """The spans that a filter leaves, newest first."""
    return await analytics.spans(scope, query)


@router.get("/traces/{trace_id}", operation_id="get_trace")
async def get_trace(analytics: Analytics, scope: AuthorisedServer, trace_id: TraceId) -> Trace:
    """The spans of a trace, whole."""
    return await analytics.trace(scope, trace_id)


@router.get("/metrics", operation_id="list_metrics")
async def list_metrics(
    analytics: Analytics, scope: AuthorisedServer, look_back: LookBack = "24h"
) -> MetricList:
    """The metrics that were seen, by name."""
    return await analytics.metrics(scope, look_back)


@router.get("/metrics/series", operation_id="get_metric_series")
async def get_metric_series(
    analytics: Analytics, scope: AuthorisedServer, query: Annotated[MetricQuery, Query()]
) -> MetricSeries:
    """One metric over time."""
    return await analytics.metric_series(scope, query)


@router.get("/logs", operation_id="list_logs")
async def list_logs(
    analytics: Analytics, scope: AuthorisedServer, query: Annotated[LogQuery, Query()]
) -> LogPage:
    """The log records and events that a filter leaves, newest first."""
    return await analytics.logs(scope, query)


@router.get("/session_metrics", operation_id="list_session_metrics")
async def list_session_metrics(
    analytics: Analytics, scope: AuthorisedServer, query: Annotated[RowsQuery, Query()]
) -> SessionMetrics:
    """The view `session_metrics`: what every session came to, from spans, logs and metrics."""
    return await analytics.session_metrics(scope, query)


@router.get("/performance_metrics", operation_id="list_performance_metrics")
async def list_performance_metrics(
    analytics: Analytics, scope: AuthorisedServer, query: Annotated[RowsQuery, Query()]
) -> PerformanceMetrics:
    """The view `performance_metrics`: every point of every metric."""
    return await analytics.performance_metrics(scope, query)


@router.get("/feature_usage", operation_id="list_feature_usage")
async def list_feature_usage(
    analytics: Analytics, scope: AuthorisedServer, query: Annotated[RowsQuery, Query()]
) -> FeatureUsage:
    """The view `feature_usage`: calls and users of every tool, prompt and resource, day by day."""
    return await analytics.feature_usage(scope, query)


@senders.get("/{trace_id}", operation_id="get_received_trace")
async def get_received_trace(analytics: Analytics, scope: SendingServer, trace_id: TraceId) -> ReceivedTrace:
    """Whether a trace that was sent with this API key's server can be read; for `mcp-obs doctor`."""
    return await analytics.received(scope, trace_id)
