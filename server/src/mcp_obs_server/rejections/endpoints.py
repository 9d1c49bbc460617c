"""Rejections over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from mcp_obs_server.kit.http_errors import ERROR_RESPONSES
from mcp_obs_server.kit.services import provided
from mcp_obs_server.rejections.schemas import RejectionList
from mcp_obs_server.rejections.service import RangeName, RejectionsService
from mcp_obs_server.servers.dependencies import AuthorisedServer

router = APIRouter(prefix="/api/servers/{server_id}", tags=["rejections"], responses=ERROR_RESPONSES)

Service = Annotated[RejectionsService, Depends(provided(RejectionsService))]
LookBack = Annotated[RangeName, Query(alias="range", description="How far to look back.")]


@router.get("/rejections", operation_id="list_rejections")
async def list_rejections(
    service: Service, scope: AuthorisedServer, look_back: LookBack = "7d"
) -> RejectionList:
    """What the server sent and was not kept, by day, signal and reason."""
    return await service.list_rejections(scope, look_back)
