"""The read API of one server."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from mcp_obs_server.analytics.schemas import Overview, Series, ToolTable
from mcp_obs_server.analytics.service import AnalyticsService
from mcp_obs_server.analytics.time_range import RangeName
from mcp_obs_server.kit.http_errors import ERROR_RESPONSES
from mcp_obs_server.kit.services import provided
from mcp_obs_server.servers.dependencies import AuthorisedServer

router = APIRouter(prefix="/api/servers/{server_id}", tags=["analytics"], responses=ERROR_RESPONSES)

Analytics = Annotated[AnalyticsService, Depends(provided(AnalyticsService))]
LookBack = Annotated[RangeName, Query(alias="range", description="How far to look back.")]


@router.get("/overview", operation_id="get_overview")
async def get_overview(
    analytics: Analytics, scope: AuthorisedServer, look_back: LookBack = "24h"
) -> Overview:
    """The server's numbers, each against the period before."""
    return await analytics.overview(scope, look_back)


@router.get("/series", operation_id="get_series")
async def get_series(analytics: Analytics, scope: AuthorisedServer, look_back: LookBack = "24h") -> Series:
    """The numbers over time."""
    return await analytics.series(scope, look_back)


@router.get("/tools", operation_id="get_tools")
async def get_tools(analytics: Analytics, scope: AuthorisedServer, look_back: LookBack = "24h") -> ToolTable:
    """The tools that were called, most called first."""
    return await analytics.tools(scope, look_back)
