"""The dashboard's questions, put to the store at the present time."""

from mcp_obs_server.analytics.log_schemas import LogPage, LogQuery
from mcp_obs_server.analytics.logs import logs
from mcp_obs_server.analytics.metric_schemas import MetricList, MetricQuery, MetricSeries
from mcp_obs_server.analytics.metric_series import metric_series
from mcp_obs_server.analytics.metrics import metrics
from mcp_obs_server.analytics.named_view_schemas import (
    FeatureUsage,
    PerformanceMetrics,
    RowsQuery,
    SessionMetrics,
)
from mcp_obs_server.analytics.named_views import feature_usage, performance_metrics, session_metrics
from mcp_obs_server.analytics.overview import overview
from mcp_obs_server.analytics.received import received
from mcp_obs_server.analytics.schemas import Overview, Series, ToolTable
from mcp_obs_server.analytics.scope import Question
from mcp_obs_server.analytics.series import series
from mcp_obs_server.analytics.span_schemas import ReceivedTrace, SpanPage, SpanQuery, Trace
from mcp_obs_server.analytics.spans import spans
from mcp_obs_server.analytics.time_range import RangeName, TimeRange
from mcp_obs_server.analytics.tools import tools
from mcp_obs_server.analytics.trace import trace
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.servers.service import ServerScope
from mcp_obs_server.store import TelemetryStore


class AnalyticsService:
    """Answers about one server; the scope says that the caller may ask."""

    def __init__(self, store: TelemetryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def overview(self, scope: ServerScope, name: RangeName, target: str | None = None) -> Overview:
        """The server's numbers, or one target's, each against the period before."""
        return await overview(self._store, self._question(scope, name, target))

    async def series(self, scope: ServerScope, name: RangeName, target: str | None = None) -> Series:
        """The numbers over time, of the server or of one target."""
        return await series(self._store, self._question(scope, name, target))

    async def tools(self, scope: ServerScope, name: RangeName) -> ToolTable:
        """The tools that were called, most called first."""
        return await tools(self._store, self._question(scope, name))

    async def spans(self, scope: ServerScope, query: SpanQuery) -> SpanPage:
        """The spans that a filter leaves, newest first. Raises InvalidError."""
        return await spans(self._store, self._question(scope, query.range), query)

    async def trace(self, scope: ServerScope, trace_id: str) -> Trace:
        """The spans of a trace, whole. Raises NotFoundError."""
        return await trace(self._store, scope, trace_id)

    async def received(self, scope: ServerScope, trace_id: str) -> ReceivedTrace:
        """How much of a trace is stored."""
        return await received(self._store, scope, trace_id)

    async def metrics(self, scope: ServerScope, name: RangeName) -> MetricList:
        """The metrics that were seen, by name."""
        return await metrics(self._store, self._question(scope, name))

    async def metric_series(self, scope: ServerScope, query: MetricQuery) -> MetricSeries:
        """One metric over time."""
        return await metric_series(self._store, self._question(scope, query.range), query)

    async def logs(self, scope: ServerScope, query: LogQuery) -> LogPage:
        """The log records that a filter leaves, newest first. Raises InvalidError."""
        return await logs(self._store, self._question(scope, query.range), query)

    async def session_metrics(self, scope: ServerScope, query: RowsQuery) -> SessionMetrics:
        """What every session came to."""
        return await session_metrics(self._store, self._question(scope, query.range), query)

    async def performance_metrics(self, scope: ServerScope, query: RowsQuery) -> PerformanceMetrics:
        """Every point of every metric."""
        return await performance_metrics(self._store, self._question(scope, query.range), query)

    async def feature_usage(self, scope: ServerScope, query: RowsQuery) -> FeatureUsage:
        """How often every tool, prompt and resource was called, day by day."""
        return await feature_usage(self._store, self._question(scope, query.range), query)

    def _question(self, scope: ServerScope, name: RangeName, target: str | None = None) -> Question:
        return Question(scope, TimeRange.ending(self._clock(), name), target)
