"""The dashboard's questions, put to the store at the present time."""

from mcp_obs_server.analytics.overview import overview
from mcp_obs_server.analytics.schemas import Overview, Series, ToolTable
from mcp_obs_server.analytics.scope import Question
from mcp_obs_server.analytics.series import series
from mcp_obs_server.analytics.time_range import RangeName, TimeRange
from mcp_obs_server.analytics.tools import tools
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.servers.service import ServerScope
from mcp_obs_server.store import TelemetryStore


class AnalyticsService:
    """Answers about one server; the scope says that the caller may ask."""

    def __init__(self, store: TelemetryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def overview(self, scope: ServerScope, name: RangeName) -> Overview:
        """The server's numbers, each against the period before."""
        return await overview(self._store, self._question(scope, name))

    async def series(self, scope: ServerScope, name: RangeName) -> Series:
        """The numbers over time."""
        return await series(self._store, self._question(scope, name))

    async def tools(self, scope: ServerScope, name: RangeName) -> ToolTable:
        """The tools that were called, most called first."""
        return await tools(self._store, self._question(scope, name))

    def _question(self, scope: ServerScope, name: RangeName) -> Question:
        return Question(scope, TimeRange.ending(self._clock(), name))
